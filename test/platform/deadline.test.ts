import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { callJson, noContent } from '../../src/contracts/call';
import { putGop } from '../../src/media/encoder/origin-client';
import { Deadline } from '../../src/platform/deadline';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Takes connections, and never answers. */
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => void server.close());

/** What a call comes to while garbage is collected, or `waits` when it goes on for far too long. */
const amidGarbage = async <T>(call: Promise<T>): Promise<T | 'waits'> => {
  for (let i = 0; i < 4; i += 1) {
    await sleep(20);
    collectGarbage();
  }
  return Promise.race([call, sleep(8_000, 'waits' as const, { ref: false })]);
};

test('a call to one who never answers ends at its deadline, also with a collection of garbage meanwhile', async () => {
  const { signal } = new AbortController();
  const asked = callJson(`${url}/`, noContent, { timeoutMs: 300, signal }).catch((error: Error) => error);
  expect(await amidGarbage(asked)).toMatchObject({ code: 'timeout' });
});

test('so does a GOP that is put at an origin', async () => {
  const to = { originUrl: url, channelId: 'ch-1', encoderId: 'enc-1', sessionId: 's' };
  // Of several origins: that deadline is the shorter one.
  const several = { ...to, otherOriginUrls: [url] };
  const put = putGop(several, 1, { gop: 0, segments: [] }, new AbortController().signal);
  expect(await amidGarbage(put)).toMatchObject({ kind: 'no-answer' });
});

test('whichever comes first aborts it, with its own reason', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const deadline = new Deadline(10_000, first.signal, undefined, second.signal);
  second.abort(new Error('left'));
  expect(deadline.signal.reason).toEqual(new Error('left'));
  expect(deadline.hasPassed).toBe(false);
  deadline.end();
  const late = new Deadline(10, first.signal);
  await once(late.signal, 'abort');
  expect([late.hasPassed, (late.signal.reason as Error).name]).toEqual([true, 'TimeoutError']);
  late.end();
  expect(new Deadline(0, second.signal).signal.aborted).toBe(true);
});

test('once it has ended nothing aborts it, and it leaves nothing at a signal that lives on', async () => {
  const long = new AbortController();
  const removed = jest.spyOn(long.signal, 'removeEventListener');
  const deadline = new Deadline(10, long.signal);
  deadline.end();
  expect(removed).toHaveBeenCalledTimes(1);
  long.abort();
  await sleep(30);
  expect([deadline.signal.aborted, deadline.hasPassed]).toEqual([false, false]);
});
