import { EncoderClient } from '../../src/contracts/encoder/client';
import { until } from '../support/until';
import { startFeedAndOrigin } from './support/feed-and-origin';
import type { FeedServer } from './support/feed-server';
import { HostProcess } from './support/host-process';
import type { RecordingOrigin } from './support/recording-origin';
import { LADDER, isAlive, sessionRequest } from './support/test-host';

let feed: FeedServer;
let origin: RecordingOrigin;
let host: HostProcess;
let client: EncoderClient;

afterEach(async () => {
  client.close();
  await host.end();
});
startFeedAndOrigin(
  {},
  (started) => ({ feed, origin } = started),
  () => [feed, origin],
);
beforeEach(async () => {
  host = await HostProcess.start();
  client = new EncoderClient(host.address);
});

const publishTwoSessions = async (): Promise<number[]> => {
  const publishing = sessionRequest(feed.url, origin.url, { renditions: LADDER });
  const holding = sessionRequest(feed.url, origin.url);
  await client.prepare(publishing);
  await client.prepare(holding);
  await client.commit(publishing.sessionId, 1, 4);
  await until('GOP 5', () => origin.gops.includes(5));
  const pids = host.ffmpegPids();
  expect(pids).toHaveLength(2);
  return pids;
};

test('leaves no ffmpeg behind when it is killed with -9', async () => {
  const pids = await publishTwoSessions();
  await host.end('SIGKILL');
  await until('every ffmpeg has ended', () => !pids.some(isAlive), 5_000);
});

test('ends within 2 s of SIGTERM, first telling that it does not serve', async () => {
  const pids = await publishTwoSessions();
  const serving: boolean[] = [];
  const stopWatching = client.watchHealth((now) => serving.push(now));
  try {
    await until('it serves', () => serving.includes(true));
    const startedAtMs = performance.now();
    expect(await host.end('SIGTERM')).toBe(0);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(pids.some(isAlive)).toBe(false);
    await until('the watch knows', () => serving.at(-1) === false, 5_000);
  } finally {
    stopWatching();
  }
});

test('is found again by the same client after a restart, and knows its sessions no more', async () => {
  const serving: boolean[] = [];
  const stopWatching = client.watchHealth((now) => serving.push(now));
  try {
    const request = sessionRequest(feed.url, origin.url);
    await client.prepare(request);
    await until('it serves', () => serving.at(-1) === true);
    const { port } = host;
    await host.end('SIGKILL');
    await until('the watch knows', () => serving.at(-1) === false, 5_000);
    await expect(client.describe({ deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'encoder-unreachable',
    });
    host = await HostProcess.start(port);
    await until('it serves again', () => serving.at(-1) === true, 10_000);
    await until('the client is connected', () =>
      client.describe({ deadlineMs: 1_000 }).then(
        () => true,
        () => false,
      ),
    );
    await expect(client.session(request.sessionId)).rejects.toMatchObject({ code: 'unknown-session' });
  } finally {
    stopWatching();
  }
});

test('a host that is suspended is noticed, and publishes on once it goes on', async () => {
  const serving: boolean[] = [];
  const stopWatching = client.watchHealth((now) => serving.push(now));
  try {
    const request = sessionRequest(feed.url, origin.url);
    await client.prepare(request);
    await client.commit(request.sessionId, 1, 4);
    await until('GOP 5', () => origin.gops.includes(5));
    await until('it serves', () => serving.at(-1) === true);
    host.signal('SIGSTOP');
    await expect(client.telemetry({ deadlineMs: 500 })).rejects.toMatchObject({
      code: 'encoder-unreachable',
    });
    await until('the watch knows', () => serving.at(-1) === false);
    host.signal('SIGCONT');
    await until('it serves again', () => serving.at(-1) === true);
    const next = origin.nextGop ?? 0;
    await until('it publishes on', () => origin.gops.includes(next + 2));
    expect(origin.gops).toEqual(origin.gops.map((_, i) => 4 + i));
    for (const gop of origin.gops) expect(origin.ptsOf(gop, '90p')).toEqual(feed.ptsOf(gop));
  } finally {
    host.signal('SIGCONT');
    stopWatching();
  }
});
