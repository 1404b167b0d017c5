import { createHash } from 'node:crypto';
import { statusSchema, type Status } from '../../src/contracts/api';
import { RECORDED_AT_MOST, decide, forRecord, type Decision } from '../../src/cycle';
import type { PlanningRecord, SwarmSnapshot } from '../../src/domain';
import { CycleFitness } from '../../src/observation/cycle-fitness';
import { FakeSwarm } from '../api/fake-swarm';
import { ask, startFakeApi } from '../api/running-api';
import { defaultPolicy, encoderWith, withTelemetry } from '../planner/swarm-fixtures';
import { ManualClock } from '../support/manual-clock';

const ENCODERS = RECORDED_AT_MOST.fitness + 50;
/** Longer than what was read of the store is kept. */
const PAST_CACHE_MS = 2_000;

let clock: ManualClock;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let swarm: FakeSwarm;
beforeEach(async () => {
  clock = new ManualClock();
  swarm = new FakeSwarm({ clock });
  const [first] = swarm.encoders.values();
  for (let n = 1; n <= ENCODERS; n += 1) {
    const id = `enc-${n}`;
    swarm.encoders.set(id, { ...first!, id, grpcAddress: `127.0.0.1:${7_000 + n}` });
  }
  api = await startFakeApi(swarm, {}, clock);
});
afterEach(() => api.stop());

const status = async (): Promise<Status> => statusSchema.parse((await ask(`${api.url}/api/status`)).body);
const scores = async (): Promise<(number | null)[]> =>
  (await status()).encoders.map((encoder) => encoder.fitness?.score ?? null);
const unknown = (told: readonly (number | null)[]): number => told.filter((score) => score === null).length;

/** A cycle has run: each encoder has another capacity, and so another fitness. @returns what it decided */
const cycleRan = (number: number, stored: boolean): Decision => {
  const snapshot: SwarmSnapshot = withTelemetry({
    cell: 'local',
    atMs: clock.now(),
    encoders: Array.from({ length: ENCODERS }, (_, i) =>
      encoderWith(`enc-${i + 1}`, { troubles: (i + number) % 7 }),
    ),
    channels: [],
  });
  const cycleId = `cycle/local/${number}`;
  const record: PlanningRecord = {
    ...{ cycleId, snapshot, forecast: null, policy: defaultPolicy, lowDemandSinceMs: null, target: null },
  };
  const text = JSON.stringify(record);
  const snapshotId = `s-${number}`;
  if (stored) swarm.stored.set(snapshotId, text);
  const decision = decide(record, null);
  const { fitness, omitted } = forRecord(decision, []);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const snapshotReference = { snapshotId, sha256, stored };
  swarm.lastCycle = { workflowId: cycleId, atMs: snapshot.atMs, fitness, snapshot: snapshotReference };
  if (omitted) swarm.lastCycle.omitted = omitted;
  return decision;
};
const lastCycle = async () => (await swarm.ports().orchestration.swarmState()).lastCycle;
const scoresOf = ({ fitness }: Decision): number[] =>
  fitness
    .map((f) => ({ ...f, place: Number(f.encoderId.slice(4)) }))
    .sort((a, b) => a.place - b.place)
    .map((f) => f.score);

test('the status has the fitness of every encoder, also of those that the record of the cycle leaves out', async () => {
  const decision = cycleRan(1, true);
  expect(swarm.lastCycle.fitness).toHaveLength(RECORDED_AT_MOST.fitness);
  expect(await scores()).toEqual(scoresOf(decision));
  expect((await status()).missing).toEqual([]);
});

test('a snapshot is read once, and the next cycle’s then', async () => {
  cycleRan(1, true);
  await scores();
  const reads = jest.spyOn(swarm.stored, 'get');
  clock.advance(PAST_CACHE_MS);
  await scores();
  expect(reads).not.toHaveBeenCalled();
  const decision = cycleRan(2, true);
  clock.advance(PAST_CACHE_MS);
  expect(await scores()).toEqual(scoresOf(decision));
  expect(reads.mock.calls).toEqual([['s-2']]);
});

test('what was read for one cycle is not shown as the next one’s, however soon that comes', async () => {
  const fitness = new CycleFitness(swarm.ports().telemetry.planning, 'local', clock);
  for (const number of [1, 2]) {
    const decision = cycleRan(number, true);
    const { value } = await fitness.of(await lastCycle());
    expect(scoresOf({ ...decision, fitness: value ?? [] })).toEqual(scoresOf(decision));
  }
});

test('where the snapshot is not stored, or is another, the record’s part is shown, else what an earlier cycle judged', async () => {
  cycleRan(1, false);
  expect(unknown(await scores())).toBe(ENCODERS - RECORDED_AT_MOST.fitness);
  swarm.stored.set('s-1', '{}');
  clock.advance(PAST_CACHE_MS);
  expect(unknown(await scores())).toBe(ENCODERS - RECORDED_AT_MOST.fitness);

  cycleRan(2, true);
  clock.advance(PAST_CACHE_MS);
  expect(unknown(await scores())).toBe(0);
  const { fitness } = cycleRan(3, false);
  clock.advance(PAST_CACHE_MS);
  const told = await status();
  for (const recorded of swarm.lastCycle.fitness ?? []) {
    const { score } = fitness.find((f) => f.encoderId === recorded.encoderId)!;
    expect(told.encoders.find((e) => e.id === recorded.encoderId)?.fitness?.score).toBe(score);
  }
  expect(unknown(told.encoders.map((e) => e.fitness?.score ?? null))).toBe(0);
});

test('a store that is away is named, and hides no fitness that the record carries', async () => {
  cycleRan(1, true);
  swarm.silent.add('influxdb');
  const told = await status();
  expect(told.missing).toEqual([expect.objectContaining({ part: 'influxdb' })]);
  expect(told.encoders.filter((e) => e.fitness)).toHaveLength(RECORDED_AT_MOST.fitness);
});
