import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { TakenOver } from '../../activities';
import { toFailure } from '../../activities/kit/failures';
import { awaitPublishedActivities } from '../../activities/moves/await-published';
import { takeOverActivities } from '../../activities/moves/take-over';
import { EncoderClient, encoderClientFor } from '../../src/contracts/encoder/client';
import type { FleetEncoder } from '../../src/contracts/fleet';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import {
  SwarmError,
  channelWithDefaults,
  isOriginsFault,
  type ChannelObservation,
  type EncoderObservation,
  type ErrorCode,
  type SessionInfo,
} from '../../src/domain';
import { OrphanWatch, hasNoInput, lossOf } from '../../src/observation/channel-health';
import { EncoderDirectory } from '../../src/observation/encoder-directory';
import { EncoderProbe } from '../../src/observation/encoder-probe';
import { PartReadings } from '../../src/observation/part-readings';
import { PendingPlacements } from '../../src/observation/pending-placements';
import { startHost } from '../encoder/support/test-host';
import { partClients } from '../support/part-clients';
import { freePort } from '../support/ports';
import { ledgerEntry, relayChannel } from '../support/wire';

/** Directory and probe on a fleet. */
const looking = (
  list: () => Promise<FleetEncoder[]>,
  encoderAt: (address: string) => EncoderClient,
): { directory: EncoderDirectory; probe: EncoderProbe } => {
  const readings = new PartReadings(partClients({ fleet: { list }, encoderAt }));
  const directory = new EncoderDirectory(readings, encoderAt);
  return { directory, probe: new EncoderProbe(directory, readings) };
};

const spec = channelWithDefaults('ch-1');
const nowMs = 1_000_000;

const session = (more: Partial<SessionInfo> = {}): SessionInfo => ({
  sessionId: 's-1',
  channelId: 'ch-1',
  state: 'publishing',
  token: 3,
  renditions: ['180p'],
  units: 1,
  fromGop: 0,
  lastEncodedGop: 9,
  lastPublishedGop: 9,
  ready: true,
  realTimeRatio: 1,
  lateGops: 0,
  ...more,
});

const encoder = (sessions: SessionInfo[], more: Partial<EncoderObservation> = {}): EncoderObservation => ({
  id: 'enc-1',
  grpcAddress: '127.0.0.1:1',
  region: 'eu',
  zone: 'a',
  version: '1',
  ffmpegVersion: '5.1',
  capacityUnits: 6,
  maxSessions: 8,
  reachable: true,
  cordoned: false,
  draining: false,
  troubles: 0,
  telemetry: {
    atMs: nowMs,
    cpuCores: 0.1,
    memoryMiB: 100,
    networkKbps: 10,
    unitsUsed: sessions.length,
    sessions,
  },
  ...more,
});

const channel = (more: Partial<ChannelObservation> = {}): ChannelObservation => ({
  spec,
  owner: { encoderId: 'enc-1', sessionId: 's-1' },
  token: 3,
  nextGop: 10,
  lastPublishedAtMs: nowMs - 1_000,
  rungs: 1,
  viewers: 0,
  moving: false,
  movedAtMs: null,
  ...more,
});

const relay = (lastSealedGop: number) =>
  relayChannel({ lastSealedGop, openGop: lastSealedGop + 1, nextGop: lastSealedGop + 1 });

const byId = <T extends { id: string }>(encoders: readonly T[]): Map<string, T> =>
  new Map(encoders.map((each) => [each.id, each]));

describe('a channel counts as lost', () => {
  const silent = encoder([], { reachable: false });
  const longAgo = { lastPublishedAtMs: nowMs - 60_000 };
  test.each([
    ['without an owner', channel({ owner: null }), [encoder([])], 9, 'session-failed'],
    ['when its encoder is silent and publishes no more', channel(longAgo), [silent], 9, 'encoder-lost'],
    ['when its encoder left the fleet', channel(longAgo), [], 9, 'encoder-lost'],
    ['when its encoder does not know the session', channel(), [encoder([])], 9, 'session-failed'],
    ['when its session failed', channel(), [encoder([session({ state: 'failed' })])], 9, 'session-failed'],
    [
      'when its session stands still behind a live input',
      channel(longAgo),
      [encoder([session()])],
      15,
      'session-failed',
    ],
    [
      'when its session has stood still ever since it was given the channel',
      channel(longAgo),
      [encoder([session({ publishingForMs: 10_000 })])],
      15,
      'session-failed',
    ],
  ])('%s', (_when, observed, encoders, lastSealedGop, reason) => {
    expect(lossOf(observed, byId(encoders), relay(lastSealedGop), nowMs)).toMatchObject({
      channelId: 'ch-1',
      reason,
    });
  });

  test.each([
    ['all is well', channel(), [encoder([session()])], 9],
    ['it is being moved', channel({ owner: null, moving: true }), [encoder([])], 9],
    ['its encoder does not answer, but publishes', channel(), [silent], 9],
    ['its input is silent, so that there is nothing to publish', channel(longAgo), [encoder([session()])], 9],
    [
      'its session was resumed a moment ago, and works on its backlog',
      channel(longAgo),
      [encoder([session({ publishingForMs: 3_000 })])],
      15,
    ],
    ['it catches up after a recovery', channel(), [encoder([session()])], 30],
  ])('but not when %s', (_when, observed, encoders, lastSealedGop) => {
    expect(lossOf(observed, byId(encoders), relay(lastSealedGop), nowMs)).toBeNull();
  });

  test('by its backlog, where the clocks of origin and observer are a day apart', () => {
    const aDayAgoMs = nowMs - 86_400_000;
    expect(lossOf(channel(), byId([silent]), relay(9), aDayAgoMs)).toBeNull();
    expect(lossOf(channel(), byId([silent]), relay(30), aDayAgoMs)).toMatchObject({ reason: 'encoder-lost' });
  });
});

test('a channel has no input where nobody brings it and nothing is left to encode', () => {
  const at = (ingestConnected: boolean, lastSealedGop: number | null): boolean =>
    hasNoInput({ nextGop: 10 }, relayChannel({ ingestConnected, lastSealedGop }));
  expect([at(false, 9), at(false, null)]).toEqual([true, true]);
  expect([at(false, 10), at(true, 9), at(true, null)]).toEqual([false, false, false]);
  expect(hasNoInput({ nextGop: 10 }, undefined)).toBe(false);
});

test('a session that nobody wants is an orphan after a minute, not before, and not while its channel moves', () => {
  const watch = new OrphanWatch();
  const encoders = [encoder([session(), session({ sessionId: 's-2', state: 'fenced' })])];
  expect(watch.find(encoders, [channel()], nowMs)).toEqual([]);
  expect(watch.find(encoders, [channel()], nowMs + 59_000)).toEqual([]);
  const orphan = { encoderId: 'enc-1', sessionId: 's-2', channelId: 'ch-1' };
  expect(watch.find(encoders, [channel()], nowMs + 61_000)).toEqual([orphan]);
  expect(watch.find(encoders, [channel({ moving: true })], nowMs + 62_000)).toEqual([]);
  expect(watch.find(encoders, [channel()], nowMs + 63_000)).toEqual([]);
});

test('a placement counts until the encoder reports its session, or never does', () => {
  let monotonicMs = 0;
  const pending = new PendingPlacements(() => monotonicMs);
  pending.add('enc-1', 's-9', spec, 2);
  const unitsOn = (observed: EncoderObservation): number | undefined =>
    pending.addedTo(observed).telemetry?.unitsUsed;
  expect(unitsOn(encoder([]))).toBeCloseTo(1.64);
  expect(unitsOn(encoder([], { id: 'enc-2' }))).toBe(0);
  expect(unitsOn(encoder([session({ sessionId: 's-9' })]))).toBe(1);
  monotonicMs = 20_000;
  expect(unitsOn(encoder([]))).toBe(0);
});

test('errors cross to Temporal as type = code; only passing ones are retried', () => {
  const refusal = toFailure(
    new SwarmError('encoder-full', 'no room', 'add one', { free: 0 }),
  ) as ApplicationFailure;
  expect(refusal).toBeInstanceOf(ApplicationFailure);
  expect(refusal).toMatchObject({ type: 'encoder-full', nonRetryable: true });
  expect(refusal.details).toEqual([{ hint: 'add one', details: { free: 0 } }]);
  expect(toFailure(new SwarmError('unavailable', 'away'))).toMatchObject({ nonRetryable: false });
  const bug = new TypeError('a bug');
  expect(toFailure(bug)).toBe(bug);
});

describe('with an encoder that takes connections and never answers', () => {
  let mute: TcpServer;
  const sockets: Socket[] = [];
  let fleet: FleetEncoder[];
  beforeAll(async () => {
    mute = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const grpcAddress = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const member = { grpcAddress, region: 'eu', zone: 'a', pid: null, restarts: 0, startedAtMs: 0 };
    fleet = [{ ...member, id: 'enc-mute', state: 'running' }];
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
    encoderClientFor(fleet[0]?.grpcAddress ?? '').close();
  });

  test('a look at the fleet is late by its deadline, once, and says that it is unreachable', async () => {
    const { probe } = looking(async () => fleet, encoderClientFor);
    const startedAt = performance.now();
    const looks = Array.from({ length: 5 }, () => probe.observe({}, () => 0, { deadlineMs: 400 }));
    const [observed] = await Promise.all(looks);
    expect(observed).toMatchObject([{ id: 'enc-mute', reachable: false, cordoned: false }]);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  test('a fleet agent that fails does not take the last list away', async () => {
    let isUp = true;
    const list = async (): Promise<FleetEncoder[]> => {
      if (isUp) return fleet;
      throw new SwarmError('unavailable', 'the agent is away');
    };
    const { directory } = looking(list, encoderClientFor);
    expect(await directory.client('enc-mute')).toBeInstanceOf(EncoderClient);
    isUp = false;
    await directory.refresh();
    expect((await directory.list()).map((e) => e.id)).toEqual(['enc-mute']);
    await expect(directory.client('enc-7')).rejects.toMatchObject({ code: 'unknown-encoder' });
  });
});

test('an encoder that comes back just now is waited for where a decision needs it, and only then', async () => {
  const port = await freePort();
  const grpcAddress = `127.0.0.1:${port}`;
  const member = { region: 'eu', zone: 'a', pid: null, restarts: 0, startedAtMs: 0 };
  const fleet: FleetEncoder[] = [{ ...member, id: 'enc-9', grpcAddress, state: 'running' }];
  const client = new EncoderClient(grpcAddress);
  const { probe } = looking(
    async () => fleet,
    () => client,
  );
  const observed = await probe.observe({}, () => 0, { deadlineMs: 200 });
  expect(observed).toMatchObject([{ id: 'enc-9', reachable: false }]);
  expect(await probe.insist(observed, () => false, 200)).toBe(observed);
  const insisted = probe.insist(observed, ({ id }) => id === 'enc-9', 20_000);
  // By now the first attempt has failed, and the connection is in its back-off.
  await sleep(300);
  const { stop } = await startHost({ id: 'enc-9', port });
  try {
    expect(await insisted).toMatchObject([{ id: 'enc-9', reachable: true, capacityUnits: 6 }]);
  } finally {
    client.close();
    await stop();
  }
}, 60_000);

describe('awaitPublished', () => {
  let parts: Server;
  let published = false;
  let away = false;
  let lastSealedGop = 0;
  let state: SessionInfo['state'] = 'publishing';
  const owner = { encoderId: 'enc-1', sessionId: 's-1' };

  beforeAll(async () => {
    parts = createHttpServer((req, res) => {
      res.setHeader('content-type', 'application/json');
      if (away) {
        const body = new SwarmError('unavailable', 'The origin is still reading its state.').toBody();
        res.writeHead(503).end(JSON.stringify(body));
      } else if (!req.url?.includes('/wait')) {
        res.end(JSON.stringify(relay(lastSealedGop)));
      } else if (published) {
        res.end(JSON.stringify(ledgerEntry({ gop: 10, publishedAtMs: 77 })));
      } else {
        const body = new SwarmError('timeout', 'not yet').toBody();
        setTimeout(() => res.writeHead(408).end(JSON.stringify(body)), 50);
      }
    });
    await new Promise<void>((resolve) => parts.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    parts.close();
    parts.closeAllConnections();
  });

  const run = (withinMs: number): Promise<unknown> => {
    const url = `http://127.0.0.1:${(parts.address() as AddressInfo).port}`;
    const encoders = { client: async () => ({ session: async () => session({ state }) }) };
    const { awaitPublished } = awaitPublishedActivities({
      origin: new OriginClient(url),
      relay: new RelayClient(url),
      encoders: encoders as unknown as EncoderDirectory,
    });
    return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(awaitPublished, {
      channelId: 'ch-1',
      gop: 10,
      owner,
      withinMs,
    });
  };

  test('ends with the GOP', async () => {
    published = true;
    expect(await run(10_000)).toEqual({ published: true, atMs: 77 });
    published = false;
  });
  test('throws once the relay has the GOP and the owner does not bring it in time', async () => {
    lastSealedGop = 10;
    await expect(run(150)).rejects.toMatchObject({ code: 'timeout' });
  });
  test('does not blame the owner for a silent input', async () => {
    lastSealedGop = 9;
    expect(await run(150)).toMatchObject({ published: false });
  });
  test('waits for an origin that is away for a moment, and gives the owner its whole time after it', async () => {
    lastSealedGop = 10;
    away = true;
    const waiting = run(150);
    const outcome = Promise.race([waiting.catch((error: unknown) => error), sleep(1_200, 'still waits')]);
    // Several times what the owner has once its GOP is sealed.
    expect(await outcome).toBe('still waits');
    away = false;
    published = true;
    expect(await waiting).toEqual({ published: true, atMs: 77 });
    published = false;
  });
  test('does not wait for a session that has failed', async () => {
    state = 'failed';
    await expect(run(60_000)).rejects.toMatchObject({ code: 'session-failed' });
  });
});

describe('takeOver', () => {
  /** How often the origin answers that it is away, or for good. */
  let refusals: { code: ErrorCode; times: number };
  let asked: number;
  const origin = {
    url: 'http://origin',
    own: async () => {
      asked += 1;
      if (asked <= refusals.times) throw new SwarmError(refusals.code, 'not now');
      return { token: 5, firstGop: 10 };
    },
  };
  const run = (): Promise<TakenOver> => {
    const started = async () => ({ ...session({ state: 'publishing' }), secretSha256: 'a'.repeat(64) });
    const { takeOver } = takeOverActivities({
      origin: origin as unknown as OriginClient,
      relay: new RelayClient('http://relay'),
      encoders: {
        client: async () => ({ prepare: started, commit: started }),
      } as unknown as EncoderDirectory,
    });
    asked = 0;
    return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(takeOver, {
      ...{ spec, requestId: 'r', encoderId: 'enc-1', sessionId: 's-1', rungs: 1, gapReason: 'lost' },
      facts: { token: 3, owner: null, nextGop: 10, hasPublished: true, oldestGop: 5 },
    });
  };

  test('waits for an origin that is away for a moment', async () => {
    refusals = { code: 'unavailable', times: 3 };
    expect(await run()).toMatchObject({ token: 5, gapsDeclared: 0 });
    expect(asked).toBe(5);
  });

  test('says what is the fault of the origin, and not of the encoder', async () => {
    refusals = { code: 'storage-full', times: 1 };
    const error = await run().catch((thrown: unknown) => thrown as SwarmError);
    expect(error).toMatchObject({ code: 'storage-full' });
    expect(isOriginsFault(error as SwarmError)).toBe(true);
    refusals = { code: 'conflict', times: 1 };
    const refused = await run().catch((thrown: unknown) => thrown as SwarmError);
    expect(isOriginsFault(refused as SwarmError)).toBe(false);
  });
});
