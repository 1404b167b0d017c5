import { request, type ClientRequest } from 'node:http';
import express, { type ErrorRequestHandler } from 'express';
import type { ReplicaGroup } from '../../src/media/origin/replication';
import { passOnToLeader } from '../../src/media/origin/replication/forward';
import { servedUntilEachEnd } from '../support/served';
import { until } from '../support/until';

/** Changes that are passed on to the leader: who is suspected where that fails. */

const serve = servedUntilEachEnd();

let suspected = 0;
let passed = 0;
beforeEach(() => (suspected = passed = 0));
const through = (leaderUrl: string): Promise<string> => {
  const group = {
    name: 'o-1',
    leaderElsewhere: async () => ({ name: 'o-2', client: { url: leaderUrl } }),
    suspect: () => void (suspected += 1),
  };
  const passOn = passOnToLeader(group as unknown as ReplicaGroup);
  const app = express();
  app.put('/channels/:id', async (req, res, next) => {
    await Promise.resolve(passOn(req, res, next)).finally(() => (passed += 1));
  });
  app.use(((_error, _req, res, _next) => void res.status(503).end()) as ErrorRequestHandler);
  return serve(app);
};

const put = (url: string): ClientRequest =>
  request(`${url}/channels/ch-1`, { method: 'PUT', headers: { 'content-length': 8 } }).on(
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
