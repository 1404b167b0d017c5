import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../../src/config/config';
import { callJson } from '../../src/contracts/call';
import { OriginClient, ledgerEntrySchema, type LedgerEntry } from '../../src/contracts/origin';
import { SourceClient, type SourceChannel } from '../../src/contracts/source';
import {
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  swarmControl,
  swarmWorkflowId,
  type ChannelChange,
  type ChannelSpec,
  type ChannelWorkflowState,
  type CordonRequest,
  type MoveRequest,
  type MoveResult,
  type SwarmWorkflowState,
} from '../../src/domain';
import { startEncoder, type EncoderHost } from '../../src/media/encoder/host';
import { startOrigin } from '../../src/media/origin/start';
import { startRelay } from '../../src/media/relay/server';
import { startSource } from '../../src/media/source/server';
import { connectTemporal, ensureSwarm, wakeSwarm } from '../../src/temporal/client';
import { readable } from '../../src/temporal/readable-history';
import { replayFromServer } from '../../src/worker/replay';
import { startWorker } from '../../src/worker/worker';
import { InputFiles, picture } from '../source/inputs';
import { eventually } from '../support/until';
import { startTemporal } from './support/temporal';
import { moveRequest, refusalFrom } from './support/workbench';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
const host = '127.0.0.1';

let temporal: TestWorkflowEnvironment;
let environment: Environment;
let client: Client;
let stateDir: string;
const hosts = new Map<string, EncoderHost>();
const stops: (() => Promise<unknown>)[] = [];

/** GOPs of one second and small pictures. */
const spec = (id: string): ChannelSpec => ({
  ...channelWithDefaults(id),
  gopDurationTicks: 90_000,
  ladder: [
    { name: '90p', widthPx: 160, heightPx: 90, crf: 28, maxBitrateKbps: 300 },
    { name: '72p', widthPx: 128, heightPx: 72, crf: 30, maxBitrateKbps: 200 },
  ],
  viewersPerRung: [1_000],
});
const [a, b] = [spec('ch-a'), spec('ch-b')];

const encoderOn = async (id: string, port: number): Promise<EncoderHost> => {
  const running = await startEncoder({
    id,
    host,
    port,
    log,
    region: 'eu',
    zone: id === 'enc-2' ? 'b' : 'a',
    capacityUnits: 6,
    maxSessions: 8,
    ffmpegPath: 'ffmpeg',
  });
  hosts.set(id, running);
  return running;
};

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'workflows-'));
  temporal = await startTemporal({ registerAttributes: false });
  const relay = await startRelay({ host, port: 0, stateDir, log });
  const relayUrl = `http://${host}:${relay.port}`;
  const origin = await startOrigin({ host, port: 0, stateDir, relayUrl, log });
  const source = await startSource({
    host,
    port: 0,
    stateDir,
    relayUrl,
    ffmpeg: 'ffmpeg',
    ffprobe: 'ffprobe',
    inputs: { inputDir: tmpdir(), networks: [], trusted: new Set() },
    log,
  });
  const encoders = await Promise.all(['enc-1', 'enc-2', 'enc-3'].map((id) => encoderOn(id, 0)));
  environment = readEnvironment({
    SWARM_CELL: 'test',
    SWARM_STATE_DIR: stateDir,
    SWARM_RELAY_URL: relayUrl,
    SWARM_ORIGIN_URL: `http://${host}:${origin.port}`,
    SWARM_SOURCE_URL: `http://${host}:${source.port}`,
    SWARM_ENCODERS: encoders.map((e) => `${e.info.id}=${e.address}`).join(','),
    TEMPORAL_ADDRESS: temporal.address,
    SWARM_PAYLOAD_CODEC: 'on',
    // No database: what is told there is lost, what is decided is not.
    INFLUX_URL: `http://${host}:9`,
  });
  const worker = await startWorker(environment, log, { port: 0 });
  await eventually(async () => (await fetch(`http://${host}:${worker.port}/healthz`)).status === 200, 60_000);
  const connection = await connectTemporal(environment);
  client = connection.client;
  stops.push(
    () => connection.close(),
    () => worker.stop(),
    ...[...hosts.keys()].map((id) => () => hosts.get(id)?.stop() ?? Promise.resolve()),
    () => source.stop(),
    () => origin.stop(),
    () => relay.stop(),
  );
}, 120_000);

afterAll(async () => {
  for (const stop of stops) await stop();
  await temporal?.teardown();
  await rm(stateDir, { recursive: true, force: true });
}, 60_000);

const channelState = (id: string): Promise<ChannelWorkflowState> =>
  client.workflow.getHandle(channelWorkflowId(id)).query<ChannelWorkflowState>(channelControl.state);
const swarm = () => client.workflow.getHandle(swarmWorkflowId('test'));
const move = (id: string, request: MoveRequest): Promise<MoveResult> =>
  client.workflow
    .getHandle(channelWorkflowId(id))
    .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { args: [request] });
const onAir = (id: string): Promise<boolean> =>
  eventually(async () => (await channelState(id).catch(() => null))?.status === 'on-air', 30_000);

const ledger = (id: string): Promise<LedgerEntry[]> =>
  callJson(
    `${environment.SWARM_ORIGIN_URL}/channels/${id}/ledger?from=0&to=100000`,
    z.array(ledgerEntrySchema),
  );

/** Every GOP from the first on is there once, none is a gap, tokens never go down, and the owner has a secret to show. */
const expectWhole = async (id: string): Promise<LedgerEntry[]> => {
  const entries = await ledger(id);
  const first = entries[0]?.gop ?? -1;
  expect(entries.map((entry) => entry.gop)).toEqual(entries.map((_, i) => first + i));
  expect(entries.filter((entry) => entry.gapReason)).toEqual([]);
  const tokens = entries.map((entry) => entry.token);
  expect(tokens).toEqual([...tokens].sort((x, y) => x - y));
  expect(await new OriginClient(environment.SWARM_ORIGIN_URL).channel(id)).toMatchObject({
    ownerHasSecret: true,
  });
  return entries;
};
const published = (id: string, count: number): Promise<boolean> =>
  eventually(async () => (await ledger(id)).length >= count, 30_000);

test('from nothing to two channels on air, on different encoders; a second time nothing is added', async () => {
  await ensureSwarm(client, environment, { channels: [a, b], cycleSeconds: 3_600 });
  await Promise.all([onAir('ch-a'), onAir('ch-b')]);
  const owners = await Promise.all(
    ['ch-a', 'ch-b'].map(async (id) => (await channelState(id)).ownerEncoderId),
  );
  expect(new Set(owners).size).toBe(2);
  await ensureSwarm(client, environment, { channels: [a, b] });
  const { channels } = await swarm().query<SwarmWorkflowState>(swarmControl.state);
  expect(channels.map((channel) => channel.id).sort()).toEqual(['ch-a', 'ch-b']);
  await client.schedule.getHandle('forecasting/test').describe();
}, 60_000);

test('a handoff to another encoder, and one to the same for a larger ladder, lose nothing', async () => {
  await published('ch-a', 2);
  const from = (await channelState('ch-a')).ownerEncoderId;
  const away = await move('ch-a', moveRequest());
  expect(away).toMatchObject({ outcome: 'completed', fromEncoderId: from, gapsDeclared: 0 });
  expect(away.toEncoderId).not.toBe(from);
  expect(away.overlapGops).toBeLessThan(5);
  const grown = await move(
    'ch-a',
    moveRequest({ reason: 'ladder', toEncoderId: away.toEncoderId as string, rungs: 2 }),
  );
  expect(grown).toMatchObject({ outcome: 'completed', ownerEncoderId: away.toEncoderId, rungs: 2 });
  const entries = await expectWhole('ch-a');
  expect(entries.filter((entry) => entry.encoderId === away.toEncoderId).length).toBeGreaterThan(1);
  const sessions = await Promise.all(
    [...hosts.keys()].map(async (id) => ({
      id,
      known: (await telemetryOf(id)).filter((s) => s === 'ch-a').length,
    })),
  );
  expect(sessions.filter((s) => s.known > 0)).toEqual([{ id: away.toEncoderId, known: 1 }]);
}, 60_000);

const telemetryOf = async (id: string): Promise<string[]> => {
  const { encoderClientFor } = await import('../../src/contracts/encoder/client');
  const { sessions } = await encoderClientFor((hosts.get(id) as EncoderHost).address).telemetry();
  return sessions.filter((s) => s.state !== 'released').map((s) => s.channelId);
};

test('another ladder and another input come on air without a gap; what is refused changes nothing', async () => {
  const files = await InputFiles.create();
  const url = await files.make('other.mp4', ...picture('160x90', 25, 2), '-g', '25');
  const ladder = [{ name: '120p', widthPx: 214, heightPx: 120, crf: 30, maxBitrateKbps: 300 }];
  const change = (what: ChannelChange): Promise<void> =>
    swarm().executeUpdate<void, [string, ChannelChange]>(swarmControl.updateChannel, {
      args: ['ch-a', what],
    });
  const before = await channelState('ch-a');
  const missing = change({ ladder, input: { kind: 'url', url: join(stateDir, 'nothing.mp4') } });
  expect((await refusalFrom(missing)).code).toBe('input-not-video');
  expect((await channelState('ch-a')).spec).toEqual(before.spec);
  await change({ ladder, input: { kind: 'url', url } });
  const after = await channelState('ch-a');
  expect(after).toMatchObject({
    ...{ spec: { ladder, input: { url } }, rungs: 1, status: 'on-air' },
    ...{ ownerEncoderId: before.ownerEncoderId, token: before.token + 1 },
  });
  const { channels } = await swarm().query<SwarmWorkflowState>(swarmControl.state);
  expect(channels.find(({ id }) => id === 'ch-a')).toEqual(after.spec);
  await published('ch-a', (await ledger('ch-a')).length + 3);
  const entries = await expectWhole('ch-a');
  expect(entries.at(-1)!.renditions.map(({ name }) => name)).toEqual(['120p']);
  // As it was, for the tests to come; a channel that is gone can't be changed.
  await change({ ladder: a.ladder, viewersPerRung: a.viewersPerRung, input: a.input });
  await published('ch-a', (await ledger('ch-a')).length + 3);
  expect((await channelState('ch-a')).spec).toEqual(a);
  await expectWhole('ch-a');
  const unknown = swarm().executeUpdate(swarmControl.updateChannel, { args: ['ch-none', {}] });
  expect((await refusalFrom(unknown)).code).toBe('unknown-channel');
  await files.remove();
}, 90_000);

test('a handoff to an unknown encoder, or with more rungs than there are, is refused', async () => {
  const before = await channelState('ch-b');
  const unknown = await move('ch-b', moveRequest({ toEncoderId: 'enc-9' }));
  expect(unknown).toMatchObject({ outcome: 'refused', failure: { code: 'unknown-encoder' } });
  expect((await refusalFrom(move('ch-b', moveRequest({ rungs: 3 })))).code).toBe('bad-request');
  expect((await channelState('ch-b')).token).toBe(before.token);
});

test('an input that is not video is refused at the caller and leaves nothing behind', async () => {
  const bad: ChannelSpec = { ...spec('ch-bad'), input: { kind: 'url', url: join(stateDir, 'nothing.mp4') } };
  const added = swarm().executeUpdate<void, [ChannelSpec]>(swarmControl.addChannel, { args: [bad] });
  expect((await refusalFrom(added)).code).toBe('input-not-video');
  for (const url of [
    environment.SWARM_RELAY_URL,
    environment.SWARM_ORIGIN_URL,
    environment.SWARM_SOURCE_URL,
  ]) {
    const channels = await callJson(`${url}/channels`, z.array(z.object({ id: z.string() })));
    expect(channels.map((channel) => channel.id)).not.toContain('ch-bad');
  }
  const garbage = swarm().executeUpdate<void, [unknown]>(swarmControl.addChannel, {
    args: [{ id: 'Not An Id' }],
  });
  expect((await refusalFrom(garbage)).code).toBe('bad-request');
}, 60_000);

test('a lost encoder: its channel goes on elsewhere from the ring, with no gap', async () => {
  const { ownerEncoderId } = await channelState('ch-b');
  const lost = ownerEncoderId as string;
  await hosts.get(lost)?.stop();
  await swarm().signal(swarmControl.encoderLost, {
    encoderId: lost,
    evidence: 'stopped by the test',
    atMs: Date.now(),
  });
  await eventually(async () => {
    const state = await channelState('ch-b');
    return state.status === 'on-air' && state.ownerEncoderId !== lost;
  }, 30_000);
  const { lastMove } = await channelState('ch-b');
  expect(lastMove).toMatchObject({ reason: 'encoder-lost', outcome: 'recovered', gapsDeclared: 0 });
  await published('ch-b', (await ledger('ch-b')).length + 2);
  await expectWhole('ch-b');
}, 60_000);

test('a cycle sees the silent encoder, is not held up by it, and recovers what nobody reported', async () => {
  const { ownerEncoderId } = await channelState('ch-b');
  const lost = ownerEncoderId as string;
  await hosts.get(lost)?.stop();
  const { SWARM_CELL } = environment;
  await eventually(async () => {
    await wakeSwarm(client, SWARM_CELL);
    const state = await channelState('ch-b');
    return state.status === 'on-air' && state.ownerEncoderId !== lost;
  }, 40_000);
  const { lastCycle } = await swarm().query<SwarmWorkflowState>(swarmControl.state);
  expect(lastCycle?.unreachable).toContain(lost);
  const run = await client.workflow.getHandle(lastCycle?.workflowId as string).describe();
  const tookMs = (run.closeTime?.getTime() ?? Infinity) - run.startTime.getTime();
  expect(tookMs).toBeLessThan(4_000);
  await expectWhole('ch-b');
}, 90_000);

test('a removed channel is gone everywhere', async () => {
  await swarm().executeUpdate<void, [string]>(swarmControl.removeChannel, { args: ['ch-b'] });
  for (const url of [
    environment.SWARM_RELAY_URL,
    environment.SWARM_ORIGIN_URL,
    environment.SWARM_SOURCE_URL,
  ]) {
    const channels = await callJson(`${url}/channels`, z.array(z.object({ id: z.string() })));
    expect(channels.map((channel) => channel.id)).toEqual(['ch-a']);
  }
}, 30_000);

test('a swarm that somebody terminates goes on by itself, with its channels, its rules and its count', async () => {
  const request: CordonRequest = { encoderId: 'enc-3', requestedBy: 'operator' };
  await swarm().executeUpdate<void, [CordonRequest]>(swarmControl.cordon, { args: [request] });
  const read = () => swarm().query<SwarmWorkflowState>(swarmControl.state);
  const before = await read();
  const { runId } = await swarm().describe();
  await swarm().terminate('by mistake');
  const isBack = async (): Promise<boolean> => {
    const now = await swarm().describe();
    return now.status.name === 'RUNNING' && now.runId !== runId;
  };
  expect(await eventually(isBack, 30_000)).toBe(true);
  const after = await read();
  expect(after).toMatchObject({ channels: before.channels, cordons: before.cordons, policy: before.policy });
  expect(after.cycle).toBeGreaterThanOrEqual(before.cycle);
  await published('ch-a', (await ledger('ch-a')).length + 2);
  await expectWhole('ch-a');
  await swarm().executeUpdate<void, [CordonRequest]>(swarmControl.uncordon, { args: [request] });
}, 60_000);

test('a channel of a swarm that begins may have an input that is away: it comes on air when the input is there', async () => {
  const files = await InputFiles.create();
  const file = join(files.directory, 'late.mp4');
  const late: ChannelSpec = { ...spec('ch-late'), input: { kind: 'url', url: file } };
  await ensureSwarm(client, environment, { channels: [a, late] });
  const source = new SourceClient(environment.SWARM_SOURCE_URL);
  const inputOf = async (): Promise<SourceChannel | undefined> =>
    (await source.channels()).find(({ id }) => id === 'ch-late');
  await eventually(async () => (await inputOf())?.state === 'failed', 10_000);
  expect((await inputOf())?.error).toContain('late.mp4');
  expect((await channelState('ch-a')).status).toBe('on-air');
  // Under another name first: the source must not open half of a file.
  await rename(await files.make('part.mp4', ...picture('160x90', 25, 2), '-g', '25'), file);
  await published('ch-late', 2);
  await expectWhole('ch-late');
  await swarm().executeUpdate<void, [string]>(swarmControl.removeChannel, { args: ['ch-late'] });
  await files.remove();
}, 90_000);

test('none of it can be read at Temporal without the key', async () => {
  const texts = (value: unknown): string[] => {
    if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  const { lastMove } = await channelState('ch-a');
  for (const id of [channelWorkflowId('ch-a'), lastMove!.workflowId]) {
    // The client of the test's own server has no key.
    const history = await temporal.client.workflow.getHandle(id).fetchHistory();
    expect(history.events?.length).toBeGreaterThan(3);
    expect(texts(history).filter((text) => /90p|chooseTarget\b.*ch-a/.test(text))).toEqual([]);
    expect(texts(await readable(client, history)).some((text) => text.includes('90p'))).toBe(true);
    expect(await replayFromServer(client, id)).toMatchObject({ replays: true });
  }
}, 60_000);
