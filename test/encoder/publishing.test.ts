import { chmodSync } from 'node:fs';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import type { Rendition } from '../../src/domain';
import { inspectSegment } from '../../src/media/mpegts';
import { readSegmentFormat } from '../../src/media/origin/segment-format';
import { until } from '../support/until';
import { interlacedMpeg2, makeContribution } from './support/contribution';
import { startFeedAndOrigin } from './support/feed-and-origin';
import { FeedServer } from './support/feed-server';
import type { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

let feed: FeedServer;
let origin: RecordingOrigin;

beforeAll(() => chmodSync(ffmpegInstaller.path, 0o755));
startFeedAndOrigin(
  { liveGops: 6, audio: true },
  (started) => ({ feed, origin } = started),
  () => [feed, origin],
);

describe.each([
  ['the ffmpeg on PATH', 'ffmpeg'],
  ['an ffmpeg of 2018', ffmpegInstaller.path],
])('%s', (_, ffmpegPath) => {
  test('cuts every rendition at the frames of the GOP', async () => {
    const { client, stop } = await startHost({ ffmpegPath });
    try {
      const request = sessionRequest(feed.url, origin.url, { renditions: LADDER });
      const prepared = await client.prepare(request);
      expect(prepared).toMatchObject({ token: 0, renditions: ['90p', '72p', '144p'], fromGop: 3 });
      const ready = await client.awaitReady(request.sessionId, 10_000);
      expect(ready).toMatchObject({ ready: true, state: 'holding' });
      expect(origin.published).toHaveLength(0);
      await client.commit(request.sessionId, 1, 4);
      await until('GOP 8', () => origin.gops.includes(8));
      expect(origin.gops.slice(0, 5)).toEqual([4, 5, 6, 7, 8]);
      for (const gop of [4, 5, 6, 7, 8]) {
        expect(feed.ptsOf(gop)).toHaveLength(25);
        for (const { name } of LADDER) {
          const segment = origin.published.find((p) => p.gop === gop)!.segments.get(name)!;
          const contents = inspectSegment(segment);
          expect(contents).toMatchObject({ beginsWithIdr: true, hasAudio: true, videoStreamType: 0x1b });
          expect(contents.videoPtsTicks).toEqual(feed.ptsOf(gop));
        }
      }
      expect(origin.published[0]).toMatchObject({ encoderId: 'enc-1', sessionId: request.sessionId });
    } finally {
      await stop();
    }
  });

  test('cuts at the same frames with the options of a rendition, which show in its stream', async () => {
    const { client, stop } = await startHost({ ffmpegPath });
    try {
      const [first, second] = [LADDER[0]!, LADDER[1]!];
      const renditions: Rendition[] = [
        { ...first, preset: 'fast', profile: 'high', bufferKbit: 300 },
        { ...second, preset: 'ultrafast', profile: 'baseline' },
      ];
      const request = sessionRequest(feed.url, origin.url, { renditions });
      await client.prepare(request);
      expect(await client.awaitReady(request.sessionId, 10_000)).toMatchObject({ ready: true });
      await client.commit(request.sessionId, 1, 4);
      await until('GOP 5', () => origin.gops.includes(5));
      const published = origin.published.find((p) => p.gop === 5)!;
      const profiles = { '90p': 'avc1.64', '72p': 'avc1.42' };
      for (const [name, codec] of Object.entries(profiles)) {
        const segment = published.segments.get(name)!;
        expect(inspectSegment(segment).videoPtsTicks).toEqual(feed.ptsOf(5));
        expect(readSegmentFormat(segment, true).codecs).toMatch(new RegExp(`^${codec}`));
      }
    } finally {
      await stop();
    }
  });

  test('an interlaced picture is made whole, at the times of its frames', async () => {
    const codec = interlacedMpeg2(4);
    const fields = new FeedServer(makeContribution(14, { rate: '50', codec }), GOP_TICKS, 5 * GOP_TICKS);
    await fields.listen();
    const { client, stop } = await startHost({ ffmpegPath });
    try {
      const renditions = LADDER.slice(0, 1);
      const request = sessionRequest(fields.url, origin.url, {
        renditions,
        deinterlace: 'frame',
        fromGop: 1,
      });
      await client.prepare(request);
      await client.commit(request.sessionId, 1, 2);
      await until('GOP 5', () => origin.gops.includes(5));
      for (const gop of [2, 3, 4, 5]) {
        expect(fields.ptsOf(gop)).toHaveLength(25);
        expect(origin.ptsOf(gop, '90p')).toEqual(fields.ptsOf(gop));
      }
    } finally {
      await stop();
      await fields.close();
    }
  });

  test.each([
    ['open-GOP H.264', ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'open-gop=1']],
    ['MPEG-2', ['-c:v', 'mpeg2video', '-q:v', '5']],
  ])('cuts %s of 29.97 frames/s where a GOP is no whole number of frames', async (_codec, codec) => {
    const gopDurationTicks = 172_800;
    const odd = new FeedServer(
      makeContribution(16, { rate: '30000/1001', codec }),
      gopDurationTicks,
      6.6 * gopDurationTicks,
    );
    await odd.listen();
    const { client, stop } = await startHost({ ffmpegPath });
    try {
      const request = sessionRequest(odd.url, origin.url, {
        gopDurationTicks,
        framesPerSecond: '30000/1001',
        renditions: LADDER.slice(0, 2),
        fromGop: 1,
      });
      await client.prepare(request);
      await client.commit(request.sessionId, 1, 2);
      await until('GOP 5', () => origin.gops.includes(5));
      expect(origin.gops.slice(0, 4)).toEqual([2, 3, 4, 5]);
      for (const gop of origin.gops) {
        expect([57, 58]).toContain(odd.ptsOf(gop).length);
        for (const name of ['90p', '72p']) expect(origin.ptsOf(gop, name)).toEqual(odd.ptsOf(gop));
      }
    } finally {
      await stop();
      await odd.close();
    }
  });
});
