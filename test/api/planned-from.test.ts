import { createHash } from 'node:crypto';
import { plannedFrom } from '../../src/api/planned-from';
import { decide, forRecord } from '../../src/cycle';
import { SwarmError, type CycleResult, type PlanningRecord } from '../../src/domain';
import { PLANNING_RECORDS_KEPT_MS } from '../../src/telemetry';
import { defaultPolicy, defaultSwarm, forecastOf } from '../planner/swarm-fixtures';

const snapshot = defaultSwarm();
const { atMs } = snapshot;
const forecast = forecastOf(snapshot, { 'ch-1': [1, 4, 4, 4, 4, 4], 'ch-4': [1, 2, 2, 2, 2, 2] });
const record: PlanningRecord = {
  cycleId: 'cycle/local/7',
  snapshot,
  forecast: { forecastId: forecast.forecastId, issuedAtMs: forecast.issuedAtMs },
  policy: defaultPolicy,
  lowDemandSinceMs: null,
  target: null,
};
const serialised = JSON.stringify(record);
const sha256 = createHash('sha256').update(serialised).digest('hex');
const cycle: CycleResult = {
  ...forRecord(decide(record, forecast), []),
  ...{ workflowId: record.cycleId, atMs, forecastId: forecast.forecastId, forecastModel: forecast.model },
  snapshot: { snapshotId: 's-1', sha256, stored: true },
  acted: [],
};

const told = (
  over: { stored?: string | null; planned?: CycleResult; ageMs?: number; forecastGone?: boolean } = {},
): Promise<string[]> => {
  const { stored = serialised, planned = cycle, ageMs = 1_000, forecastGone = false } = over;
  const records = {
    record: async (options: { snapshotId: string; atMs: number }) =>
      options.snapshotId === 's-1' && options.atMs === atMs ? stored : null,
    forecast: async ({ forecastId }: { forecastId: string }) =>
      !forecastGone && forecastId === forecast.forecastId ? forecast : null,
  };
  return plannedFrom(records, { cell: 'local', cycle: planned, nowMs: atMs + ageMs });
};

test('a past cycle is planned again from its snapshot, and comes to the same plan', async () => {
  expect(cycle.plan.moves.length).toBeGreaterThan(0);
  expect(await told()).toEqual([
    `snapshot s-1: 6 channels on 3 encoders at ${new Date(atMs).toISOString()}`,
    'planned again from it: the same plan',
  ]);
});

test('a plan that does not come of the snapshot is told', async () => {
  const planned = { ...cycle, plan: { ...cycle.plan, moves: [] } };
  expect((await told({ planned }))[1]).toMatch(/^planned again from it by this version: another plan/);
  expect((await told({ stored: `${serialised} ` }))[0]).toContain('SHA-256 differs');
});

test('without its forecast a cycle is not planned again', async () => {
  expect((await told({ forecastGone: true }))[1]).toBe(
    `forecast ${forecast.forecastId} is gone: it can't be planned again`,
  );
});

test('a snapshot that is gone: expired, never stored, or lost', async () => {
  const gone = { stored: null };
  expect(await told({ ...gone, ageMs: PLANNING_RECORDS_KEPT_MS + 1 })).toEqual([
    'snapshot s-1 has expired: snapshots are kept for 24 h',
  ]);
  const planned = { ...cycle, snapshot: { snapshotId: 's-1', sha256, stored: false } };
  expect((await told({ ...gone, planned }))[0]).toContain('was not stored');
  expect((await told(gone))[0]).toContain('not in the telemetry store any more');
});

test('what the record leaves out is counted, and a cycle of an older version has nothing to say', async () => {
  expect(await told({ planned: { ...cycle, omitted: { fitness: 12 } } })).toContain(
    '12 more in fitness, left out of this record',
  );
  const { snapshot: _none, ...older } = cycle;
  expect(await told({ planned: older })).toEqual([]);
});

test('a store that is away is reported as such', async () => {
  const away = async (): Promise<never> => {
    throw new SwarmError('unavailable', 'InfluxDB is away.');
  };
  const records = { record: away, forecast: away };
  expect(await plannedFrom(records, { cell: 'local', cycle, nowMs: atMs })).toEqual([
    "snapshot s-1: the telemetry store can't be asked, InfluxDB is away.",
  ]);
});
