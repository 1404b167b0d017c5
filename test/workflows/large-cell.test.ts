import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  policySchema,
  swarmControl,
  swarmWorkflowId,
  type ChannelPage,
  type ChannelSpec,
  type SwarmProgress,
  type SwarmWorkflowInput,
} from '../../src/domain';
import { SwarmView, swarmQueryOf } from '../../src/observation/swarm-view';
import { ChannelList } from '../../workflows/cycle/channel-list';
import { eventually } from '../support/until';
import { FakeActivities } from './support/fake-activities';
import { manyChannels } from './support/many-channels';
import { replaySaved } from './support/replay-saved';
import { bundleWorkflows } from './support/temporal';
import { Workbench } from './support/workbench';

/** A cell of 10,000 channels: nothing of it that passes through Temporal comes near the limit of a payload. */
const CHANNELS = 10_000;
const PAYLOAD_LIMIT_BYTES = 2 * 1024 * 1024;
const PAGE_LIMIT_BYTES = 513 * 1024;

let bench: Workbench;
let origin: Server;
let channels: ChannelSpec[];
const fake = new FakeActivities();
const workflowId = (): string => swarmWorkflowId(bench.cell);
const runId = async (): Promise<string> => (await bench.swarm().describe()).runId;
/** A worker's own view, with nothing read yet. */
const view = (): SwarmView =>
  new SwarmView(
    bench.cell,
    swarmQueryOf(bench.cell, () => bench.client),
  );
/** Patient: a worker that is new, on a busy machine, may replay for longer than a decision waits. */
const channelsNow = async (): Promise<ChannelSpec[]> => {
  let read: ChannelSpec[] = [];
  await eventually(async () => {
    const present = await view()
      .present()
      .catch(() => null);
    read = present?.channels ?? [];
    return present !== null;
  });
  return read;
};
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Bytes that a run was started with. */
const inputBytes = async (run: string): Promise<number> => {
  const { events } = await bench.client.workflow.getHandle(workflowId(), run).fetchHistory();
  const { input } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  return (input?.payloads ?? []).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
};

/** Cycles are run until the swarm has begun a new run. @returns the run before, and this one */
const untilNextRun = async (): Promise<[string, string]> => {
  const before = await runId();
  await eventually(async () => {
    await bench.swarm().signal(swarmControl.wake);
    return (await runId()) !== before;
  });
  return [before, await runId()];
};

beforeAll(async () => {
  origin = createServer((_req, res) => res.end('[]'));
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  bench = await Workbench.open({ suggestContinueAsNewAtEvents: 40 });
  fake.rules = () => bench.rules();
  bench.use(fake.activities(bench.requests(`http://127.0.0.1:${(origin.address() as AddressInfo).port}`)));
  channels = manyChannels(CHANNELS);
  const carried = new ChannelList({ channels }).carried();
  if (!('packed' in carried)) throw new Error('10,000 channels are carried as they are.');
  const state = { cell: bench.cell, cycle: 7, cordons: {}, lowDemandSinceMs: null, lastCycle: null };
  const policy = policySchema.parse({});
  const input: SwarmWorkflowInput = {
    ...{ cell: bench.cell, cycleSeconds: 3_600, policy },
    carried: { ...state, policy },
  };
  await bench.client.workflow.start('swarm', {
    workflowId: workflowId(),
    taskQueue: bench.taskQueue,
    args: [input, carried.packed],
  });
}, 120_000);
afterAll(async () => {
  await bench?.close();
  origin?.close();
});

test('its channels are read by pages, each far below the limit', async () => {
  expect(await channelsNow()).toEqual(channels);
  const page = await bench.swarm().query<ChannelPage, [object]>(swarmControl.channels, {
    from: 0,
    limit: CHANNELS,
  });
  const rules = await bench.rules();
  const progress = await bench.swarm().query<SwarmProgress>(swarmControl.progress);
  const sizes = { page: bytesOf(page), rules: bytesOf(rules), progress: bytesOf(progress) };
  console.log(JSON.stringify({ answersBytes: sizes, allChannelsBytes: bytesOf(channels) }));
  expect(page.total).toBe(CHANNELS);
  expect(Math.max(...Object.values(sizes))).toBeLessThan(PAGE_LIMIT_BYTES);
});

test('the one answer with all channels is refused with what to ask instead, not cut', async () => {
  await expect(bench.swarm().query(swarmControl.state)).rejects.toThrow(/too many for one answer: ask for/);
});

test('a new run has every channel of the one before, also one just added, and carries less than a quarter', async () => {
  const spec = bench.spec();
  await bench.swarm().executeUpdate<void, [ChannelSpec]>(swarmControl.addChannel, { args: [spec] });
  const [before, after] = await untilNextRun();
  expect(await channelsNow()).toEqual([...channels, spec]);
  const bytes = await inputBytes(after);
  console.log(JSON.stringify({ channels: CHANNELS + 1, continueAsNewBytes: bytes }));
  expect(bytes).toBeLessThan(PAYLOAD_LIMIT_BYTES / 4);

  // What a new worker does: it has nothing in memory, and replays.
  await bench.restartWorker();
  expect(await channelsNow()).toHaveLength(CHANNELS + 1);
  const workflowBundle = await bundleWorkflows();
  for (const run of [before, after]) {
    const history = await bench.client.workflow.getHandle(workflowId(), run).fetchHistory();
    await replaySaved(workflowBundle, {
      name: run,
      workflowId: workflowId(),
      workflowType: 'swarm',
      history,
    });
  }

  await bench.swarm().executeUpdate<void, [string]>(swarmControl.removeChannel, { args: [spec.id] });
  await untilNextRun();
  expect(await channelsNow()).toEqual(channels);
}, 120_000);

test('a cycle runs as in a small cell, and its record is in the answers', async () => {
  const result = await bench.nextCycle();
  await eventually(async () => {
    const { lastCycle } = await bench.swarm().query<SwarmProgress>(swarmControl.progress);
    return lastCycle?.workflowId === result.workflowId;
  });
}, 60_000);

test('a channel too many is refused, and changes nothing', async () => {
  const before = await channelsNow();
  // As long as all that a run can carry: quicker than to fill the list.
  const refused = bench.swarm().executeUpdate<void, [ChannelSpec]>(swarmControl.addChannel, {
    args: [{ ...manyChannels(1, 2_000 * 1024)[0]!, id: 'too-much' }],
  });
  await expect(refused).rejects.toMatchObject({ cause: { type: 'at-capacity-limit' } });
  expect(await channelsNow()).toEqual(before);
});
