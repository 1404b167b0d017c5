import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { z } from 'zod';
import { readEnvironment, taskQueueOf, type Environment } from '../../src/config/config';
import { callJson } from '../../src/contracts/call';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { ledgerEntrySchema } from '../../src/contracts/origin';
import {
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  policySchema,
  swarmControl,
  swarmWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type AddBuildRequest,
  type ChannelSpec,
  type ChannelWorkflowState,
  type EncoderBuild,
  type MoveRequest,
  type MoveResult,
  type VersionsState,
} from '../../src/domain';
import { startFleetAgent } from '../../src/fleet/agent';
import { LocalFleet } from '../../src/fleet/local-fleet';
import { startOrigin } from '../../src/media/origin/start';
import { startRelay } from '../../src/media/relay/server';
import { startSource } from '../../src/media/source/server';
import { awaitGrpcServing } from '../../src/platform/processes/readiness';
import { connectTemporal, ensureSwarm } from '../../src/temporal/client';
import { startWorker } from '../../src/worker/worker';
import { claimPortBase } from '../support/ports';
import { eventually } from '../support/until';
import { startTemporal } from '../workflows/support/temporal';
import { moveRequest, refusalFrom } from '../workflows/support/workbench';
import { npmFfmpeg, wrapFfmpeg } from './support/real-builds';

const root = resolve(__dirname, '..', '..');
const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
const host = '127.0.0.1';
const cell = 'mixed';

let temporal: TestWorkflowEnvironment;
let environment: Environment;
let client: Client;
let stateDir: string;
let fleet: LocalFleet;
let builds: Record<'debian' | 'npm' | 'other', EncoderBuild>;
const wrapper = wrapFfmpeg('ffmpeg', ['s/^3\\.0$/4.0/']);
const stops: (() => Promise<unknown>)[] = [];

const spec: ChannelSpec = {
  ...channelWithDefaults('ch-a'),
  gopDurationTicks: 90_000,
  ladder: [{ name: '90p', widthPx: 160, heightPx: 90, crf: 28, maxBitrateKbps: 300 }],
  viewersPerRung: [],
};

/** Two real encoder hosts as processes, and all that a swarm needs beside them. */
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'mixed-swarm-'));
  temporal = await startTemporal({ registerAttributes: false });
  stops.push(() => temporal.teardown());
  const relay = await startRelay({ host, port: 0, stateDir, log });
  const relayUrl = `http://${host}:${relay.port}`;
  const origin = await startOrigin({ host, port: 0, stateDir, relayUrl, log });
  const ffmpeg = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' };
  const source = await startSource({ ...ffmpeg, host, port: 0, stateDir, relayUrl, log });
  const runner = join(root, 'test/origin/support/run-typescript.cjs');
  fleet = new LocalFleet({
    ...{ host, portBase: await claimPortBase(), region: 'eu', zones: ['a', 'b'], capacityUnits: 6 },
    ...{ maxSessions: 8, maxEncoders: 4, logsDir: join(stateDir, 'logs') },
    command: process.execPath,
    args: ['-r', runner, join(root, 'src/media/encoder/main.ts')],
    env: { ...process.env, FFMPEG: '/usr/bin/ffmpeg' },
    buildsFile: join(stateDir, 'fleet-builds.json'),
    membersFile: join(stateDir, 'fleet-members.json'),
    awaitServing: (address, signal) => awaitGrpcServing(address, '', signal),
    onEvent: () => undefined,
    onSpawned: () => undefined,
    onEnded: () => undefined,
  });
  const agent = await startFleetAgent({ fleet, port: 0, host, log });
  stops.unshift(
    () => source.stop(),
    () => fleet.stopAll(),
    () => agent.close(),
    () => origin.stop(),
    () => relay.stop(),
  );
  await Promise.all([fleet.start('enc-1', 'a'), fleet.start('enc-2', 'b')]);
  environment = readEnvironment({
    SWARM_CELL: cell,
    SWARM_STATE_DIR: stateDir,
    SWARM_RELAY_URL: relayUrl,
    SWARM_ORIGIN_URL: `http://${host}:${origin.port}`,
    SWARM_SOURCE_URL: `http://${host}:${source.port}`,
    SWARM_FLEET_URL: `http://${host}:${agent.port}`,
    TEMPORAL_ADDRESS: temporal.address,
    // No database: what is told there is lost, what is decided is not.
    INFLUX_URL: `http://${host}:9`,
  });
  const worker = await startWorker(environment, log, { port: 0 });
  stops.unshift(() => worker.stop());
  const isReady = (): Promise<boolean> =>
    fetch(`http://${host}:${worker.port}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually(isReady, 60_000);
  const connection = await connectTemporal(environment);
  stops.unshift(() => connection.close());
  client = connection.client;
  await ensureSwarm(client, environment, {
    channels: [spec],
    cycleSeconds: 1,
    policy: { minEncoders: 2, maxEncoders: 2 },
  });
  const add = (request: AddBuildRequest) => versions<EncoderBuild>(versionsControl.add, request);
  const probed = async (id: string, path: string): Promise<EncoderBuild> => {
    await add({ id, source: { kind: 'path', path } });
    return versions<EncoderBuild>(versionsControl.probe, id);
  };
  builds = {
    debian: await probed('debian', '/usr/bin/ffmpeg'),
    npm: await probed('npm', npmFfmpeg),
    other: await probed('other', wrapper.path),
  };
}, 180_000);

afterAll(async () => {
  for (const stop of stops) await stop();
  wrapper.remove();
  await rm(stateDir, { recursive: true, force: true });
}, 60_000);

const versions = <T>(name: string, argument: unknown): Promise<T> =>
  client.workflow.getHandle(versionsWorkflowId(cell)).executeUpdate<T, [unknown]>(name, { args: [argument] });
const catalogue = (): Promise<VersionsState> =>
  client.workflow.getHandle(versionsWorkflowId(cell)).query<VersionsState>(versionsControl.state);
const swarmUpdate = (name: string, argument: unknown): Promise<void> =>
  client.workflow.getHandle(swarmWorkflowId(cell)).executeUpdate<void, [unknown]>(name, { args: [argument] });
const channel = (): Promise<ChannelWorkflowState> =>
  client.workflow.getHandle(channelWorkflowId('ch-a')).query<ChannelWorkflowState>(channelControl.state);
const move = (request: MoveRequest): Promise<MoveResult> =>
  client.workflow
    .getHandle(channelWorkflowId('ch-a'))
    .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { args: [request] });
const onAir = (): Promise<ChannelWorkflowState> =>
  eventually(async () => {
    const state = await channel().catch(() => null);
    return state?.status === 'on-air' && state;
  }, 30_000);
/** What the hosts say; undefined of one that is just being restarted. */
const digests = (): Promise<(string | undefined)[]> =>
  Promise.all(
    fleet.list().map(async ({ grpcAddress }) => {
      const encoder = new EncoderClient(grpcAddress);
      return encoder
        .describe()
        .then(
          (info) => info.buildDigest,
          () => undefined,
        )
        .finally(() => encoder.close());
    }),
  );
const playlist = async (): Promise<string> =>
  (await fetch(`${environment.SWARM_ORIGIN_URL}/hls/ch-a/90p/index.m3u8?window_s=900`)).text();
/** GOPs with an EXT-X-DISCONTINUITY in front of them. */
const discontinuities = async (): Promise<number[]> =>
  [...(await playlist()).matchAll(/#EXT-X-DISCONTINUITY\n(?:#.*\n)*(\d+)\.ts/g)].map(([, gop]) =>
    Number(gop),
  );
const expectWhole = async (): Promise<void> => {
  const entries = await callJson(
    `${environment.SWARM_ORIGIN_URL}/channels/ch-a/ledger?from=0&to=100000`,
    z.array(ledgerEntrySchema),
  );
  const first = entries[0]?.gop ?? -1;
  expect(entries.map((entry) => entry.gop)).toEqual(entries.map((_, i) => first + i));
  expect(entries.filter((entry) => entry.gapReason)).toEqual([]);
};

test('two real builds are of one class, the third is not', () => {
  expect(builds.debian.compatibilityClass).toBe(builds.npm.compatibilityClass);
  expect(builds.other.compatibilityClass).not.toBe(builds.npm.compatibilityClass);
});

test('a new target goes through the swarm under a live channel, with no gap and no discontinuity', async () => {
  await onAir();
  await versions(versionsControl.setTarget, { buildId: 'npm', requestedBy: 'test' });
  await eventually(async () => (await digests()).every((digest) => digest === builds.npm.digest), 90_000);
  await eventually(async () => {
    const { cordons } = await client.workflow
      .getHandle(swarmWorkflowId(cell))
      .query<{ cordons: object }>(swarmControl.state);
    return Object.keys(cordons).length === 0;
  }, 30_000);
  expect(fleet.list().map((e) => e.buildId)).toEqual(['npm', 'npm']);
  expect((await onAir()).moves).toBeGreaterThan(0);
  await expectWhole();
  expect(await discontinuities()).toEqual([]);
  expect((await catalogue()).fault).toBeNull();
}, 150_000);

test('an encoder that is added begins with the target', async () => {
  const { encoderIds } = await client.workflow.execute('scaleOut', {
    workflowId: `scale-out/${cell}/test`,
    taskQueue: taskQueueOf(cell),
    args: [{ cell, requests: [{ requestId: 'test-1', askedAtMs: Date.now() }], reason: 'test' }],
  });
  expect(fleet.list().find((e) => e.id === encoderIds[0])).toMatchObject({ buildId: 'npm' });
  await fleet.deprovision(encoderIds[0] as string);
}, 60_000);

test('between classes: refused by name, and allowed by policy with one declared discontinuity', async () => {
  await versions(versionsControl.setTarget, { buildId: null, requestedBy: 'test' });
  const { ownerEncoderId } = await onAir();
  const idle = ownerEncoderId === 'enc-1' ? 'enc-2' : 'enc-1';
  const { id: buildId, executablePath = '', digest } = builds.other;
  await fleet.setBuild(idle, { buildId, executablePath, digest }, 'test-other');

  await eventually(async () => (await digests()).includes(digest), 30_000);

  expect(await move(moveRequest({ toEncoderId: idle }))).toMatchObject({
    outcome: 'refused',
    failure: { code: 'encoder-incompatible', message: expect.stringMatching(/class/) as string },
  });
  expect((await onAir()).ownerEncoderId).toBe(ownerEncoderId);

  await swarmUpdate(
    swarmControl.setPolicy,
    policySchema.parse({ minEncoders: 2, maxEncoders: 2, allowDiscontinuity: true }),
  );
  const moved = await move(moveRequest({ toEncoderId: idle }));
  expect(moved).toMatchObject({ outcome: 'completed', toEncoderId: idle });
  await eventually(async () => (await discontinuities()).length > 0, 30_000);
  expect(await discontinuities()).toEqual([moved.firstGop]);
  await expectWhole();
}, 90_000);

test('a build that fails its self-test is taken back, and goes no further until the target is set again', async () => {
  await swarmUpdate(
    swarmControl.setPolicy,
    policySchema.parse({ minEncoders: 2, maxEncoders: 2, allowDiscontinuity: true }),
  );
  const spoilt = wrapFfmpeg('ffmpeg', []);
  try {
    await versions(versionsControl.add, { id: 'spoilt', source: { kind: 'path', path: spoilt.path } });
    await versions(versionsControl.probe, 'spoilt');
    // What it does now is not what it did when it was probed: it asks another file, so its digest stays.
    spoilt.change('s/^3\\.0$/4.0/');
    await versions(versionsControl.setTarget, { buildId: 'spoilt', requestedBy: 'test' });
    const { fault } = await eventually(async () => {
      const state = await catalogue();
      return state.fault !== null && state;
    }, 60_000);
    expect(fault).toMatchObject({
      buildId: 'spoilt',
      why: expect.stringContaining('fails its self-test') as string,
    });
    await eventually(
      async () => fleet.list().every((e) => e.buildId !== 'spoilt' && e.state === 'running'),
      60_000,
    );
    await onAir();
    await expectWhole();
    expect(await refusalFrom(versions(versionsControl.remove, 'spoilt'))).toMatchObject({ code: 'conflict' });
  } finally {
    spoilt.remove();
  }
}, 120_000);
