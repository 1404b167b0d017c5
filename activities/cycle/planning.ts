import { createHash } from 'node:crypto';
import { decide, forRecord } from '../../src/cycle';
import {
  SwarmError,
  policySchema,
  type CellForecast,
  type PlanningRecord,
  type Policy,
  type SnapshotReference,
  type SwarmSnapshot,
} from '../../src/domain';
import { deadlinesMs } from '../../src/observation/deadlines';
import { withinOrNull } from '../../src/platform/deadline';
import { parseOrRefuse } from '../../src/platform/http';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { CyclePlan } from '../kit/types';
import { withDefaults } from './choice';
import { referenceTo, targetBuild } from './plan-inputs';

/** Most lost, orphaned or unregistered channels, each, that one cycle acts on; the next one takes the others. */
const ACTS_AT_MOST = 500;

type PlanningDependencies = Pick<Dependencies, 'store' | 'versions' | 'swarm' | 'telemetry' | 'observer'>;

/** Stores what a cycle was planned from. Not to be waited for long: a cycle decides without a store, too. */
const storeRecord = async (
  store: Dependencies['store'],
  record: PlanningRecord,
  forecast: CellForecast | null,
): Promise<SnapshotReference> => {
  const { cell, atMs } = record.snapshot;
  const text = JSON.stringify(record);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const snapshotId = `${Math.round(atMs)}-${sha256.slice(0, 8)}`;
  const done = store.planning.put({ cell, snapshotId, atMs, text }, forecast).then(() => true);
  const stored = (await withinOrNull(deadlinesMs.planningRecord, done)) ?? false;
  return { snapshotId, sha256, stored };
};

/** Activities of the control cycle. */
export const planningActivities = (dependencies: PlanningDependencies) => {
  const { store, versions, swarm, telemetry, observer } = dependencies;

  return {
    /**
     * A whole control cycle up to its decision, in one place: whoever looks at the swarm also plans, so that a record
     * can't name another snapshot or forecast than it was planned from. What was planned from is stored by id, in the
     * telemetry store; only what is to be done goes back.
     * @throws SwarmError unavailable, timeout when the origin or the swarm's workflow does not answer
     */
    planCycle: ({ cycleId }: { cycleId: string }): Promise<CyclePlan> =>
      withHeartbeats(async () => {
        const rules = await swarm.rules();
        if (!rules) throw new SwarmError('unavailable', 'The swarm workflow of this cell does not run.');
        const { cordons, lowDemandSinceMs, provisioning } = rules;
        const [observed, forecast, catalogue] = await Promise.all([
          swarm.channels(rules).then((channels) => observer.observe({ channels, cordons })),
          telemetry.latestForecast(),
          versions.read(),
        ]);
        const snapshot: SwarmSnapshot = {
          ...observed.snapshot,
          ...(provisioning && { pendingEncoders: provisioning.pending, provisioning: provisioning.outcomes }),
        };
        const record: PlanningRecord = {
          cycleId,
          snapshot,
          forecast: forecast && { forecastId: forecast.forecastId, issuedAtMs: forecast.issuedAtMs },
          policy: withDefaults(rules.policy),
          lowDemandSinceMs,
          target: targetBuild(catalogue),
        };
        const decision = decide(record, forecast);
        const reference = await storeRecord(store, record, forecast);
        const { scale } = decision.plan;
        return {
          atMs: snapshot.atMs,
          snapshot: reference,
          forecast: referenceTo(forecast),
          lost: observed.lost.slice(0, ACTS_AT_MOST),
          orphans: observed.orphans.slice(0, ACTS_AT_MOST),
          unregistered: observed.unregistered.slice(0, ACTS_AT_MOST),
          leavingCordonedBy: scale.kind === 'deprovision' ? (cordons[scale.encoderId]?.by ?? null) : null,
          ...forRecord(decision, observed.unreachable),
        };
      }),

    /** @throws SwarmError bad-request that names each field at fault */
    async checkPolicy(given: Policy): Promise<Policy> {
      return parseOrRefuse(policySchema, given, 'policy');
    },
  };
};
