import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { channelWithDefaults, channelWorkflowId, type ChannelSpec } from '../../src/domain';
import { createLogger } from '../../src/platform/logger';
import { readDeployment, setCurrentBuild, wakeEntities } from '../../src/temporal/deployments';
import { becomeFirst, versionedOptions } from '../../src/worker/deployment';
import { workerTuning } from '../../src/worker/worker';
import { until, untilAnswer } from '../support/until';
import { FakeActivities } from './support/fake-activities';
import { bundleWorkflows, startTemporal } from './support/temporal';
import { ChannelHandle, context, moveRequest } from './support/workbench';
import { runUntilShutdown } from './support/worker-run';

/** Two builds of the workers at once, on a real server: both have the same code, and say which of them acts. */
const NAME = 'cell-one';
const taskQueue = 'deployed';
const namespace = 'default';
const plainWorkflows = { workflowsPath: require.resolve('../../workflows/index.ts') };

let temporal: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let deployed: Partial<WorkerOptions>;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  temporal = await startTemporal();
  deployed = await versionedOptions(
    { deploymentName: NAME, buildId: 'any' },
    temporal.nativeConnection,
    plainWorkflows,
  );
  bundle = await bundleWorkflows(deployed.workflowsPath);
}, 120_000);
afterAll(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
  await temporal?.teardown();
});

/** A swarm in which every activity notes the build of the worker that runs it, before it does anything. */
const swarm = new FakeActivities();
const acted: string[] = [];
let beforeActivity: (name: string, build: string) => Promise<void> = async () => undefined;

/** @param build null: a worker without a deployment */
const startWorker = async (build: string | null): Promise<() => Promise<void>> => {
  const plain = swarm.activities() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const named = (name: string): ((...args: unknown[]) => Promise<unknown>) => {
    const activity = plain[name]!;
    return async (...args) => {
      acted.push(`${build ?? 'unversioned'} ${name}`);
      await beforeActivity(name, build ?? 'unversioned');
      return activity(...args);
    };
  };
  const worker = await Worker.create({
    ...{ connection: temporal.nativeConnection, namespace, taskQueue, workflowBundle: bundle },
    identity: build ?? 'unversioned',
    activities: Object.fromEntries(Object.keys(plain).map((name) => [name, named(name)])),
    ...workerTuning,
    ...(build && {
      workerDeploymentOptions: {
        version: { deploymentName: NAME, buildId: build },
        ...{ useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
      },
    }),
    ...(!build && { workflowBundle: await bundleWorkflows() }),
    ...{ shutdownGraceTime: '100 milliseconds', shutdownForceTime: '2 seconds' },
  });
  const ended = runUntilShutdown(worker);
  const end = async (): Promise<void> => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await ended;
  };
  ends.push(end);
  return end;
};

const service = () => temporal.client.workflowService;
const deployment = () => readDeployment(service(), namespace, NAME);

const isKnown = (build: string): Promise<void> =>
  until(`${build} is known`, async () => !!(await deployment())?.builds.some((b) => b.buildId === build));

/** The build that a run was worked on last; empty where it was none. */
const buildOf = async (workflowId: string, runId?: string): Promise<string> => {
  const { raw } = await temporal.client.workflow.getHandle(workflowId, runId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? '';
};

const runOf = async (workflowId: string): Promise<string> =>
  (await temporal.client.workflow.getHandle(workflowId).describe()).runId;

const startChannel = async (spec: ChannelSpec): Promise<ChannelHandle> => {
  swarm.ownedBy(spec.id, 'enc-1');
  const handle = await temporal.client.workflow.start('channel', {
    workflowId: channelWorkflowId(spec.id),
    taskQueue,
    args: [
      {
        ...{ cell: 'deployed', spec, context },
        carried: {
          ...{ spec, status: 'on-air', ownerEncoderId: 'enc-1', ownerSessionId: `${spec.id}-old`, token: 1 },
          ...{ rungs: 1, moves: 0, movedAtMs: null, lastMove: null, detail: '' },
        },
      },
    ],
  });
  return new ChannelHandle(handle);
};

const spec = channelWithDefaults('deployed-1');
const id = channelWorkflowId(spec.id);

test('runs begun without a deployment go on on its first build, which becomes the current one by itself', async () => {
  const endUnversioned = await startWorker(null);
  const channel = await startChannel(spec);
  expect(await channel.move(moveRequest())).toMatchObject({ outcome: 'completed' });
  expect(new Set(acted.splice(0).map((line) => line.split(' ')[0]))).toEqual(new Set(['unversioned']));
  expect(await buildOf(id)).toBe('');
  expect(await deployment()).toBeNull();

  await startWorker('one');
  await becomeFirst({
    version: { deploymentName: NAME, buildId: 'one' },
    ...{ service: service(), namespace, log: createLogger('test') },
    signal: AbortSignal.timeout(20_000),
  });
  expect(await deployment()).toMatchObject({ currentBuildId: 'one', isNew: false });
  await endUnversioned();
  expect(await channel.move(moveRequest())).toMatchObject({ outcome: 'completed' });
  expect(new Set(acted.splice(0).map((line) => line.split(' ')[0]))).toEqual(new Set(['one']));
  expect(await buildOf(id)).toBe('one');
  expect(await buildOf(`handoff/${spec.id}/2`)).toBe('one');
}, 60_000);

test('a handoff ends on the build that it began on; the next one, and the channel, are on the new build', async () => {
  const channel = new ChannelHandle(temporal.client.workflow.getHandle(id));
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  beforeActivity = async (name) => {
    if (name === 'prepareTarget') await released;
  };
  const moving = channel.move(moveRequest());
  await until('the handoff prepares its target', () => acted.includes('one prepareTarget'));

  await startWorker('two');
  await isKnown('two');
  // A build that comes later waits for somebody to say so.
  const two = { version: { deploymentName: NAME, buildId: 'two' }, service: service(), namespace };
  await becomeFirst({ ...two, log: createLogger('test'), signal: AbortSignal.timeout(20_000) });
  expect(await deployment()).toMatchObject({ currentBuildId: 'one' });
  await setCurrentBuild(service(), namespace, NAME, 'two');
  expect(await deployment()).toMatchObject({ currentBuildId: 'two' });
  const before = acted.length;
  release();
  expect(await moving).toMatchObject({ outcome: 'completed' });
  beforeActivity = async () => undefined;
  const saga = acted.slice(before).filter((line) => !line.includes('recordMove'));
  expect(saga.length).toBeGreaterThan(2);
  expect(new Set(saga.map((line) => line.split(' ')[0]))).toEqual(new Set(['one']));
  expect(await buildOf(`handoff/${spec.id}/3`)).toBe('one');

  acted.length = 0;
  const firstRun = await runOf(id);
  expect(await channel.move(moveRequest())).toMatchObject({ outcome: 'completed' });
  expect(new Set(acted.map((line) => line.split(' ')[0]))).toEqual(new Set(['two']));
  expect(await buildOf(`handoff/${spec.id}/4`)).toBe('two');

  // Eight moves are a run of a channel.
  for (let move = 5; move <= 8; move += 1) await channel.move(moveRequest());
  await untilAnswer(
    'the next run',
    () => runOf(id),
    (runId) => runId !== firstRun,
  );
  expect(await channel.move(moveRequest())).toMatchObject({ outcome: 'completed' });
  expect(await buildOf(id)).toBe('two');
  const state = await channel.state();
  expect(state.moves).toBe(9);
}, 60_000);

test('a build that is not there can not become the current one; entities are asked to go over', async () => {
  await expect(setCurrentBuild(service(), namespace, NAME, 'three')).rejects.toMatchObject({
    code: expect.stringMatching(/^(not-found|conflict)$/),
  });
  expect(await deployment()).toMatchObject({ currentBuildId: 'two' });
  expect(await wakeEntities(temporal.client, 'no-such-cell')).toBe(0);
  await setCurrentBuild(service(), namespace, NAME, null);
  expect(await deployment()).toMatchObject({ currentBuildId: null, isNew: false });
});
