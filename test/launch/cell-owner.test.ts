import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { readEnvironment } from '../../src/config/config';
import { defaultChannel, emptyVersions, swarmWorkflowId, versionsWorkflowId } from '../../src/domain';
import { startSwarm } from '../../src/launch/swarm';
import { installationId } from '../../src/platform/installation-id';
import { StepReporter } from '../../src/setup';
import { requireOwnCell, requireOwnChannel } from '../../src/temporal/cell-owner';
import { ensureSwarm } from '../../src/temporal/client';
import { argumentsOfRun } from '../../src/temporal/ended-run';
import { carryOn, cellAttribute, readSwarmEnd } from '../../src/temporal/swarm-run';
import { startVersionsRun } from '../../src/temporal/taken-up';
import { isToRun } from '../../src/worker/swarm-watch';
import { claimPortBase } from '../support/ports';
import { startTemporal } from '../workflows/support/temporal';

let temporal: TestWorkflowEnvironment;
let folder: string;
const environment = readEnvironment({});
const owner = { installationId: '7f1d1c64-3f5b-4f0e-8f0e-3a6c0f7f2a11', stateDir: '/srv/first/.swarm' };
const other = { ...owner, installationId: '0e6a3c39-5a0b-4a9e-9a3f-2f0f1f1c9d22' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-owner-'));
  temporal = await startTemporal();
}, 60_000);
afterAll(async () => {
  await temporal?.teardown();
  await rm(folder, { recursive: true, force: true });
});

test('a state folder keeps its id', async () => {
  const stateDir = join(folder, 'kept');
  const id = await installationId(stateDir);
  expect(await installationId(stateDir)).toBe(id);
  expect(JSON.parse(await readFile(join(stateDir, 'installation.json'), 'utf8'))).toEqual({ id });
});

test('a cell belongs to the swarm that began it; another one is refused, and starts nothing', async () => {
  await ensureSwarm(temporal.client, environment, { owner });
  await ensureSwarm(temporal.client, environment, { owner });
  await requireOwnCell(temporal.client, 'another-cell', other);
  const refusal = {
    code: 'conflict',
    message: expect.stringMatching(/^Cell local .* belongs to another swarm, .*\/srv\/first\/\.swarm/),
    hint: expect.stringContaining('SWARM_CELL'),
  };
  await expect(requireOwnCell(temporal.client, 'local', other)).rejects.toMatchObject(refusal);
  await expect(ensureSwarm(temporal.client, environment, { owner: other })).rejects.toMatchObject(refusal);
  const events: unknown[] = [];
  const second = startSwarm({
    stateDir: join(folder, 'second'),
    portBase: await claimPortBase(),
    env: { ...process.env, TEMPORAL_ADDRESS: temporal.address },
    encoders: [{ id: 'enc-1', zone: 'a' }],
    encoderCapacityUnits: 6,
    channels: [],
    reporter: new StepReporter({ write: () => true }),
    onEvent: (event) => events.push(event),
  });
  await expect(second).rejects.toMatchObject(refusal);
  expect(events).toEqual([]);
  const queue = await temporal.client.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: 'encoder-swarm-local' },
    taskQueueType: 1,
  });
  expect(queue.pollers ?? []).toEqual([]);
});

test('a channel of another cell is not taken for an own one: its name is refused, and nothing asked of it', async () => {
  const { client } = temporal;
  const theirs = await client.workflow.start('channel', {
    workflowId: 'channel/ch-1',
    taskQueue: 'of-their-worker',
    typedSearchAttributes: cellAttribute('theirs'),
  });
  const inCell = { ...environment, SWARM_CELL: 'ours' };
  await expect(
    ensureSwarm(client, inCell, { owner, channels: [defaultChannel('ch-1')] }),
  ).rejects.toMatchObject({
    code: 'channel-exists',
    message: 'There is a channel ch-1 already, in cell theirs of the same Temporal namespace.',
    hint: expect.stringContaining('TEMPORAL_NAMESPACE'),
  });
  await requireOwnChannel(client, 'theirs', 'ch-1');
  await requireOwnChannel(client, 'ours', 'ch-2');
  await theirs.terminate('it is over');
  await requireOwnChannel(client, 'ours', 'ch-1');
});

test('the versions that ended go on at a start, with their catalogue', async () => {
  const { client } = temporal;
  const inCell = { ...environment, SWARM_CELL: 'versions-ended' };
  const known = { ...emptyVersions('versions-ended'), pins: { 'ch-1': 'b-1' } };
  await startVersionsRun(client, 'versions-ended', known);
  const versions = client.workflow.getHandle(versionsWorkflowId('versions-ended'));
  const first = await versions.describe();
  await versions.terminate('by mistake');
  // No worker can be asked here: they are as they were when that run began.
  await ensureSwarm(client, inCell, { owner, patienceMs: 0 });
  const { runId, status } = await versions.describe();
  expect(status.name).toBe('RUNNING');
  expect(runId).not.toBe(first.runId);
  const [input] = await argumentsOfRun(client, { workflowId: versions.workflowId, runId });
  expect(input).toEqual({ cell: 'versions-ended', carried: known });
});

test('a swarm that an earlier release began has no owner, and is taken up', async () => {
  await ensureSwarm(temporal.client, { ...environment, SWARM_CELL: 'old' });
  await requireOwnCell(temporal.client, 'old', other);
});

test('a swarm that was terminated goes on as it was for its owner, and begins anew for another one', async () => {
  const cell = 'ended';
  const inCell = { ...environment, SWARM_CELL: cell };
  const { client } = temporal;
  const swarm = client.workflow.getHandle(swarmWorkflowId(cell));
  expect(await readSwarmEnd(client, cell)).toBeNull();
  await ensureSwarm(client, inCell, { owner, cycleSeconds: 7, policy: { minEncoders: 2 } });
  expect(await readSwarmEnd(client, cell)).toBeNull();
  await swarm.terminate('by mistake');
  const end = (await readSwarmEnd(client, cell))!;
  expect(end).toMatchObject({ status: 'TERMINATED', memo: { installationId: owner.installationId } });
  // No worker can be asked here: it is as it was when it began.
  expect(await carryOn(client, cell, end, { patienceMs: 0 })).toMatchObject({
    input: { cell, cycleSeconds: 7, policy: { minEncoders: 2 } },
    memo: { installationId: owner.installationId },
  });

  expect(isToRun(end, owner.installationId)).toBe(true);
  expect(isToRun({ ...end, status: 'FAILED' }, owner.installationId)).toBe(true);
  expect(isToRun({ ...end, memo: {} }, null)).toBe(true);
  // As ensureSwarm without an owner, which would go on with it.
  expect(isToRun(end, null)).toBe(true);
  expect(isToRun(end, other.installationId)).toBe(false);
  expect(isToRun({ ...end, status: 'CANCELLED' }, owner.installationId)).toBe(false);

  await ensureSwarm(client, inCell, { owner: other, cycleSeconds: 9 });
  expect((await swarm.describe()).memo).toMatchObject({ installationId: other.installationId });
  await swarm.terminate('by mistake');
  const next = (await readSwarmEnd(client, cell))!;
  const { input } = await carryOn(client, cell, next, { patienceMs: 0 });
  expect(input).toMatchObject({ cycleSeconds: 9, policy: { minEncoders: 3 } });
});
