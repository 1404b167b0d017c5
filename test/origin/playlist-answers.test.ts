import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { PlaylistAnswers } from '../../src/media/origin/playlist-answers';

const LINES = 60;
const textOf = (version: number): string => `${version}:${'#EXTINF:2.000000,\n'.repeat(LINES)}`;

let server: Server;
let answers: PlaylistAnswers;
let version: number;
beforeEach(async () => {
  version = 0;
  answers = new PlaylistAnswers();
  const app = express().disable('etag');
  app.get('/', async (_req, res) => {
    await answers.send(res, textOf(version));
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

const ask = async (headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers });

test('a playlist is hashed and packed once, however many players ask, and anew when it is another', async () => {
  const asked = await Promise.all(
    Array.from({ length: 40 }, (_, i) => ask({ 'accept-encoding': i % 2 === 0 ? 'gzip' : 'identity' })),
  );
  expect(new Set(await Promise.all(asked.map((answer) => answer.text())))).toEqual(new Set([textOf(0)]));
  expect(answers.work).toEqual({ hashed: 1, packed: 1 });
  const tags = new Set(asked.map(({ headers }) => headers.get('etag')));
  expect(tags.size).toBe(1);
  expect((await ask({ 'if-none-match': [...tags][0]!, 'cache-control': 'max-age=0' })).status).toBe(304);

  version = 1;
  expect(await (await ask({ 'accept-encoding': 'gzip' })).text()).toBe(textOf(1));
  expect(answers.work).toEqual({ hashed: 2, packed: 2 });
});

test('what is kept ready is bounded: the oldest goes', async () => {
  const long = 'x'.repeat(2 ** 20);
  const app = express();
  let given = '';
  app.get('/', async (_req, res) => {
    await answers.send(res, given);
  });
  server.close();
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const name of ['a', 'b', 'c', 'd', 'e', 'e', 'a']) {
    given = name + long;
    expect((await (await ask({ 'accept-encoding': 'identity' })).text())[0]).toBe(name);
  }
  // Three of them fit: the second e is known still, and the first a is not.
  expect(answers.work.hashed).toBe(6);
});
