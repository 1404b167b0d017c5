import {
  emptyVersions,
  swarmControl,
  versionsControl,
  versionsWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type VersionsState,
} from '../../src/domain';
import { createLogger } from '../../src/platform/logger';
import { EndedWorkflows } from '../../src/temporal/ended-workflows';
import { carriedVersions, startVersionsRun } from '../../src/temporal/taken-up';
import { watchEntities } from '../../src/worker/entity-watch';
import { eventually } from '../support/until';
import { FakeActivities } from './support/fake-activities';
import { Workbench, moveRequest, policy } from './support/workbench';

const LOOK_MS = 50;

let bench: Workbench;
const swarm = new FakeActivities();
const stopping = new AbortController();
let watching: Promise<void>;

const versions = () => bench.client.workflow.getHandle(versionsWorkflowId(bench.cell));
const update = <T>(name: string, ...args: [unknown, unknown?]): Promise<T> =>
  bench.swarm().executeUpdate<T, [unknown, unknown?]>(name, { args });
const statusOf = async (handle: { describe(): Promise<{ status: { name: string } }> }): Promise<string> =>
  (await handle.describe()).status.name;
const runs = (handle: Parameters<typeof statusOf>[0]): Promise<boolean> =>
  eventually(async () => (await statusOf(handle)) === 'RUNNING');
const ownerOf = async (channelId: string) => swarm.ownerOf(channelId);

const addedChannel = async (): Promise<ChannelSpec> => {
  const spec = bench.spec();
  await update(swarmControl.addChannel, spec);
  await eventually(async () => (await bench.channel(spec).state()).status === 'on-air');
  return spec;
};
const watch = (): void => {
  const log = createLogger('watch');
  watching = watchEntities({
    ...{ client: bench.client, cell: bench.cell, ownerOf, signal: stopping.signal, log, lookMs: LOOK_MS },
    requireOwnCell: async () => undefined,
  });
};

beforeAll(async () => {
  bench = await Workbench.open();
  swarm.rules = () => bench.rules();
  bench.use(swarm.activities(bench.requests('http://127.0.0.1:9')));
  // An hour between cycles.
  await bench.client.workflow.start('swarm', {
    workflowId: bench.swarm().workflowId,
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
  });
}, 60_000);
afterAll(async () => {
  stopping.abort();
  await watching;
  await bench?.close();
});

test('what is being removed, runs, or is no channel of the swarm, is not taken up', async () => {
  const spec = await addedChannel();
  const takenUp = (id: string): Promise<boolean> => update(swarmControl.takeUpChannel, id);
  expect(await takenUp(spec.id)).toBe(false);
  expect(await takenUp('nobody')).toBe(false);
  await bench.channel(spec).handle.terminate('by mistake');
  let goOn = (): void => undefined;
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const asked = new Promise<void>((resolve) => {
    bench.use(
      swarm.activities({
        ...bench.requests('http://127.0.0.1:9'),
        removeChannel: async () => {
          resolve();
          await held;
        },
      }),
    );
  });
  const removed = update(swarmControl.removeChannel, spec.id);
  await asked;
  expect(await takenUp(spec.id)).toBe(false);
  goOn();
  await removed;
  expect(await takenUp(spec.id)).toBe(false);
  expect(await statusOf(bench.channel(spec).handle)).toBe('TERMINATED');
  bench.use(swarm.activities(bench.requests('http://127.0.0.1:9')));
});

test('a channel whose workflow was terminated goes on with what it had, under the owner of now', async () => {
  watch();
  const spec = await addedChannel();
  const channel = bench.channel(spec);
  await channel.move(moveRequest({ toEncoderId: 'enc-2' }));
  const before = await channel.state();
  // As where a move was under way.
  swarm.ownedBy(spec.id, 'enc-3', 'another-session', 7);
  await channel.handle.terminate('by mistake');
  await runs(channel.handle);
  expect(await channel.state()).toMatchObject({
    ...{ status: 'on-air', ownerEncoderId: 'enc-3', ownerSessionId: 'another-session', token: 7 },
    ...{ spec, rungs: before.rungs, moves: before.moves, movedAtMs: before.movedAtMs },
    lastMove: before.lastMove,
  } satisfies Partial<ChannelWorkflowState>);
  const moved = await channel.move(moveRequest({ toEncoderId: 'enc-1' }));
  expect(moved).toMatchObject({ outcome: 'completed', fromEncoderId: 'enc-3', ownerEncoderId: 'enc-1' });
  expect(moved.workflowId).not.toBe(before.lastMove?.workflowId);
});

test('the versions that were terminated go on with their catalogue, without the probes that are over', async () => {
  const known: VersionsState = {
    ...emptyVersions(bench.cell),
    ...{ pins: { 'ch-1': 'b-1' }, probeFaults: { 'b-2': 'it crashed' } },
  };
  await startVersionsRun(bench.client, bench.cell, { ...known, probing: { 'b-1': { done: 1, total: 9 } } });
  await versions().query<VersionsState>(versionsControl.state);
  const first = await versions().describe();
  await versions().terminate('by mistake');
  await runs(versions());
  expect((await versions().describe()).runId).not.toBe(first.runId);
  expect(await versions().query<VersionsState>(versionsControl.state)).toEqual(known);
  // Where no worker can be asked, as they were when the run began.
  const run = { workflowId: versionsWorkflowId(bench.cell), runId: first.runId };
  const signal = AbortSignal.timeout(60_000);
  expect(await carriedVersions(bench.client, run, { patienceMs: 0, signal })).toEqual(known);
});

test('one that was cancelled was asked to end: it stays so, and is told of', async () => {
  const [asked, other] = [await addedChannel(), await addedChannel()];
  const { handle } = bench.channel(asked);
  await handle.cancel();
  await eventually(async () => (await statusOf(handle)) === 'CANCELLED');
  await bench.channel(other).handle.terminate('by mistake');
  await runs(bench.channel(other).handle);
  expect(await statusOf(handle)).toBe('CANCELLED');
  const ended = await new EndedWorkflows(bench.cell).read(bench.client);
  expect(ended.filter(({ status }) => status === 'CANCELLED')).toEqual([
    expect.objectContaining({ kind: 'channel', channelId: asked.id, status: 'CANCELLED' }),
  ]);
  // It can be removed all the same.
  await update(swarmControl.removeChannel, asked.id);
});
