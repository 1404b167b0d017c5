import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { GopLedger } from '../../src/contracts/relay';
import { FEED_OFFSET_TICKS, gopStartTicks } from '../../src/domain';
import { TransportStreamReader, WRAP_TICKS, unwrapTicks, type PesUnit } from '../../src/media/mpegts';
import { ffmpegBuilds, makeClip, type ClipOptions } from '../mpegts/ffmpeg-clips';
import { RelayUnderTest } from './relay-under-test';

const run = promisify(execFile);
const feedOffsetSeconds = FEED_OFFSET_TICKS / 90_000;

const unitsOf = (stream: Buffer): PesUnit[] => {
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => units.push(unit) });
  reader.push(stream);
  reader.flush();
  return units;
};

/** Asks for a feed now, and reads it until it ends. */
const openFeed = async (url: string): Promise<() => Promise<Buffer>> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return async () => Buffer.from(await response.arrayBuffer());
};

/** Encodes a feed with the flags of an encoder session; returns channel times, GOP by GOP, cut at each IDR. */
const encodeFeed = async (ffmpeg: string, feed: Buffer, firstGop: number, gopTicks: number) => {
  const forced = Array.from({ length: 20 }, (_, i) => feedOffsetSeconds + (i * gopTicks) / 90_000);
  const args = ['-v', 'error', '-copyts', '-probesize', '200k', '-analyzeduration', '200k', '-i', '-'];
  args.push('-map', '0:v', '-vf', `trim=start=${feedOffsetSeconds - 0.000005}`, '-vsync', 'passthrough');
  args.push('-enc_time_base', '1:90000', '-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-crf', '26');
  args.push('-pix_fmt', 'yuv420p', '-x264-params', 'force-cfr=0', '-g', '100000', '-keyint_min', '1');
  args.push('-sc_threshold', '0', '-forced-idr', '1', '-flags', '+cgop');
  args.push('-force_key_frames', forced.map((s) => s.toFixed(6)).join(','));
  args.push('-mpegts_flags', '+pat_pmt_at_frames', '-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts');
  args.push('pipe:1');
  const running = run(ffmpeg, args, { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end(feed);
  const { stdout } = await running;
  const gops: number[][] = [];
  for (const unit of unitsOf(stdout)) {
    if (unit.idr) gops.push([]);
    gops.at(-1)!.push(unit.ptsTicks - FEED_OFFSET_TICKS + gopStartTicks(firstGop, gopTicks));
  }
  return gops.map((gop) => gop.sort((a, b) => a - b));
};

/** A live feed also carries the beginning of the GOP that is dropped when the contribution ends. */
const expectSealed = (encoded: number[][], ledgers: GopLedger[]): void => {
  expect(encoded.slice(0, ledgers.length)).toEqual(ledgers.map((ledger) => ledger.ptsTicks));
  expect(encoded.length).toBeLessThanOrEqual(ledgers.length + 1);
};

const withAudio = ['-c:a', 'aac', '-ar', '48000'];
const x264 = (...more: string[]) => ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', ...more];
const feeds: [string, number, ClipOptions][] = [
  ['H.264 with B-frames and audio', 180_000, { video: x264('-g', '50'), audio: withAudio }],
  [
    'H.264 across the 33-bit wrap',
    90_000,
    { video: x264('-g', '25'), startSeconds: WRAP_TICKS / 90_000 - 3 },
  ],
  [
    'open-GOP H.264, keyframes off the grid',
    172_800,
    { video: x264('-g', '17', '-x264-params', 'open-gop=1') },
  ],
  [
    'MPEG-2',
    180_000,
    { video: ['-c:v', 'mpeg2video', '-bf', '2', '-g', '12', '-b:v', '1M'], audio: ['-c:a', 'mp2'] },
  ],
  ['H.264 at 30 frames/s', 90_000, { video: x264('-g', '30'), framesPerSecond: 30 }],
];

describe.each(ffmpegBuilds)('a feed read by %s', (ffmpeg) => {
  let relay: RelayUnderTest;
  beforeAll(async () => {
    relay = await RelayUnderTest.start();
  });
  afterAll(() => relay.stop());

  /** Begins feeds while the contribution is connected, then ends it, so that they end too. */
  const gopsReadFrom = async (id: string, clip: Buffer, gopTicks: number, firstGops: number[]) => {
    await relay.put(id, gopTicks);
    const ingest = relay.ingest(id);
    ingest.write(clip);
    const lastGop = Math.floor((9 * 90_000) / gopTicks) - 1;
    await relay.ledger(id, lastGop);
    const feeds = await Promise.all(firstGops.map((gop) => openFeed(relay.feedUrl(id, gop))));
    ingest.end();
    await ingest.answer;
    return Promise.all(
      feeds.map(async (readFeed, index) => encodeFeed(ffmpeg, await readFeed(), firstGops[index]!, gopTicks)),
    );
  };

  it.each(feeds)('yields exactly the pictures of the ledger: %s', async (what, gopTicks, options) => {
    const id = `ch-${feeds.findIndex(([name]) => name === what)}`;
    const clip = makeClip('ffmpeg', { seconds: 10, ...options });
    const firstGops = [0, 2];
    const encoded = await gopsReadFrom(id, clip, gopTicks, firstGops);
    const ledgers = await relay.ledgers(id, 0, 100);
    expect(ledgers.length).toBeGreaterThanOrEqual(4);
    for (const [index, firstGop] of firstGops.entries())
      expectSealed(encoded[index]!, ledgers.slice(firstGop));
  });

  it('goes on across two contributions without a picture lost or added', async () => {
    await relay.put('seam', 90_000);
    await relay.contribute('seam', makeClip('ffmpeg', { seconds: 4.4, audio: withAudio }));
    const ingest = relay.ingest('seam');
    ingest.write(makeClip(ffmpeg, { seconds: 5, startSeconds: 700, audio: withAudio }));
    await relay.ledger('seam', 7);
    const readFeed = await openFeed(relay.feedUrl('seam', 1));
    ingest.end();
    await ingest.answer;
    const ledgers = await relay.ledgers('seam', 1, 100);
    expect(ledgers.map((ledger) => ledger.gop)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expectSealed(await encodeFeed(ffmpeg, await readFeed(), 1, 90_000), ledgers);
  });
});

describe('a feed', () => {
  it('carries the audio beside the pictures, on the same clock', async () => {
    const relay = await RelayUnderTest.start();
    try {
      await relay.put('ch-1', 90_000);
      const clip = makeClip('ffmpeg', { seconds: 4, audio: withAudio, startSeconds: 7 });
      const ingest = relay.ingest('ch-1');
      ingest.write(clip);
      await relay.ledger('ch-1', 2);
      const response = await fetch(relay.feedUrl('ch-1', 1));
      expect(response.headers.get('x-feed-gop')).toBe('1');
      expect(response.headers.get('x-feed-offset-ticks')).toBe(String(FEED_OFFSET_TICKS));
      expect(response.headers.get('content-type')).toBe('video/mp2t');
      ingest.end();
      const fed = Buffer.from(await response.arrayBuffer());
      const toFeed = FEED_OFFSET_TICKS - 90_000 * 8;
      const times = (stream: Buffer, kind: string) =>
        unitsOf(stream)
          .filter((unit) => unit.kind === kind)
          .map((unit) => unit.ptsTicks);
      const audioSent = times(clip, 'audio').map((pts) => pts + toFeed);
      const audioFed = times(fed, 'audio');
      expect(audioFed.length).toBeGreaterThan(3);
      expect(audioSent).toEqual(expect.arrayContaining(audioFed));
      expect(Math.min(...times(fed, 'video'))).toBe(FEED_OFFSET_TICKS);
      const decoded = execFileSync(
        'ffprobe',
        ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', 'pipe:0'],
        { input: fed },
      );
      expect(new Set(decoded.toString().split('\n').filter(Boolean))).toEqual(new Set(['aac', 'h264']));
    } finally {
      await relay.stop();
    }
  });

  it('keeps its clock small on a channel that has run for years', async () => {
    const relay = await RelayUnderTest.start();
    try {
      const clip = makeClip('ffmpeg', { seconds: 4 });
      await relay.put('ch-1', 90_000);
      await relay.restartFrom('ch-1', { gopDurationTicks: 90_000, nextGop: 200_000_000 });
      const ingest = relay.ingest('ch-1');
      ingest.write(clip);
      const ledger = await relay.ledger('ch-1', 200_000_001);
      expect(ledger.ptsTicks[0]).toBe(200_000_001 * 90_000);
      const readFeed = await openFeed(relay.feedUrl('ch-1', 200_000_001));
      ingest.end();
      const times = unitsOf(await readFeed()).map((unit) => unwrapTicks(unit.ptsTicks, 0));
      expect(Math.min(...times)).toBe(FEED_OFFSET_TICKS);
    } finally {
      await relay.stop();
    }
  });
});
