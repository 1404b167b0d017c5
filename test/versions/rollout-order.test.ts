import { createHash } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { rolloutActivities } from '../../activities/versions/rollout';
import { RECORDED_AT_MOST, decide, forRecord } from '../../src/cycle';
import { emptyVersions, rolloutPolicySchema, type CycleResult, type PlanningRecord } from '../../src/domain';
import { CycleFitness } from '../../src/observation/cycle-fitness';
import { systemClock } from '../../src/platform/clock';
import type { RolloutPlan } from '../../src/versions';
import { defaultPolicy, encoderWith, NOW_MS, withTelemetry } from '../planner/swarm-fixtures';

const ENCODERS = RECORDED_AT_MOST.fitness + 20;
const builds = ['older', 'newer'].map((id) => ({
  ...{ id, digest: id.padEnd(64, '0'), source: { kind: 'path' as const, path: `/opt/${id}` } },
  ...{ executablePath: `/opt/${id}`, ffmpegVersion: '5.1', capabilities: [], probedAtMs: 1 },
  compatibilityClass: 'c-1',
}));

/** A fleet too large for the record of a cycle; no two encoders are equally fit. */
const snapshot = withTelemetry({
  cell: 'local',
  atMs: NOW_MS,
  encoders: Array.from({ length: ENCODERS }, (_, i) =>
    encoderWith(`enc-${i + 1}`, { buildDigest: builds[0]!.digest, troubles: 0.003 * i, zone: 'a' }),
  ),
  channels: [],
});
const record: PlanningRecord = {
  ...{ cycleId: 'cycle/local/1', snapshot, forecast: null, policy: defaultPolicy },
  ...{ lowDemandSinceMs: null, target: null },
};
const text = JSON.stringify(record);
const decision = decide(record, null);

const rolloutOf = (stored: string | null): Promise<RolloutPlan> => {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const lastCycle = {
    ...{ workflowId: record.cycleId, atMs: NOW_MS, ...forRecord(decision, []) },
    snapshot: { snapshotId: 's-1', sha256, stored: true },
  };
  const planning = { record: async () => stored, forecast: async () => null };
  const { planRollout } = rolloutActivities({
    cell: 'local',
    fitness: new CycleFitness(planning, 'local', systemClock),
    swarm: {
      state: async () => ({
        policy: defaultPolicy,
        channels: [],
        cordons: {},
        lastCycle: lastCycle as Partial<CycleResult>,
      }),
    },
    encoders: { refresh: async () => undefined },
    telemetry: { refreshTroubles: async () => undefined, troublesOf: () => 0 },
    // Their troubles are over by now: nothing but fitness tells one from another.
    probe: { observe: async () => snapshot.encoders.map((e) => ({ ...e, troubles: 0 })) },
    readings: { origin: { now: async () => ({ value: [], fault: null }) } },
    versions: { read: async () => ({ ...emptyVersions('local'), builds, isRolloutRunning: false }) },
  } as never);
  const request = { buildId: 'newer', requestId: 'r-1', requestedBy: 'test' };
  return new MockActivityEnvironment().run(() =>
    planRollout({ cell: 'local', request: { ...request, policy: rolloutPolicySchema.parse({}) } }),
  );
};

/** The least fit first. */
const byFitness = [...decision.fitness].sort((a, b) => a.score - b.score).map((f) => f.encoderId);
const orderOf = ({ encoders }: RolloutPlan): string[] => encoders.map((e) => e.encoderId);

test('a rollout goes by the fitness of every encoder, also of those that the record of the cycle leaves out', async () => {
  expect(new Set(decision.fitness.map((f) => f.score)).size).toBe(ENCODERS);
  expect(orderOf(await rolloutOf(text))).toEqual(byFitness);
});

test('where the snapshot is not stored, it goes by what the record carries', async () => {
  const order = orderOf(await rolloutOf(null));
  expect([...order].sort()).toEqual([...byFitness].sort());
  const recorded = new Set(forRecord(decision, []).fitness.map((f) => f.encoderId));
  expect(order.filter((id) => recorded.has(id))).toEqual(byFitness.filter((id) => recorded.has(id)));
});
