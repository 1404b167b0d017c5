import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import express, { type ErrorRequestHandler } from 'express';
import { isLeaderAway } from '../../src/contracts/replica-refusals';
import type { ReplicaGroup } from '../../src/media/origin/replication';
import { passOnToLeader } from '../../src/media/origin/replication/forward';
import { servedUntilEachEnd } from '../support/served';
import { until } from '../support/until';

/** Changes that are passed on to the leader: who is suspected where that fails. */

const serve = servedUntilEachEnd();

let suspected = 0;
let passed = 0;
let refusal: unknown;
beforeEach(() => (suspected = passed = 0));
/** @param awayAfterMs from when on the leader does not answer small questions */
const through = (leaderUrl: string, awayAfterMs?: number): Promise<string> => {
  const group = {
    name: 'o-1',
    leaderElsewhere: async () => ({ name: 'o-2', client: { url: leaderUrl } }),
    suspect: () => void (suspected += 1),
    awaySignal: () =>
      awayAfterMs === undefined ? new AbortController().signal : AbortSignal.timeout(awayAfterMs),
  };
  const passOn = passOnToLeader(group as unknown as ReplicaGroup);
  const app = express();
  app.put('/channels/:id', async (req, res, next) => {
    await Promise.resolve(passOn(req, res, next)).finally(() => (passed += 1));
  });
  app.use(((error, _req, res, _next) => {
    refusal = error;
    res.status(503).end();
  }) as ErrorRequestHandler);
  return serve(app);
};

const put = (url: string, bytes = 8): ClientRequest =>
  request(`${url}/channels/ch-1`, { method: 'PUT', headers: { 'content-length': bytes } }).on(
    'error',
    () => undefined,
  );

test('a caller who goes away before the end of its body brings no suspicion on the leader', async () => {
  let isAsked = false;
  const caller = put(await through(await serve(() => (isAsked = true))));
  caller.write('half');
  await until('the leader is asked', () => isAsked);
  caller.destroy();
  await until('it is over', () => passed === 1);
  expect(suspected).toBe(0);
});

test('one who goes away in the middle of the answer neither', async () => {
  const caller = put(
    await through(
      await serve((req, res) => {
        req.resume().on('end', () => res.writeHead(200).write('begun'));
      }),
    ),
  );
  caller.on('response', () => caller.destroy());
  caller.end('the body');
  await until('it is over', () => passed === 1);
  expect(suspected).toBe(0);
});

test.each([
  ['cannot be reached', async () => 'http://127.0.0.1:9'],
  ['closes the connection', () => serve((req) => void req.socket.destroy())],
])('a leader that %s is suspected', async (_what, leader) => {
  const caller = put(await through(await leader()));
  caller.write('half');
  await until('it is over', () => passed === 1);
  expect(suspected).toBe(1);
  caller.destroy();
});

test('a leader that stops in the middle is suspected soon, and whoever asked is told to ask again', async () => {
  // More than sockets hold: the leader reads none of it.
  const body = Buffer.alloc(16 * 1024 * 1024);
  const caller = put(await through(await serve((req) => void req.pause()), 500), body.length);
  const beganAtMs = performance.now();
  caller.end(body);
  const [answer] = (await once(caller, 'response')) as [IncomingMessage];
  expect([answer.statusCode, suspected]).toEqual([503, 1]);
  expect(isLeaderAway(refusal)).toBe(true);
  expect(performance.now() - beganAtMs).toBeLessThan(2_500);
  answer.resume();
}, 10_000);

test('a leader that is slow is waited for, and not suspected', async () => {
  const slow = await serve((req, res) => {
    req.resume();
    setTimeout(() => res.writeHead(201).end('{}'), 2_500);
  });
  const caller = put(await through(slow));
  caller.end('the body');
  const [answer] = (await once(caller, 'response')) as [IncomingMessage];
  expect([answer.statusCode, suspected]).toEqual([201, 0]);
  answer.resume();
}, 10_000);
