import { connect, type Socket } from 'node:net';
import { OriginClient } from '../../src/contracts/origin';
import { Turns } from '../../src/media/origin/turns';
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
  const turns = new Turns(2, () => nowMs++);
  const [first, second] = [turns.take()!, turns.take()!];
  first.moved();
  const third = turns.take()!;
  expect([first, second, third].map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
  first.leave();
  turns.take();
  expect(third.signal.aborted).toBe(false);
  // Whoever was displaced takes no other's place when he leaves.
  second.leave();
  turns.take();
  expect(third.signal.aborted).toBe(true);
  expect(new Turns(0).take()).toBeNull();
});
