import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { OriginClient } from '../../src/contracts/origin';
import { feedProofOf } from '../../src/contracts/relay';
import { Turns } from '../../src/platform/turns';
import { ownerNamed } from './support/origin-client';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

/** What callers that hold connections keep from the owner of a channel, and from those who move it: nothing. */

let origin: RunningOrigin;
let gops: EncodedGop[];
const sockets: Socket[] = [];

beforeAll(async () => {
  origin = await RunningOrigin.start();
  gops = await encodeGops(3, '128x72');
  gops.forEach((gop, number) => origin.relay.ptsTicksByGop.set(number, gop.ptsTicks));
  await origin.client.register('ch-1');
  await origin.client.own('ch-1', 0, 'a', 0);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await origin.stop();
});

/** Connections that say this and then nothing; resolves when the origin has taken up each request. */
const open = async (count: number, say: string): Promise<void> => {
  const { hostname, port } = new URL(origin.client.url);
  const takenUp = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(say));
      sockets.push(socket);
      // The answer to `expect: 100-continue`, or a refusal.
      socket.on('error', reject).once('data', () => resolve());
    });
  await Promise.all(Array.from({ length: count }, takenUp));
};
const put = (gop: number) => origin.client.put('ch-1', gop, 1, 'a', { '144p': gops[gop]!.segment });
const halfPut = (gop: number, owner: string): string => {
  const { encoderId, sessionId } = ownerNamed(owner);
  return [
    `PUT /channels/ch-1/gops/${gop} HTTP/1.1`,
    ...[
      'host: localhost',
      'expect: 100-continue',
      'content-type: video/mp2t',
      'content-length: 188000',
      'x-fencing-token: 1',
    ],
    ...[`x-encoder-id: ${encoderId}`, `x-session-id: ${sessionId}`, 'x-renditions: 144p=188000', '', 'G'],
  ].join('\r\n');
};

test('64 GOPs that are half sent under the name of the owner do not keep his own out', async () => {
  await open(64, halfPut(0, 'a'));
  expect((await put(0)).status).toBe(201);
  // Nor do those of others, which get no place at all.
  await open(64, halfPut(1, 'b'));
  expect((await put(1)).status).toBe(201);
});

test('512 that wait for what never comes do not keep out the one who moves a channel', async () => {
  await open(
    512,
    'GET /channels/ch-1/wait?gop=999999&timeout_ms=60000 HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\r\n',
  );
  const waiting = new OriginClient(origin.client.url).wait('ch-1', 2, 10_000);
  expect((await put(2)).status).toBe(201);
  expect(await waiting).toMatchObject({ gop: 2 });
});

test('a place goes to a newcomer from the one for which nothing has moved for the longest', () => {
  let nowMs = 0;
  const turns = new Turns(2, { now: () => nowMs++ });
  const take = () => turns.take({ client: 'a', channel: 'ch-1' })!;
  const [first, second] = [take(), take()];
  first.moved();
  const third = take();
  expect([first, second, third].map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
  first.leave();
  take();
  expect(third.signal.aborted).toBe(false);
  // Whoever was displaced takes no other's place when he leaves.
  second.leave();
  take();
  expect(third.signal.aborted).toBe(true);
  expect(new Turns(0).take({ client: 'a', channel: 'ch-1' })).toBeNull();
});

describe('places of several clients and channels', () => {
  let nowMs: number;
  let turns: Turns;
  const take = (client: string, channel: string, isKept?: () => boolean) =>
    turns.take({ client, channel }, isKept);
  const gone = (taken: ReturnType<typeof take>[]): number[] =>
    taken.flatMap((turn, i) => (turn!.signal.aborted ? [i] : []));
  beforeEach(() => {
    nowMs = 0;
    turns = new Turns(6, { now: () => nowMs++, mostOfChannel: 4 });
  });

  test('whoever holds the most makes room, of the channel for which he holds the most', () => {
    const others = [take('b', 'ch-1'), take('b', 'ch-2')];
    const greedy = [take('a', 'ch-1'), take('a', 'ch-2'), take('a', 'ch-2'), take('a', 'ch-3')];
    const newcomers = [take('c', 'ch-4'), take('d', 'ch-4')];
    // First one of ch-2, of which he holds two; then the oldest of the rest.
    expect(gone(greedy)).toEqual([0, 1]);
    expect(gone([...others, ...newcomers])).toEqual([]);
  });

  test('a channel has no more than its share, and a crowd of it takes nothing from others', () => {
    const other = take('a', 'ch-2');
    const crowd = Array.from({ length: 20 }, () => take('a', 'ch-1'));
    expect(gone(crowd)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(gone([other])).toEqual([]);
  });

  test('a place that is kept is given up for nobody, as long as it is kept', () => {
    let isKept = true;
    const owner = take('a', 'ch-1', () => isKept);
    const crowd = Array.from({ length: 20 }, () => take('a', 'ch-1'));
    expect(gone([owner])).toEqual([]);
    expect(gone(crowd)).toHaveLength(17);
    isKept = false;
    take('a', 'ch-1');
    expect(gone([owner])).toEqual([0]);
    const all = new Turns(1);
    all.take({ client: 'a', channel: 'ch-1' }, () => true);
    expect(all.take({ client: 'a', channel: 'ch-1' })).toBeNull();
  });
});

test('with each GOP of an owner who has proved himself, and of nobody else, the relay is told of his feed', async () => {
  const secret = randomBytes(32).toString('base64url');
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  await origin.client.register('ch-2');
  await origin.client.own('ch-2', 0, 'a', 0, { ownerSecretSha256: sha256(secret) });
  const putBy = (shown: string) =>
    origin.client.put('ch-2', 0, 1, 'a', { '144p': gops[0]!.segment }, { 'x-session-secret': shown });
  origin.relay.ownerProofs.length = 0;
  expect((await putBy(randomBytes(32).toString('base64url'))).status).toBe(409);
  expect(origin.relay.ownerProofs).toEqual([]);
  expect((await putBy(secret)).status).toBe(201);
  expect(origin.relay.ownerProofs).toEqual([sha256(feedProofOf(secret))]);
  // From what the relay sees, nobody gets what the origin is shown.
  expect(feedProofOf(secret)).not.toContain(secret);
  expect(sha256(feedProofOf(secret))).not.toBe(sha256(secret));
});
