import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import type { InputColour, Rendition } from '../../src/domain';
import { ffmpegArguments } from '../../src/media/encoder/ffmpeg-arguments';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';

beforeAll(() => chmodSync(ffmpegInstaller.path, 0o755));

type Patch = [y: number, u: number, v: number];

const run = (program: string, args: string[], input?: Buffer): Buffer =>
  execFileSync(program, ['-v', 'error', ...args], { input, maxBuffer: 1 << 26 });

const samples = (pixelFormat: string, patch: Patch, [width, height]: [number, number]): Buffer => {
  const counts = [width * height, (width * height) / 4, (width * height) / 4];
  return Buffer.concat(
    counts.map((count, plane) => {
      const value = patch[plane]!;
      if (pixelFormat === 'yuv420p') return Buffer.alloc(count, value);
      const wide = Buffer.alloc(2 * count);
      for (let i = 0; i < count; i++) wide.writeUInt16LE(value, 2 * i);
      return wide;
    }),
  );
};

/** A second of one colour, as a feed brings it: from 100 s on. `marks` as options of ffmpeg's. */
const contribution = (
  patch: Patch,
  { size = [320, 180] as [number, number], pixelFormat = 'yuv420p', marks = [] as string[] } = {},
): Buffer => {
  const pictures = Buffer.concat(Array<Buffer>(25).fill(samples(pixelFormat, patch, size)));
  return run(
    'ffmpeg',
    [
      ...[
        '-f',
        'rawvideo',
        '-pix_fmt',
        pixelFormat,
        '-s',
        size.join('x'),
        '-r',
        '25',
        ...marks,
        '-i',
        'pipe:0',
      ],
      ...[...marks, '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '4', '-bf', '0'],
      ...['-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', '100', '-f', 'mpegts', 'pipe:1'],
    ],
    pictures,
  );
};

interface Shown {
  patch: Patch;
  range: string;
  matrix: string;
  transfer: string;
}

/** The middle of what a session's ffmpeg makes of it, and what it says of its colours. */
const shown = async (
  build: string,
  feed: Buffer,
  changes: Partial<Rendition>,
  inputColour?: InputColour,
): Promise<Shown> => {
  const rendition = { name: 'a', widthPx: 160, heightPx: 90, crf: 10, maxBitrateKbps: 4_000, ...changes };
  const job = {
    renditions: [rendition],
    framesPerSecond: 25,
    gopDurationTicks: 90_000,
    keyFrameTimes: '100',
  };
  const args = ffmpegArguments({ ...job, inputColour }, await detectFfmpeg(build));
  const made = execFileSync(build, args, { input: feed, maxBuffer: 1 << 26 });
  const pixelFormat = rendition.pixelFormat ?? 'yuv420p';
  const [width, height] = [rendition.widthPx, rendition.heightPx];
  const raw = run(
    'ffmpeg',
    ['-i', 'pipe:0', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', pixelFormat, '-'],
    made,
  );
  const value = (at: number): number => (pixelFormat === 'yuv420p' ? raw[at]! : raw.readUInt16LE(2 * at));
  const luma = width * height;
  const inChroma = luma / 8 + width / 4;
  const entries = 'stream=color_range,color_space,color_transfer';
  const said = run('ffprobe', ['-show_entries', entries, '-of', 'json', '-i', 'pipe:0'], made).toString();
  const [stream] = (JSON.parse(said) as { streams: Record<string, string>[] }).streams;
  return {
    patch: [value(luma / 2 + width / 2), value(luma + inChroma), value(luma + luma / 4 + inChroma)],
    range: stream!.color_range ?? 'unknown',
    matrix: stream!.color_space ?? 'unknown',
    transfer: stream!.color_transfer ?? 'unknown',
  };
};

const expectPatch = (found: Patch, wanted: Patch, tolerance: number): void =>
  found.forEach((value, plane) => expect(Math.abs(value - wanted[plane]!)).toBeLessThanOrEqual(tolerance));

const builds: [string][] = [['ffmpeg'], [ffmpegInstaller.path]];
/** 203 cd/m2, the white of a programme in HDR (ITU-R BT.2408), in PQ and 10 bits. */
const PQ_WHITE: Patch = [572, 512, 512];
const pqMarks = [
  '-color_range',
  'tv',
  '-color_primaries',
  'bt2020',
  '-color_trc',
  'smpte2084',
  '-colorspace',
  'bt2020nc',
];

describe.each(builds)('colours with %s', (build) => {
  it.each([
    ['in its stream', ['-color_range', 'pc', '-colorspace', 'bt709']],
    ['in its container alone', []],
  ])('full range that is told %s becomes limited, and says so', async (_, told) => {
    const { patch, ...marks } = await shown(
      build,
      contribution([128, 90, 160], { marks: told }),
      {},
      'bt709-full',
    );
    expectPatch(patch, [126, 95, 156], 2);
    expect(marks).toEqual({ range: 'tv', matrix: 'bt709', transfer: 'bt709' });
  });

  it.each([
    ['SD in a larger rendition', 'bt601-625', [320, 180], { widthPx: 1280, heightPx: 720 }, 'bt470bg'],
    ['HD in a smaller rendition', 'bt709', [1280, 720], {}, 'bt709'],
  ] as const)('%s keeps its values, and says what they are', async (_, colour, size, changes, matrix) => {
    const feed = contribution([150, 90, 170], { size: [...size] });
    const made = await shown(build, feed, changes, colour);
    expectPatch(made.patch, [150, 90, 170], 2);
    expect(made).toMatchObject({ range: 'tv', matrix });
  });

  it('PQ is mapped to SDR for 8 bits', async () => {
    const levels: number[] = [];
    for (const luma of [64, 300, PQ_WHITE[0], 760]) {
      const feed = contribution([luma, 512, 512], { pixelFormat: 'yuv420p10le', marks: pqMarks });
      const { patch, ...marks } = await shown(build, feed, {}, 'pq');
      expectPatch([0, patch[1], patch[2]], [0, 128, 128], 2);
      expect(marks).toEqual({ range: 'tv', matrix: 'bt709', transfer: 'bt709' });
      levels.push(patch[0]);
    }
    expect(levels).toEqual([...levels].sort((a, b) => a - b));
    expect(levels[0]).toBeLessThanOrEqual(18);
    // The curve of Hable for a peak of 1,000 cd/m2 leaves 0.511 of the light, shown as ITU-R BT.1886 says.
    expect(Math.abs(levels[2]! - (16 + 219 * 0.511 ** (1 / 2.4)))).toBeLessThanOrEqual(3);
    // 1,000 cd/m2 is white.
    expect(levels[3]).toBeGreaterThanOrEqual(228);
  });

  it('colours of which nothing is known stay as they came', async () => {
    const feed = contribution([150, 90, 170]);
    const made = await shown(build, feed, {});
    expectPatch(made.patch, [150, 90, 170], 2);
    expect(made.matrix).toBe('unknown');
  });
});

it.each([
  ['pq', 'smpte2084'],
  ['hlg', 'arib-std-b67'],
] as const)('%s stays in 10 bits', async (colour, transfer) => {
  const marks = pqMarks.map((word) => (word === 'smpte2084' ? transfer : word));
  const feed = contribution(PQ_WHITE, { pixelFormat: 'yuv420p10le', marks });
  for (const codec of ['libx264', 'libx265'] as const) {
    const made = await shown('ffmpeg', feed, { codec, pixelFormat: 'yuv420p10le' }, colour);
    expectPatch(made.patch, PQ_WHITE, 4);
    expect(made).toMatchObject({ range: 'tv', matrix: 'bt2020nc', transfer });
  }
});
