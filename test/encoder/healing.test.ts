import { execFileSync } from 'node:child_process';
import pino from 'pino';
import { SwarmError } from '../../src/domain';
import { EncodeSupervisor } from '../../src/media/encoder/encode-supervisor';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { until } from '../support/until';
import { FRAME_TICKS, type Contribution } from './support/contribution';
import { startFeedAndOrigin } from './support/feed-and-origin';
import { FeedServer } from './support/feed-server';
import type { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

let contribution: Contribution;
let feed: FeedServer;
let origin: RecordingOrigin;
let swarm: Awaited<ReturnType<typeof startHost>>;

afterEach(() => swarm.stop());
startFeedAndOrigin(
  {},
  (started) => ({ contribution, feed, origin } = started),
  () => [feed, origin],
);
beforeEach(async () => {
  swarm = await startHost();
});

/** Process ids of this process's ffmpeg children. */
const ffmpegPids = (): number[] =>
  execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('ffmpeg'))
    .map((line) => parseInt(line, 10));

const expectUnbroken = (first: number): void => {
  expect(origin.gops).toEqual(origin.gops.map((_, i) => first + i));
  for (const gop of origin.gops) expect(origin.ptsOf(gop, '90p')).toEqual(feed.ptsOf(gop));
};

const publish = async (): Promise<string> => {
  const request = sessionRequest(feed.url, origin.url);
  await swarm.client.prepare(request);
  await swarm.client.commit(request.sessionId, 1, 4);
  await until('GOP 5', () => origin.gops.includes(5));
  return request.sessionId;
};

test('heals after kill -9 of ffmpeg amid a GOP, without losing or repeating one', async () => {
  const sessionId = await publish();
  for (let kills = 0; kills < 3; kills++) {
    const next = origin.nextGop!;
    await until('one ffmpeg runs', () => ffmpegPids().length === 1);
    process.kill(ffmpegPids()[0]!, 'SIGKILL');
    await until(`GOP ${next + 1}`, () => origin.gops.includes(next + 1));
  }
  expect((await swarm.client.session(sessionId)).state).toBe('publishing');
  expectUnbroken(4);
});

test('fails when ffmpeg crashes over and over', async () => {
  const sessionId = await publish();
  await until(
    'failed',
    async () => {
      for (const pid of ffmpegPids()) process.kill(pid, 'SIGKILL');
      return (await swarm.client.session(sessionId)).state === 'failed';
    },
    40_000,
  );
  const { failure } = await swarm.client.session(sessionId);
  expect(failure).toMatchObject({ code: 'session-failed' });
  expect(failure!.message).toMatch(/SIGKILL/);
  expect(ffmpegPids()).toEqual([]);
});

test('asks for the feed again when it ends or breaks, and while the relay has no such channel', async () => {
  await publish();
  feed.endFeeds();
  await until('GOP 7', () => origin.gops.includes(7));
  feed.refusal = new SwarmError('unknown-channel', 'No such channel.');
  feed.endFeeds({ cut: true });
  const asked = feed.requestedGops.length;
  await until('asked again', () => feed.requestedGops.length > asked + 2);
  feed.refusal = null;
  const next = origin.nextGop!;
  await until('it goes on', () => origin.gops.includes(next + 1));
  expectUnbroken(4);
});

test('a GOP whose last frames the feed did not bring is not taken for whole', async () => {
  const { units } = contribution;
  const unitShowing = (ticks: number): number => units.findIndex((u) => u.ptsTicks === ticks);
  // A GOP whose last frame is decoded after the first one of the next.
  const cutGop = [6, 7, 8, 9, 10, 11, 12, 13].find(
    (g) => unitShowing((g + 1) * GOP_TICKS - FRAME_TICKS) > unitShowing((g + 1) * GOP_TICKS),
  )!;
  await feed.close();
  feed = new FeedServer(contribution, GOP_TICKS, 5 * GOP_TICKS);
  await feed.listen();
  feed.cutBeforeUnit = unitShowing((cutGop + 1) * GOP_TICKS - FRAME_TICKS);
  await publish();
  await until('the GOP after', () => origin.gops.includes(cutGop + 1));
  expect(feed.cutBeforeUnit).toBeNull();
  expectUnbroken(4);
});

test('lives through a restart of the relay', async () => {
  await publish();
  const { port } = feed;
  const sealed = origin.nextGop!;
  await feed.close();
  await new Promise((resolve) => setTimeout(resolve, 400));
  feed = new FeedServer(contribution, GOP_TICKS, feed.liveTicks);
  await feed.listen(port);
  await until('it goes on', () => origin.gops.includes(sealed + 3));
  expectUnbroken(4);
});

test('does without a warm-up GOP that has left the ring, and fails when the next GOP has', async () => {
  const sessionId = await publish();
  feed.oldestGop = origin.nextGop!;
  await until('encoded no further', async () => {
    feed.oldestGop = (await swarm.client.session(sessionId)).lastEncodedGop + 1;
    feed.endFeeds();
    return feed.requestedGops.includes(feed.oldestGop);
  });
  const next = feed.oldestGop;
  await until('it goes on', () => origin.gops.includes(next));
  expectUnbroken(4);

  feed.oldestGop = 1_000;
  feed.endFeeds();
  await until('failed', async () => (await swarm.client.session(sessionId)).state === 'failed');
  const { failure } = await swarm.client.session(sessionId);
  expect(failure).toMatchObject({ code: 'gop-left-ring', message: expect.stringMatching(/1000/) });
});

test('begins ffmpeg anew before its key frame list is over, without a seam', async () => {
  const gops: number[] = [];
  const frames: number[] = [];
  const supervisor = new EncodeSupervisor({
    ...sessionRequest(feed.url, origin.url, { renditions: LADDER.slice(0, 1), fromGop: 1 }),
    ffmpeg: await detectFfmpeg('ffmpeg'),
    log: pino({ level: 'silent' }),
    maxGops: 4,
    onGop: (gop) => {
      gops.push(gop.gop);
      frames.push(gop.segments.length);
    },
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    await supervisor.start();
    await until('GOP 8', () => gops.includes(8));
  } finally {
    supervisor.stop();
  }
  expect(gops.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  // Of the four GOPs of a list, the last is never cut off, and from the second run on the first warms up.
  expect(feed.requestedGops.slice(0, 3)).toEqual([1, 3, 5]);
});

test('fails on a feed that is not a transport stream', async () => {
  const units = contribution.units.map((u) => ({ ...u, packets: Buffer.alloc(188) }));
  const broken = new FeedServer({ ...contribution, units }, GOP_TICKS, 6.5 * GOP_TICKS);
  await broken.listen();
  try {
    const request = sessionRequest(broken.url, origin.url);
    await swarm.client.prepare(request);
    const session = () => swarm.client.session(request.sessionId);
    await until('failed', async () => (await session()).state === 'failed', 40_000);
    expect((await session()).failure).toMatchObject({
      code: 'session-failed',
      message: expect.stringMatching(/transport stream/) as string,
    });
  } finally {
    await broken.close();
  }
});
