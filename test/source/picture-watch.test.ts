import { isBlack, isSamePicture } from '../../src/media/source/picture-watch';
import type { RelayUnderTest } from '../relay/relay-under-test';
import { together } from '../support/together';
import { untilAnswer } from '../support/until';
import { makeInputFiles, picture, tone, type InputFiles } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

let files: InputFiles;
makeInputFiles((made) => (files = made));
let source: SourceUnderTest;
startRelayAndSource('all', (_relay: RelayUnderTest, s) => (source = s));

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
const lavfi = (what: string): string[] => ['-f', 'lavfi', '-t', '2', '-i', what];
const movingWithSound = (): Promise<string> =>
  files.make('good.ts', ...picture('320x180', 25, 2), ...tone(2), ...h264);

/** The backup is on air, as the primary shows what the rule forbids. */
const isLeft = async (id: string, bad: Promise<string>, rule: object, cause: RegExp): Promise<void> => {
  const [primary, backup] = await Promise.all([bad, movingWithSound()]);
  await source.put(id, {
    input: { kind: 'url', url: primary },
    framesPerSecond: 25,
    gopDurationTicks: 90_000,
    standby: { backups: [{ kind: 'url', url: backup }], ...rule },
  });
  const standby = await untilAnswer(
    `${id} is on its backup`,
    async () => (await source.list()).find((each) => each.id === id)?.standby,
    (seen) => seen?.onAir === 'backup-1',
  );
  expect(standby?.switches).toMatchObject([{ from: 'primary', to: 'backup-1' }]);
  expect(standby?.switches[0]?.cause).toMatch(cause);
  const state = standby?.inputs.map(({ isSound }) => isSound);
  expect(state).toEqual([false, true]);
};

together(
  {
    'a black picture': () =>
      isLeft(
        'black',
        files.make('black.ts', ...lavfi('color=black:s=320x180:r=25'), ...tone(2), ...h264),
        { blackSeconds: 1 },
        /black for/,
      ),
    'a picture that does not move': () =>
      isLeft(
        'frozen',
        files.make('frozen.ts', ...lavfi('color=teal:s=320x180:r=25'), ...tone(2), ...h264),
        { frozenSeconds: 1.5, blackSeconds: 1 },
        /not moved for/,
      ),
    silence: () =>
      isLeft(
        'silence',
        files.make('silence.ts', ...picture('320x180', 25, 2), ...lavfi('anullsrc=r=48000'), ...h264),
        { silentSeconds: 1.5, frozenSeconds: 2, blackSeconds: 1 },
        /silent for/,
      ),
  },
  40_000,
);

test('noise of a camera in the dark is black, and a clock that moves is no still picture', () => {
  const dark = Buffer.alloc(14_400, 16).map((luma, i) => luma + (i % 7));
  expect(isBlack(Buffer.from(dark))).toBe(true);
  const lit = Buffer.from(dark);
  lit.fill(200, 0, 400);
  expect(isBlack(lit)).toBe(false);
  expect(isSamePicture(lit, lit.map((luma) => luma ^ 0) as Buffer)).toBe(true);
  const ticked = Buffer.from(lit);
  ticked.fill(90, 0, 6);
  expect(isSamePicture(lit, ticked)).toBe(false);
});
