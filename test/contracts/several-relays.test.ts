import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RelayClient, type RelayChannel } from '../../src/contracts/relay';
import { mergedChannel } from '../../src/contracts/relay-replicas';

/** What is asked of several relays, of which each answers as the test says. */

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
const serve = async (answer: Answer): Promise<string> => {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const channel = (own: Partial<RelayChannel>): RelayChannel => ({
  ...{ id: 'ch-1', gopDurationTicks: 90_000, oldestGop: null, openGop: null, lastSealedGop: null },
  ...{ nextGop: 0, resumeSourceTicks: null, unsavedGops: 0, ingestConnected: true, lastIngestAtMs: 1 },
  framesIn: 0,
  ...own,
});
const ledger = { gop: 3, ptsTicks: [1], sha256: 'x', sealedAtMs: 1 };

const json =
  (body: unknown): Answer =>
  (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
const refusing =
  (code: 'gop-left-ring' | 'unknown-channel'): Answer =>
  (_request, response) => {
    response.statusCode = 410;
    json({ error: { code, message: 'not here' } })(_request, response);
  };
const silent: Answer = () => undefined;
const nobody = 'http://127.0.0.1:9';

test.each([
  ['has lost the GOP', refusing('gop-left-ring')],
  ['knows no such channel', refusing('unknown-channel')],
])('a ledger is had from the relay that has it, where the first one %s', async (_what, answer) => {
  const client = new RelayClient([await serve(answer), nobody, await serve(json(ledger))]);
  expect(await client.sealed('ch-1', 3)).toEqual(ledger);
});

test('a relay that has stopped is not waited for, and not asked first again', async () => {
  const [stopped, good] = [await serve(silent), await serve(json(ledger))];
  const client = new RelayClient([stopped, good]);
  const beganMs = performance.now();
  expect(await client.sealed('ch-1', 3, { timeoutMs: 10_000 })).toEqual(ledger);
  expect(performance.now() - beganMs).toBeLessThan(3_000);
  expect(client.url).toBe(good);
});

test('the refusal stands where all refuse', async () => {
  const client = new RelayClient([
    await serve(refusing('gop-left-ring')),
    await serve(refusing('gop-left-ring')),
  ]);
  await expect(client.sealed('ch-1', 3)).rejects.toMatchObject({ code: 'gop-left-ring' });
});

test('channels are told as all relays have them together', async () => {
  const old = channel({ oldestGop: 2, lastSealedGop: 8, nextGop: 9, ingestConnected: false });
  const live = channel({ oldestGop: 7, lastSealedGop: 12, nextGop: 13 });
  const other = channel({ id: 'ch-2', nextGop: 4 });
  const client = new RelayClient([await serve(json([old])), nobody, await serve(json([live, other]))]);
  const told = (await client.channels()).sort((a, b) => a.id.localeCompare(b.id));
  expect(told).toEqual([{ ...live, oldestGop: 2 }, other]);
});

test('GOPs before a hole that no relay fills do not count', () => {
  const before = channel({ oldestGop: 2, nextGop: 9, ingestConnected: false });
  const live = channel({ oldestGop: 11, nextGop: 13 });
  expect(mergedChannel([before, live]).oldestGop).toBe(11);
  expect(mergedChannel([before, channel({ oldestGop: 5, nextGop: 12 }), live]).oldestGop).toBe(2);
});

test('a channel is taken away where a relay answers', async () => {
  const asked: string[] = [];
  const taking: Answer = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.statusCode = 204;
    response.end();
  };
  await new RelayClient([nobody, await serve(taking), await serve(taking)]).remove('ch-1');
  expect(asked).toEqual(['DELETE /channels/ch-1', 'DELETE /channels/ch-1']);
});
