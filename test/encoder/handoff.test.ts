import { SwarmError } from '../../src/domain';
import { until } from '../support/until';
import { startFeedAndOrigin } from './support/feed-and-origin';
import type { FeedServer } from './support/feed-server';
import type { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

let feed: FeedServer;
let origin: RecordingOrigin;
let swarm: Awaited<ReturnType<typeof startHost>>;

afterEach(() => swarm.stop());
startFeedAndOrigin(
  {},
  (started) => ({ feed, origin } = started),
  () => [feed, origin],
);
beforeEach(async () => {
  swarm = await startHost();
});

/** Every GOP published holds exactly the frames of the contribution, and none is missing between. */
const expectUnbroken = (first: number, rendition = '90p'): void => {
  expect(origin.gops).toEqual(origin.gops.map((_, i) => first + i));
  for (const gop of origin.gops) expect(origin.ptsOf(gop, rendition)).toEqual(feed.ptsOf(gop));
};

test('is ready without waiting for the open GOP, and holds until the commit', async () => {
  // Amid a GOP: which one it is depends on how long the host took to start.
  const gopsArrived = (): number => feed.liveTicks / GOP_TICKS;
  await until('amid a GOP', () => Math.abs((gopsArrived() % 1) - 0.5) < 0.2);
  feed.pause();
  const openGop = Math.floor(gopsArrived());
  const request = sessionRequest(feed.url, origin.url, { fromGop: openGop - 1 });
  await swarm.client.prepare(request);
  const ready = await swarm.client.awaitReady(request.sessionId, 10_000);
  const encoded = { lastEncodedGop: openGop - 1, lastPublishedGop: -1 };
  expect(ready).toMatchObject({ ready: true, state: 'holding', ...encoded });
  expect(origin.published).toHaveLength(0);
});

test('moves between two sessions at a GOP boundary, back, and on to a third', async () => {
  const { client } = swarm;
  const first = sessionRequest(feed.url, origin.url);
  await client.prepare(first);
  await client.commit(first.sessionId, 1, 4);
  await until('GOP 5', () => origin.gops.includes(5));

  const second = sessionRequest(feed.url, origin.url, { renditions: LADDER.slice(0, 2), fromGop: 5 });
  await client.prepare(second);
  expect((await client.awaitReady(second.sessionId, 10_000)).ready).toBe(true);
  origin.token = 2;
  const secondGop = origin.nextGop!;
  await client.commit(second.sessionId, 2, secondGop);
  await until('the target publishes', () => origin.published.at(-1)!.token === 2);
  await until('the source is fenced', async () => {
    return (await client.session(first.sessionId)).state === 'fenced';
  });

  // The target is given up: the source publishes what it held meanwhile.
  origin.token = 3;
  const backGop = origin.nextGop!;
  await client.release(second.sessionId);
  const back = await client.commit(first.sessionId, 3, backGop);
  expect(back).toMatchObject({ state: 'publishing', token: 3 });
  await until('the source publishes again', () => origin.published.at(-1)!.token === 3);

  // A third one has no preroll: it is committed at once, and encodes the GOPs it lacks from the ring.
  origin.token = 4;
  const third = sessionRequest(feed.url, origin.url, { fromGop: origin.nextGop! + 1 });
  await client.prepare(third);
  await client.commit(third.sessionId, 4, origin.nextGop!);
  await until('the third publishes', () => origin.published.at(-1)!.token === 4);
  await client.release(first.sessionId);
  expectUnbroken(4);
  expect(origin.published.find((p) => p.token === 2)!.segments.size).toBe(2);
});

test('goes on holding from the refused GOP while fenced, and then releases itself', async () => {
  const own = await startHost({ fencedReleaseMs: 2_500 });
  try {
    const request = sessionRequest(feed.url, origin.url);
    await own.client.prepare(request);
    await own.client.commit(request.sessionId, 1, 4);
    await until('GOP 5', () => origin.gops.includes(5));
    origin.token = 2;
    const session = () => own.client.session(request.sessionId);
    await until('fenced', async () => (await session()).state === 'fenced');
    const { lastEncodedGop } = await session();
    await until('it encodes on', async () => (await session()).lastEncodedGop > lastEncodedGop);
    await until('it is gone', async () => {
      const { sessions } = await own.client.telemetry();
      return sessions.length === 0;
    });
    await expect(session()).rejects.toMatchObject({ code: 'unknown-session' });
  } finally {
    await own.stop();
  }
});

test('refuses a commit with an older token, and takes the same one twice for one', async () => {
  const { client } = swarm;
  const request = sessionRequest(feed.url, origin.url);
  await client.prepare(request);
  origin.token = 7;
  await client.commit(request.sessionId, 7, 4);
  await until('GOP 4', () => origin.gops.includes(4));
  await expect(client.commit(request.sessionId, 6, 4)).rejects.toMatchObject({
    code: 'stale-token',
    details: { token: 7 },
  });
  await client.commit(request.sessionId, 7, 4);
  await until('GOP 6', () => origin.gops.includes(6));
  expectUnbroken(4);
});

test('waits for an origin that is down, and brings what it held', async () => {
  const { client } = swarm;
  const request = sessionRequest(feed.url, origin.url);
  await client.prepare(request);
  origin.intercept = () => 'cut';
  await client.commit(request.sessionId, 1, 4);
  await until('held', async () => (await client.session(request.sessionId)).lastEncodedGop >= 6);
  expect(origin.published).toHaveLength(0);
  origin.intercept = () => new SwarmError('ledger-unavailable', 'The relay does not answer.');
  await until('refused', () => origin.refusals.includes('ledger-unavailable'));
  origin.intercept = null;
  await until('GOP 7', () => origin.gops.includes(7));
  expectUnbroken(4);
});

test('goes on after an answer that was lost', async () => {
  const { client } = swarm;
  const request = sessionRequest(feed.url, origin.url);
  await client.prepare(request);
  let lost = 0;
  origin.intercept = (gop) => (gop === 5 && lost++ === 0 ? 'store-and-cut' : null);
  await client.commit(request.sessionId, 1, 4);
  await until('GOP 6', () => origin.gops.includes(6));
  expect(origin.refusals).toContain('gop-exists');
  expectUnbroken(4);
});

test('follows the origin to the GOP that it waits for, ahead or behind', async () => {
  const { client } = swarm;
  const ahead = sessionRequest(feed.url, origin.url);
  await client.prepare(ahead);
  origin.nextGop = 6;
  origin.intercept = (gop) =>
    gop < 6 ? new SwarmError('out-of-order', 'GOP 6 is next.', undefined, { nextGop: 6 }) : null;
  await client.commit(ahead.sessionId, 1, 4);
  await until('GOP 6', () => origin.gops.includes(6));
  await client.release(ahead.sessionId);

  origin.intercept = null;
  origin.token = 2;
  const behind = sessionRequest(feed.url, origin.url);
  await client.prepare(behind);
  const held = origin.nextGop ?? 0;
  await until('it is past', async () => (await client.session(behind.sessionId)).lastEncodedGop > held);
  await client.commit(behind.sessionId, 2, held + 1);
  await until('published', () => origin.published.at(-1)!.token === 2);
  expectUnbroken(6);
});

test('encodes a refused GOP once more, then fails with the code of the refusal', async () => {
  const { client } = swarm;
  const request = sessionRequest(feed.url, origin.url);
  await client.prepare(request);
  let refusals = 0;
  origin.intercept = (gop) =>
    gop === 5 && refusals++ === 0 ? new SwarmError('ledger-mismatch', 'Other frames.') : null;
  await client.commit(request.sessionId, 1, 4);
  await until('GOP 6', () => origin.gops.includes(6));
  expectUnbroken(4);

  origin.intercept = () => new SwarmError('malformed-segment', 'Not a segment.');
  await until('failed', async () => (await client.session(request.sessionId)).state === 'failed');
  expect(await client.session(request.sessionId)).toMatchObject({
    ready: false,
    failure: { code: 'malformed-segment' },
  });
  await expect(client.commit(request.sessionId, 2, 9)).rejects.toMatchObject({ code: 'session-failed' });
  expect((await client.telemetry()).unitsUsed).toBe(0);
});

test('counts GOPs that come late', async () => {
  const { client } = swarm;
  const request = sessionRequest(feed.url, origin.url);
  await client.prepare(request);
  await client.awaitReady(request.sessionId, 10_000);
  expect((await client.session(request.sessionId)).lateGops).toBe(0);
  await until('held', async () => (await client.session(request.sessionId)).lastEncodedGop >= 7);
  await client.commit(request.sessionId, 1, 4);
  await until('GOP 7', () => origin.gops.includes(7));
  const { lateGops } = await client.session(request.sessionId);
  expect(lateGops).toBeGreaterThanOrEqual(2);
  expect(lateGops).toBeLessThanOrEqual(4);
});
