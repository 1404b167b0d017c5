import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FleetAgentClient } from '../../src/contracts/fleet';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { SourceClient } from '../../src/contracts/source';
import { SwarmError } from '../../src/domain';

let server: Server;
let url: string;
let answer: { status: number; body: string } = { status: 200, body: '' };

beforeAll(async () => {
  server = createServer((_req, res) => {
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const says = (body: unknown, status = 200): void => {
  answer = { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
};

const originChannel = {
  ...{ id: 'ch-1', gopDurationTicks: 180_000, framesPerSecond: 25, token: 3, nextGop: 9, hasPublished: true },
  ...{ owner: { encoderId: 'enc-1', sessionId: 's' }, lastPublishedAtMs: 5, oldestGop: 0, gapsDeclared: 0 },
  refusals: { 'stale-token': 2 },
};
const relayChannel = {
  ...{ id: 'ch-1', gopDurationTicks: 180_000, oldestGop: 0, openGop: 9, lastSealedGop: 8, nextGop: 9 },
  ...{ resumeSourceTicks: null, unsavedGops: 0, ingestConnected: true, lastIngestAtMs: 1, framesIn: 450 },
};
const sourceChannel = {
  ...{ id: 'ch-1', input: { kind: 'generated' }, state: 'running', framesSent: 9, startedAtMs: 1 },
};
const fleetEncoder = {
  ...{ id: 'enc-1', grpcAddress: 'h:1', region: '', zone: '', pid: 4, state: 'running', restarts: 0 },
  startedAtMs: 1,
};

interface Call {
  good: Record<string, unknown>;
  ask: () => Promise<unknown>;
}

const calls: Record<string, Call> = {
  origin: { good: originChannel, ask: () => new OriginClient(url).channels() },
  relay: { good: relayChannel, ask: () => new RelayClient(url).channels() },
  source: { good: sourceChannel, ask: () => new SourceClient(url).channels() },
  'fleet agent': { good: fleetEncoder, ask: () => new FleetAgentClient(url).list() },
};

const required = Object.entries(calls).flatMap(([part, { good, ask }]) =>
  Object.keys(good).map((field) => ({ part, field, good, ask })),
);

describe('an answer of a part', () => {
  test.each(Object.entries(calls))('is taken as it is: %s', async (_part, { good, ask }) => {
    says([good]);
    expect(await ask()).toEqual([good]);
  });

  test.each(required)('without a field is refused: $part $field', async ({ part, field, good, ask }) => {
    const { [field]: _left, ...rest } = good;
    says([rest]);
    const error = await ask().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SwarmError);
    expect(error).toMatchObject({ code: 'internal' });
    expect((error as Error).message).toContain(`The ${part} (${url}`);
    expect((error as Error).message).toContain(`0.${field}: `);
  });

  test('with the same fault in each of many items is told of in a few words', async () => {
    says(Array.from({ length: 5_000 }, () => ({ id: 'ch-1' })));
    const error = await new RelayClient(url).channels().catch((e: unknown) => e as Error);
    expect((error as Error).message).toMatch(/0\.gopDurationTicks: .*; and \d{5} more\.$/);
    expect((error as Error).message.length).toBeLessThan(600);
  });

  test('of another kind is refused', async () => {
    says({ channels: [] });
    await expect(new OriginClient(url).channels()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('The origin'),
    });
  });

  test('that is no JSON is refused', async () => {
    says('<html>');
    await expect(new RelayClient(url).channel('ch-1')).rejects.toMatchObject({ code: 'internal' });
  });

  test('that refuses is the refusal itself', async () => {
    says(new SwarmError('stale-token', 'no', 'Read it.', { token: 4 }).toBody(), 409);
    const own = { channelId: 'ch-1', requestId: 'r', expectToken: 1, owner: null, fromGop: 0 };
    await expect(new OriginClient(url).own(own)).rejects.toMatchObject({
      ...{ code: 'stale-token', message: 'no', hint: 'Read it.', details: { token: 4 } },
    });
  });

  test('that refuses without a reason is internal', async () => {
    says('', 503);
    await expect(new SourceClient(url).remove('ch-1')).rejects.toMatchObject({ code: 'internal' });
  });
});

test('a part that is not there is unavailable', async () => {
  await expect(new OriginClient('http://127.0.0.1:1').channels()).rejects.toMatchObject({
    code: 'unavailable',
  });
});
