import { cancelled } from '@temporalio/activity';
import { temporal } from '@temporalio/proto';
import type { Dependencies } from '../../activities';
import { planningActivities } from '../../activities/cycle/planning';
import { RECORDED_AT_MOST, decide } from '../../src/cycle';
import {
  channelWithDefaults,
  type CellForecast,
  type CycleResult,
  type PlanningRecord,
  type SwarmSnapshot,
} from '../../src/domain';
import type { SerialisedRecord } from '../../src/telemetry';
import { channelOn, encoderWith, forecastOf, withTelemetry } from '../planner/swarm-fixtures';
import { FakeActivities } from './support/fake-activities';
import { Workbench, policy } from './support/workbench';

/**
 * The real planning activity under the real control cycle. What it looks at is handed in; the store of records outlives
 * every worker, as InfluxDB does.
 */
let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
}, 60_000);
afterAll(async () => bench?.close());

interface World {
  snapshot: SwarmSnapshot;
  forecast: CellForecast;
}

/**
 * `channels` on all but the last of `encoders` in turn; the forecast has those on enc-1 grow to `growth` units each,
 * which is more than it can carry.
 */
const worldOf = (channels: number, encoders: number, growth: number, atMs: number): World => {
  const snapshot = withTelemetry({
    cell: bench.cell,
    atMs,
    encoders: Array.from({ length: encoders }, (_, i) => encoderWith(`enc-${i + 1}`, { capacityUnits: 24 })),
    channels: Array.from({ length: channels }, (_, i) =>
      channelOn(channelWithDefaults(`ch-${i + 1}`), `enc-${(i % (encoders - 1)) + 1}`),
    ),
  });
  const [first = [], second = []] = [[1, 2, growth, growth, growth, growth], new Array<number>(6).fill(1)];
  const p90 = Object.fromEntries(
    snapshot.channels.map(({ spec, owner }) => [spec.id, owner?.encoderId === 'enc-1' ? first : second]),
  );
  return { snapshot, forecast: forecastOf(snapshot, p90, { forecastId: `f-${growth}`, issuedAtMs: atMs }) };
};

/** Records and forecasts by id. */
const recordStore = () => {
  const records = new Map<string, string>();
  const forecasts = new Map<string, CellForecast>();
  const put = async ({ snapshotId, text }: SerialisedRecord, forecast: CellForecast | null) => {
    records.set(snapshotId, text);
    if (forecast) forecasts.set(forecast.forecastId, forecast);
  };
  return { records, forecasts, put };
};

type Put = ReturnType<typeof recordStore>['put'];

/** A worker with a memory of its own, which sees this world. */
const workerSeeing = ({ snapshot, forecast }: World, put: Put, readVersions = async () => undefined) =>
  planningActivities({
    store: { planning: { put } },
    versions: {
      read: async () => {
        await readVersions();
        return { builds: [], targetBuildId: null, pins: {}, isRolloutRunning: false, fault: null };
      },
    },
    swarm: {
      lastRules: null,
      rules: async () => ({ policy, cordons: {}, lowDemandSinceMs: null, channelsRevision: '1' }),
      channels: async () => snapshot.channels.map(({ spec }) => spec),
    },
    telemetry: { latestForecast: async () => forecast },
    observer: {
      observe: async () => ({ snapshot, unreachable: [], lost: [], orphans: [], unregistered: [] }),
    },
  } as unknown as Dependencies);

let cycles = 0;
const startCycle = () => {
  cycles += 1;
  return bench.client.workflow.start('controlCycle', {
    workflowId: `cycle/${bench.cell}/${cycles}`,
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, cycle: cycles, lowDemandSinceMs: null }],
  });
};
const use = (worker: ReturnType<typeof planningActivities>): void =>
  bench.use(new FakeActivities().activities({ ...worker, requestMove: async () => ({ accepted: true }) }));

/** What the record says was planned, and what comes of planning again from what it names. */
const plannedAgain = ({ snapshot, forecastId }: CycleResult, store: ReturnType<typeof recordStore>) => {
  const text = store.records.get(snapshot?.snapshotId ?? '') ?? 'null';
  const record = JSON.parse(text) as PlanningRecord;
  return { text, record, ...decide(record, store.forecasts.get(forecastId ?? '') ?? null) };
};

test.each(['before it has decided', 'after it has stored the snapshot, before it could answer'])(
  'a worker lost %s: another one plans with the snapshot and forecast that the record names',
  async (when) => {
    const store = recordStore();
    const [before, after] = [worldOf(9, 3, 4, Date.now() - 5_000), worldOf(6, 2, 6, Date.now())];
    let isThere: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (isThere = resolve));
    /** Until the worker ends. */
    const hang = (): Promise<never> => {
      isThere();
      return cancelled();
    };
    // The first has seen its snapshot and forecast, and gets no further.
    if (when.startsWith('before')) {
      use(workerSeeing(before, store.put, hang));
    } else {
      const first = workerSeeing(before, store.put);
      const planCycle: typeof first.planCycle = async (request) => {
        await first.planCycle(request);
        return hang();
      };
      use({ ...first, planCycle });
    }
    const cycle = await startCycle();
    await reached;
    use(workerSeeing(after, store.put));
    await bench.restartWorker();
    const result = (await cycle.result()) as CycleResult;

    const { record, plan, fitness } = plannedAgain(result, store);
    expect(record.cycleId).toBe(cycle.workflowId);
    expect(plan).toEqual(result.plan);
    expect(fitness).toEqual(result.fitness);
    // The worlds are told apart by what is planned in them.
    const others = [before, after].map(({ snapshot, forecast }) =>
      decide({ ...record, snapshot: { ...record.snapshot, ...snapshot } }, forecast),
    );
    expect(others[0]?.plan).not.toEqual(others[1]?.plan);
    expect(others.map((other) => other.plan)).toContainEqual(result.plan);
    expect(result.forecastId).toBe(after.forecast.forecastId);
    expect(store.records.size).toBe(when.startsWith('before') ? 1 : 2);
  },
  60_000,
);

test('a store that does not answer holds up no cycle, and the record says that the snapshot may be missing', async () => {
  const world = worldOf(9, 3, 4, Date.now());
  use(workerSeeing(world, () => Promise.reject(new Error('InfluxDB is away'))));
  const { snapshot, plan } = (await (await startCycle()).result()) as CycleResult;
  expect(snapshot).toMatchObject({ stored: false });
  expect(plan.moves.length).toBeGreaterThan(0);
  use(workerSeeing(world, () => new Promise(() => undefined)));
  const startedAt = performance.now();
  expect(((await (await startCycle()).result()) as CycleResult).snapshot).toMatchObject({ stored: false });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
}, 30_000);

test('the history of a cycle at 10,000 channels stays below 200 KiB, and says what it leaves out', async () => {
  const store = recordStore();
  const world = worldOf(10_000, 1_250, 6, Date.now());
  use(workerSeeing(world, store.put));
  const cycle = await startCycle();
  const result = (await cycle.result()) as CycleResult;
  expect(result.plan.moves.length).toBeGreaterThan(0);
  expect(result.fitness).toHaveLength(RECORDED_AT_MOST.fitness);
  expect(result.omitted).toMatchObject({ fitness: 1_250 - RECORDED_AT_MOST.fitness });
  const named = new Set(result.fitness.map((f) => f.encoderId));
  for (const move of result.plan.moves) expect(named).toContain(move.toEncoderId);
  const { fitness, plan, record, text } = plannedAgain(result, store);
  expect(record.snapshot.channels).toHaveLength(10_000);
  expect(fitness).toHaveLength(1_250);
  expect(plan.moves).toEqual(result.plan.moves);

  const { events } = await cycle.fetchHistory();
  const bytes = temporal.api.history.v1.History.encode({ events: events ?? [] }).finish().length;
  expect(bytes).toBeLessThan(200 * 1_024);
  // The snapshot alone would not pass Temporal's limit of a payload.
  expect(text.length).toBeGreaterThan(2 * 2 ** 20);
}, 60_000);
