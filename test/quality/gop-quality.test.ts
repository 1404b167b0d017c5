import { path as olderBuild } from '@ffmpeg-installer/ffmpeg';
import type { Deinterlace, Rendition } from '../../src/domain';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { readInputGop } from '../../src/media/quality/input-gop';
import { encodeReferenceGop } from '../../src/media/quality/reference-gop';
import { ssimOf } from '../../src/media/quality/similarity';
import { ssimToDb } from '../../src/versions/compare';
import { interlacedMpeg2, makeContribution } from '../encoder/support/contribution';
import { FeedServer } from '../encoder/support/feed-server';

const D = 90_000;
const rendition: Rendition = { name: '90p', widthPx: 160, heightPx: 90, crf: 27, maxBitrateKbps: 250 };
let feed: FeedServer;

beforeAll(async () => {
  feed = new FeedServer(makeContribution(12), D, 11.5 * D);
  await feed.listen();
});
afterAll(() => feed.close());

const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const encoded = async (
  build: string,
  gop: number,
  change: Partial<Rendition> = {},
  { from = feed, deinterlace }: { from?: FeedServer; deinterlace?: Deinterlace } = {},
): Promise<Buffer> =>
  encodeReferenceGop({
    feedUrl: from.url,
    gop,
    gopDurationTicks: D,
    framesPerSecond: 25,
    deinterlace,
    rendition: { ...rendition, ...change },
    ffmpeg: await detectFfmpeg(build),
    signal: signal(),
  });
const input = (gop: number): Promise<Buffer> =>
  readInputGop({ feedUrl: feed.url, gop, gopDurationTicks: D, signal: signal() });
const dbOf = async (gop: number, segments: Buffer[], change: Partial<Rendition> = {}): Promise<number[]> =>
  (
    await ssimOf({
      input: await input(gop),
      segments,
      rendition: { ...rendition, ...change },
      gopDurationTicks: D,
      ffmpegPath: 'ffmpeg',
      signal: signal(),
    })
  ).map(ssimToDb);

test('one GOP of two builds is compared with what both were given', async () => {
  const [debian, again, older, worse] = await dbOf(5, [
    await encoded('ffmpeg', 5),
    await encoded('ffmpeg', 5),
    await encoded(olderBuild, 5),
    await encoded('ffmpeg', 5, { crf: 40 }),
  ]);
  expect(debian).toBeGreaterThan(8);
  expect(again).toBe(debian);
  expect(Math.abs((older as number) - (debian as number))).toBeLessThan(0.5);
  expect(worse).toBeLessThan((debian as number) - 1);
});

test('what is deinterlaced is compared with what is deinterlaced', async () => {
  const codec = interlacedMpeg2(2);
  const fields = new FeedServer(makeContribution(6, { rate: '50', codec }), D, 5.5 * D);
  await fields.listen();
  try {
    const gop = 3;
    const options = { feedUrl: fields.url, gop, gopDurationTicks: D, signal: signal() };
    const given = await readInputGop(options);
    const segments = [
      await encoded('ffmpeg', gop, {}, { from: fields, deinterlace: 'frame' }),
      await encoded('ffmpeg', gop, {}, { from: fields }),
    ];
    const compared = { input: given, segments, rendition, gopDurationTicks: D, ffmpegPath: 'ffmpeg' };
    const [whole, combed] = await ssimOf({ ...compared, deinterlace: 'frame', signal: signal() });
    expect(ssimToDb(whole!)).toBeGreaterThan(ssimToDb(combed!) + 1);
  } finally {
    await fields.close();
  }
});

test('frames are matched by time: another GOP is far from its input', async () => {
  const [right, wrong] = await dbOf(6, [await encoded('ffmpeg', 6), await encoded('ffmpeg', 8)]);
  expect(wrong).toBeLessThan((right as number) - 3);
});

test('of a rendition that keeps every second picture, these are compared; HEVC in 10 bits as well', async () => {
  const half = { frameRateDivisor: 2 } as const;
  const [whole] = await dbOf(5, [await encoded('ffmpeg', 5)]);
  const [divided] = await dbOf(5, [await encoded('ffmpeg', 5, half)], half);
  const deep = { codec: 'libx265', pixelFormat: 'yuv420p10le' } as const;
  const [hevc] = await dbOf(5, [await encoded('ffmpeg', 5, deep)], deep);
  expect(Math.abs((divided as number) - (whole as number))).toBeLessThan(1.5);
  expect(hevc).toBeGreaterThan(8);
});

test('refusals name the cause', async () => {
  feed.oldestGop = 4;
  await expect(input(1)).rejects.toMatchObject({ code: 'gop-left-ring' });
  await expect(encoded('ffmpeg', 2)).rejects.toMatchObject({ code: 'gop-left-ring' });
  feed.oldestGop = 0;
  await expect(
    encodeReferenceGop({
      feedUrl: feed.url,
      gop: 40,
      gopDurationTicks: D,
      framesPerSecond: 25,
      deinterlace: undefined,
      rendition,
      ffmpeg: await detectFfmpeg('ffmpeg'),
      signal: AbortSignal.timeout(300),
    }),
  ).rejects.toMatchObject({ code: 'timeout' });
  await expect(dbOf(5, [Buffer.from('this is no video')])).rejects.toMatchObject({
    code: 'malformed-segment',
  });
});
