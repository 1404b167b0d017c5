import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import type { FoundInput } from '../../src/media/source/contribution-inputs';
import { InputLeg, type InputLegOptions } from '../../src/media/source/input-leg';
import { quietLog } from '../encoder/support/test-host';
import { until } from '../support/until';
import { makeInputFiles, picture, type InputFiles } from './inputs';

let files: InputFiles;
makeInputFiles((made) => (files = made));

/** A live input with a track of sound of which nothing comes. */
const withoutItsSound = (bytes: Buffer): FoundInput => {
  const output = new PassThrough();
  output.write(bytes);
  let settle: (code: number) => void = () => undefined;
  const exited = new Promise<number>((resolve) => (settle = resolve));
  return {
    kind: 'found',
    open: () => ({ output, outputs: [output], exited, lastWords: '', end: async () => settle(255) }),
    ...{ finite: false, inSegments: false, frameTicks: 3_600, grid: undefined },
    ...{ sound: [{ pid: 257, name: 'aac, deu', frameTicks: 1_920 }], splicePids: new Set(), notes: [] },
  };
};

const legOf = (found: FoundInput, limits: InputLegOptions['limits']): InputLeg =>
  new InputLeg({
    ...{ name: 'primary', isSlate: false, ffmpeg: 'ffmpeg', lossMs: 60_000, limits, log: quietLog },
    spec: { id: 'ch-1', framesPerSecond: 25, input: { kind: 'url', url: 'udp://127.0.0.1:9' } } as never,
    startInput: () => Promise.resolve(found),
    ...{ heldBytes: () => 2 ** 25, onFrames: () => undefined, onChange: () => undefined },
  });

test('sound that does not come any more counts as silence, where silence is looked for', async () => {
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p'];
  const made = await files.make('mute.ts', ...picture('160x90', 25, 6), ...h264);
  const bytes = await readFile(made);
  const legs = [
    legOf(withoutItsSound(bytes), { silentSeconds: 4 }),
    legOf(withoutItsSound(bytes), { silentSeconds: 9 }),
    legOf(withoutItsSound(bytes), {}),
  ];
  try {
    await until('all are open', () => legs.every(({ held }) => held?.canBeSent));
    await until('the first is away', () => !legs[0]!.look().isSound);
    expect(legs[0]!.look().whyAway).toBe('Its sound has brought nothing for 6 s.');
    expect(legs.slice(1).map((leg) => leg.look().isSound)).toEqual([true, true]);
  } finally {
    await Promise.all(legs.map((leg) => leg.stop()));
  }
});
