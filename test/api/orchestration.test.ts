import { existsSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker';
import { TemporalOrchestration } from '../../src/api/orchestration';
import { searchAttributeNames, type MoveRequest, type SwarmError } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { TemporalCalls } from '../../src/temporal/calls';
import { untilAnswer } from '../support/until';
import { runUntilShutdown } from '../workflows/support/worker-run';
import { moveResult } from './move-result';

const path = process.env.TEMPORAL_CLI ?? join(homedir(), '.cache/encoder-swarm/bin/temporal');
const attributeKeys = Object.fromEntries(
  Object.entries(searchAttributeNames).map(([name, attribute]) => [
    name,
    defineSearchAttributeKey(attribute, 'KEYWORD'),
  ]),
) as Record<keyof typeof searchAttributeNames, ReturnType<typeof defineSearchAttributeKey<'KEYWORD'>>>;

let temporal: TestWorkflowEnvironment;
let bundle: WorkflowBundle;
let worker: Worker;
let working: Promise<void>;
let orchestration: TemporalOrchestration;
let connections = 0;
const taskQueue = 'stand-in';

const startWorker = async (): Promise<void> => {
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue,
    workflowBundle: bundle,
    activities: {
      prepareTarget: async () => 'ready',
      chooseTarget: async () => 'enc-2',
      breakDown: async () => {
        throw new Error('the encoder fell over');
      },
    },
  });
  working = runUntilShutdown(worker);
};

beforeAll(async () => {
  if (!existsSync(path)) throw new Error(`These tests need Temporal's CLI at ${path}, or TEMPORAL_CLI.`);
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger });
  temporal = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path }, searchAttributes: Object.values(attributeKeys) },
  });
  bundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./stand-in-workflows'), logger });
  await startWorker();
  orchestration = new TemporalOrchestration({
    cell: 'local',
    namespace: 'default',
    uiUrl: 'http://ui',
    calls: new TemporalCalls(async () => {
      connections += 1;
      return { client: temporal.client, close: async () => {} };
    }),
  });
  const { workflow } = temporal.client;
  await workflow.start('swarm', { workflowId: 'swarm/local', taskQueue });
  await workflow.start('channel', {
    workflowId: 'channel/ch-1',
    taskQueue,
    args: [
      {
        spec: channelWithDefaults('ch-1'),
        status: 'on-air',
        ownerEncoderId: 'enc-1',
        token: 3,
        rungs: 1,
        moves: 2,
      },
    ],
  });
  const refused = (code: string): object => ({ outcome: 'refused', failure: { code, message: 'It was.' } });
  const moves: Record<string, { fail?: true; hang?: true; result?: object }> = {
    'handoff/ch-1/1': {},
    'handoff/ch-1/2': { fail: true },
    // Another one had seen the same loss.
    'recovery/ch-1/3': { result: refused('conflict') },
    'recovery/ch-1/4': { result: refused('no-target') },
    'handoff/ch-1/5': { hang: true },
  };
  for (const [workflowId, { result, ...change }] of Object.entries(moves)) {
    const done = moveResult('ch-1', 'enc-1', 'enc-2', 4, { reason: 'operator' });
    const handle = await workflow.start(workflowId.startsWith('handoff') ? 'handoff' : 'recovery', {
      workflowId,
      taskQueue,
      args: [{ result: { ...done, workflowId, ...result }, ...change }],
      typedSearchAttributes: [
        { key: attributeKeys.cell, value: 'local' },
        { key: attributeKeys.channel, value: 'ch-1' },
        { key: attributeKeys.encoder, value: 'enc-2' },
        { key: attributeKeys.reason, value: 'operator' },
      ],
    });
    if (!('hang' in change)) await handle.result().catch(() => undefined);
  }
}, 120_000);

afterAll(async () => {
  if (worker?.getState() === 'RUNNING') worker.shutdown();
  await working;
  await temporal?.teardown();
});

const request = (change: Partial<MoveRequest>): MoveRequest => ({
  ...{ requestId: 'r1', reason: 'operator', requestedBy: 'test', requestedAtMs: Date.now() },
  ...change,
});

test('lists moves: the one under way first, ended ones with their result, failed ones with their cause', async () => {
  const moves = await untilAnswer(
    'four moves, one under way',
    () => orchestration.moves({ limit: 10 }),
    (m) => m.length === 4 && m.filter((one) => one.outcome === 'running').length === 1,
  );
  expect(moves[0]).toMatchObject({
    workflowId: 'handoff/ch-1/5',
    outcome: 'running',
    channelId: 'ch-1',
    toEncoderId: 'enc-2',
    reason: 'operator',
  });
  const ended = moves.find((m) => m.workflowId === 'handoff/ch-1/1')!;
  expect(ended).toMatchObject({ outcome: 'completed', fromEncoderId: 'enc-1', requestToCommitMs: 182 });
  expect(ended.url).toBe(`http://ui/namespaces/default/workflows/handoff%2Fch-1%2F1/${ended.runId}/history`);
  expect(moves.find((m) => m.workflowId === 'handoff/ch-1/2')).toMatchObject({ outcome: 'failed' });
  // One that found another owner is no move; one that found no encoder is.
  expect(moves.map((m) => m.workflowId)).not.toContain('recovery/ch-1/3');
  expect(moves.find((m) => m.workflowId === 'recovery/ch-1/4')).toMatchObject({ outcome: 'refused' });
  expect(await orchestration.moves({ limit: 10, channelId: 'ch-2' })).toEqual([]);
  expect(connections).toBe(1);
});

test('reads a run: local and remote activities, attempts, failure', async () => {
  const done = await orchestration.run('handoff/ch-1/1');
  expect(done).toMatchObject({ type: 'handoff', status: 'COMPLETED', failure: null });
  expect(done.result).toMatchObject({ outcome: 'completed' });
  expect(done.steps).toEqual([
    expect.objectContaining({ name: 'chooseTarget', ok: true, attempts: 1 }),
    expect.objectContaining({ name: 'enc-2 encodes along, and holds', ok: true, attempts: 1 }),
  ]);
  for (const step of done.steps) {
    expect(step.finishedAtMs).toBeGreaterThanOrEqual(step.startedAtMs);
    expect(Math.abs(step.startedAtMs - done.startedAtMs)).toBeLessThan(30_000);
  }
  const failed = await orchestration.run('handoff/ch-1/2');
  expect(failed.status).toBe('FAILED');
  expect(failed.steps.at(-1)).toMatchObject({
    name: 'breakDown',
    ok: false,
    attempts: 2,
    note: 'the encoder fell over',
  });
  expect(failed.failure).toContain('the encoder fell over');
});

test('a refusal of a workflow keeps code, message, hint and details', async () => {
  await expect(orchestration.move('ch-1', request({ toEncoderId: 'enc-3' }))).rejects.toMatchObject({
    code: 'encoder-cordoned',
    message: 'enc-3 is cordoned.',
    hint: 'Uncordon it.',
  });
  await expect(orchestration.move('ch-1', request({ requestId: 'late' }))).rejects.toMatchObject({
    code: 'session-failed',
    details: { outcome: 'compensated' },
  });
  await expect(orchestration.setCordon('enc-9', 'cordon')).rejects.toMatchObject({ code: 'unknown-encoder' });
});

test('the same request id twice is one request', async () => {
  expect(await orchestration.move('ch-1', request({ requestId: 'once' }))).toBe('once');
  expect(await orchestration.move('ch-1', request({ requestId: 'once', toEncoderId: 'enc-3' }))).toBe('once');
});

test('what is not there: channel, workflow, swarm', async () => {
  await expect(orchestration.move('ch-9', request({}))).rejects.toMatchObject({ code: 'unknown-channel' });
  await expect(orchestration.channelState('ch-9')).rejects.toMatchObject({ code: 'unknown-channel' });
  await expect(orchestration.run('handoff/ch-9/1')).rejects.toMatchObject({ code: 'not-found' });
  const elsewhere = new TemporalOrchestration({
    ...{ cell: 'mars', namespace: 'default', uiUrl: 'http://ui' },
    calls: new TemporalCalls(async () => ({ client: temporal.client, close: async () => {} })),
  });
  await expect(elsewhere.swarmState()).rejects.toMatchObject({
    code: 'unavailable',
    hint: expect.any(String),
  });
});

test('without a worker: reads of workflow state refuse in time, history is still told', async () => {
  worker.shutdown();
  await working;
  const startedAtMs = Date.now();
  const refusal = (await orchestration.channelState('ch-1').catch((error: unknown) => error)) as SwarmError;
  expect([refusal.code, refusal.message]).toEqual([
    expect.stringMatching('timeout|unavailable'),
    expect.stringContaining('.'),
  ]);
  expect(Date.now() - startedAtMs).toBeLessThan(8_000);
  expect((await orchestration.run('handoff/ch-1/1')).status).toBe('COMPLETED');
  await startWorker();
});

test('a server that accepts and never answers: commands are refused in seconds, not minutes', async () => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
  const frozen = new TemporalOrchestration({
    ...{ cell: 'local', namespace: 'default', uiUrl: 'http://ui' },
    calls: new TemporalCalls(async () => ({
      client: new Client({ connection }),
      close: () => connection.close(),
    })),
  });
  const startedAtMs = Date.now();
  await expect(frozen.setCordon('enc-1', 'cordon')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(frozen.move('ch-1', request({}))).rejects.toMatchObject({ code: 'unavailable' });
  expect(Date.now() - startedAtMs).toBeLessThan(10_000);
  await frozen.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});

test('without a server: unavailable at once, tried again later', async () => {
  let tries = 0;
  const down = new TemporalOrchestration({
    ...{ cell: 'local', namespace: 'default', uiUrl: 'http://ui' },
    calls: new TemporalCalls(async () => {
      tries += 1;
      throw new Error('connection refused');
    }),
  });
  for (let n = 0; n < 5; n += 1) {
    await expect(down.swarmState()).rejects.toMatchObject({
      code: 'unavailable',
      message: "Temporal can't be reached: connection refused.",
    });
  }
  expect(tries).toBe(1);
});
