import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import { inspectSegment } from '../../src/media/mpegts';
import { until } from '../support/until';
import { readContribution } from './support/contribution';
import { FeedServer } from './support/feed-server';
import { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

const WIDE_SECONDS = 6;
const [WIDTH, HEIGHT] = [160, 90];

beforeAll(() => chmodSync(ffmpegInstaller.path, 0o755));

const run = (args: string[], input?: Buffer): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', ...args], { input, maxBuffer: 1 << 26 });

/** White pictures of a size, from a time of the channel on. */
const white = (size: string, aspect: string, fromSeconds: number, seconds: number): Buffer =>
  run([
    ...['-f', 'lavfi', '-i', `color=white:s=${size}:r=25:d=${seconds}`, '-vf', `setsar=${aspect}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '25'],
    ...[
      '-muxdelay',
      '0',
      '-muxpreload',
      '0',
      '-output_ts_offset',
      `${10 + fromSeconds}`,
      '-f',
      'mpegts',
      '-',
    ],
  ]);

/** Columns of a segment's first picture that are not black, from and up to. */
const shownColumns = (segment: Buffer): [number, number] => {
  const gray = run(['-i', 'pipe:0', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], segment);
  expect(gray).toHaveLength(WIDTH * HEIGHT);
  const row = [...gray.subarray(45 * WIDTH, 46 * WIDTH)];
  return [row.findIndex((luma) => luma > 128), row.findLastIndex((luma) => luma > 128) + 1];
};

test.each(['ffmpeg', ffmpegInstaller.path])(
  'a picture of another shape has bars, from the picture on at which it changes (%s)',
  async (ffmpegPath) => {
    // 4:3 in pixels that are not square, which come out 120 wide.
    const stream = Buffer.concat([
      white('320x180', '1', 0, WIDE_SECONDS),
      white('90x90', '4/3', WIDE_SECONDS, 20),
    ]);
    const feed = new FeedServer(readContribution(stream), GOP_TICKS, 9 * GOP_TICKS);
    const origin = new RecordingOrigin();
    await Promise.all([feed.listen(), origin.listen()]);
    const { client, stop } = await startHost({ ffmpegPath });
    try {
      const request = sessionRequest(feed.url, origin.url, { renditions: LADDER.slice(0, 1), fromGop: 3 });
      await client.prepare(request);
      await client.commit(request.sessionId, 1, 4);
      await until('GOP 7', () => origin.gops.includes(7));
      for (const { gop, segments } of origin.published) {
        const segment = segments.get('90p')!;
        expect(inspectSegment(segment).videoPtsTicks).toEqual(feed.ptsOf(gop));
        expect(shownColumns(segment)).toEqual(gop < WIDE_SECONDS ? [0, WIDTH] : [20, 140]);
      }
    } finally {
      await stop();
      await Promise.all([feed.close(), origin.close()]);
    }
  },
);
