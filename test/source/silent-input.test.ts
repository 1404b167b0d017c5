import { readFile } from 'node:fs/promises';
import { PassThrough, Writable } from 'node:stream';
import { TransportStreamReader, elementaryStreamOf, type PesUnit } from '../../src/media/mpegts';
import type { FoundInput } from '../../src/media/source/contribution-inputs';
import type { InputProcess } from '../../src/media/source/ffmpeg-process';
import { HeldInput } from '../../src/media/source/held-input';
import { until } from '../support/until';
import { makeInputFiles, picture, type InputFiles } from './inputs';

const FRAME_TICKS = 3_600;

let files: InputFiles;
makeInputFiles((made) => (files = made));

/** A process that says what it is told to, until it is ended. */
class ToldProcess implements InputProcess {
  readonly output = new PassThrough();
  readonly outputs = [this.output];
  readonly exited: Promise<number | null>;
  readonly lastWords = '';
  private settle: (code: number | null) => void = () => undefined;

  constructor() {
    this.exited = new Promise((resolve) => (this.settle = resolve));
  }

  end(): Promise<void> {
    this.settle(255);
    return Promise.resolve();
  }
}

/** 2 s of pictures, on a clock that begins at `offsetSeconds`. */
const clip = async (name: string, offsetSeconds: number): Promise<Buffer> => {
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p'];
  const muxer = ['-omit_video_pes_length', '0', '-output_ts_offset', `${offsetSeconds}`];
  return readFile(await files.make(name, ...picture('160x90', 25, 2), ...h264, ...muxer));
};

const liveInput = (open: () => InputProcess): FoundInput => ({
  ...{ kind: 'found', open },
  ...{ finite: false, inSegments: false, frameTicks: FRAME_TICKS, grid: undefined },
  ...{ sound: [], splicePids: new Set(), notes: [] },
});

const picturesIn = (stream: Buffer): PesUnit[] => {
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({
    onUnit: (unit) => {
      if (unit.kind === 'video') units.push(unit);
    },
  });
  reader.push(stream);
  return units;
};

test('a live input that has brought no picture yet, or of which none can be repeated, is missing', async () => {
  const first = await clip('first.ts', 0);
  const told = new ToldProcess();
  const sound = [{ pid: 257, name: 'aac, deu', frameTicks: 1_920 }];
  let aheadMs = 0;
  const held = new HeldInput(
    { ...liveInput(() => told), sound },
    {
      ...{ framesPerSecond: 25, ffmpeg: '/no/ffmpeg', maxBytes: () => 2 ** 25, onFrames: () => undefined },
      now: () => performance.now() + aheadMs,
    },
  );
  try {
    aheadMs += 6_000;
    expect(held.missing).toMatchObject([{ what: 'input', hasCome: false, isStill: false }]);
    told.output.write(first);
    // Its sound, of which nothing comes, is counted from the first picture on.
    await until('it has pictures', () => held.missing.length === 0);
    aheadMs += 8_000;
    await until('it stands still', () => held.missing.length > 0);
    expect(held.missing).toMatchObject([{ what: 'input', hasCome: true, isStill: false }]);
  } finally {
    await held.end();
  }
});

test('a live input that falls silent is opened again behind its last picture, and is gone after 90 s', async () => {
  const [first, second] = [await clip('first.ts', 0), await clip('second.ts', 500)];
  const opened: ToldProcess[] = [];
  const input = liveInput(() => opened[opened.push(new ToldProcess()) - 1]!);
  let aheadMs = 0;
  const held = new HeldInput(input, {
    ...{ framesPerSecond: 25, ffmpeg: 'ffmpeg', maxBytes: () => 2 ** 25, onFrames: () => undefined },
    now: () => performance.now() + aheadMs,
  });
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const stopping = new AbortController();
  const sent = held.sendFrom(sink, 0, stopping.signal);
  sent.catch(() => undefined);
  const pictures = (): PesUnit[] => picturesIn(Buffer.concat(chunks));
  const isStill = (): boolean => held.notes.some((note) => note.includes('stood still'));
  try {
    opened[0]!.output.write(first);
    await until('the first pictures are sent', () => pictures().length === 50);
    expect(held.missing).toEqual([]);
    aheadMs += 31_000;
    await until('it is opened again', () => opened.length === 2);
    await until('its last picture is repeated', () => isStill() && pictures().length > 700);
    expect(held.runs).toBe(true);
    const [missing, ...others] = held.missing;
    expect(missing).toMatchObject({ what: 'input', hasCome: true, isStill: true });
    // From the moment at which players saw its last picture.
    expect(missing!.forSeconds).toBeGreaterThan(29);
    expect(missing!.forSeconds).toBeLessThan(40);
    expect(others).toEqual([]);
    opened[1]!.output.write(second);
    await until('it goes on', () => !isStill());
    expect(held.missing).toEqual([]);
    const last = elementaryStreamOf(picturesIn(second).at(-1)!);
    await until('its last picture is sent', () => elementaryStreamOf(pictures().at(-1)!).equals(last));
    // One picture after the other, from the first one of one clock to the last one of the other.
    const times = pictures().map(({ dtsTicks }) => dtsTicks);
    const steps = times.slice(1).map((ticks, i) => ticks - times[i]!);
    expect(new Set(steps)).toEqual(new Set([FRAME_TICKS]));

    for (const opening of [3, 4, 5]) {
      aheadMs += 31_000;
      if (opening < 5) await until('it is opened again', () => opened.length === opening);
    }
    await expect(held.ended).rejects.toMatchObject({
      code: 'input-ended',
      message: 'The input brought nothing for 90 s.',
    });
  } finally {
    stopping.abort();
    await held.end();
  }
});

test('keyframes before a jump of the clock keep the times that the sender gave them', async () => {
  const told = new ToldProcess();
  const held = new HeldInput(
    liveInput(() => told),
    { framesPerSecond: 25, ffmpeg: '/no/ffmpeg', maxBytes: () => 2 ** 25, onFrames: () => undefined },
  );
  try {
    const clips = [await clip('before.ts', 10), await clip('after.ts', 5_000)];
    for (const bytes of clips) told.output.write(bytes);
    const wanted = clips.flatMap((bytes) =>
      picturesIn(bytes).flatMap(({ keyframe, ptsTicks }) => (keyframe ? [ptsTicks] : [])),
    );
    expect(wanted.at(-1)! - wanted[0]!).toBeGreaterThan(4_900 * 90_000);
    await until('all are passed on', () => held.keyframes.length === wanted.length);
    expect(held.keyframes.map(({ sourceTicks }) => sourceTicks)).toEqual(wanted);
  } finally {
    await held.end();
  }
});
