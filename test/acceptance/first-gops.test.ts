import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { awaitFirstGops } from '../../src/acceptance/first-gops';
import { originChannel, sourceChannel } from '../support/wire';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

const answering = async (answer: () => unknown): Promise<string> => {
  const server = createServer((_req, res) => {
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer()));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const onAir = (id: string, atMs: number) => originChannel({ id, nextGop: 4, lastPublishedAtMs: atMs });
const wait = async (options: { published: string[]; failed: string[]; limitMs?: number }) =>
  awaitFirstGops({
    originUrl: await answering(() => options.published.map((id) => onAir(id, 2_000))),
    sourceUrl: await answering(() => [
      ...options.published.map((id) => sourceChannel({ id })),
      ...options.failed.map((id) => sourceChannel({ id, state: 'failed', error: 'Connection refused.' })),
    ]),
    channelIds: ['ch-1', 'cam'],
    sinceMs: 1_000,
    limitMs: options.limitMs ?? 20_000,
  });

test('all on air: none is silent', async () => {
  expect(await wait({ published: ['ch-1', 'cam'], failed: [] })).toEqual({
    first: [
      { channelId: 'ch-1', gop: 3, publishedAtMs: 2_000 },
      { channelId: 'cam', gop: 3, publishedAtMs: 2_000 },
    ],
    silent: [],
  });
});

test('a channel whose input has failed is not waited for, and named with what its source says', async () => {
  expect(await wait({ published: ['ch-1'], failed: ['cam'] })).toMatchObject({
    first: [{ channelId: 'ch-1' }],
    silent: [{ channelId: 'cam', why: 'Connection refused.' }],
  });
});

test('one that is not on air though its input is there is a failure', async () => {
  await expect(wait({ published: ['ch-1'], failed: [], limitMs: 300 })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('cam did not come on air'),
  });
});

test('and so is a swarm of which nothing is on air', async () => {
  await expect(wait({ published: [], failed: ['ch-1', 'cam'], limitMs: 300 })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('ch-1, cam did not'),
  });
});
