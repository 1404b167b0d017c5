import { createHash } from 'node:crypto';
import { decide, forRecord, type Decision } from '../../src/cycle';
import {
  SwarmError,
  policySchema,
  type CellForecast,
  type ChannelSpec,
  type PlanningRecord,
  type Policy,
  type SnapshotReference,
  type SwarmContext,
  type SwarmSnapshot,
} from '../../src/domain';
import { deadlinesMs } from '../../src/observation/deadlines';
import type { Observation } from '../../src/observation/swarm-observer';
import { targetOf, type Catalogue } from '../../src/observation/versions-view';
import { withinOrNull } from '../../src/platform/deadline';
import { parseOrRefuse } from '../../src/platform/http';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { ChooseTargetRequest, CyclePlan, ForecastReference, TargetChoice } from '../kit/types';
import { choiceFor, withDefaults } from './choose-target';

/** A cycle acts on so many lost, orphaned or unregistered channels each; the others are left to the next one. */
const ACTS_AT_MOST = 500;

type PlanningDependencies = Pick<Dependencies, 'store' | 'versions' | 'swarm' | 'telemetry' | 'observer'>;

/** Activities that look at the swarm and decide. */
export const planningActivities = (dependencies: PlanningDependencies) => {
  const { store, versions, swarm, telemetry, observer } = dependencies;

  /** @throws SwarmError unavailable, timeout where nobody says what the rules are */
  const contextFor = async ({ purpose, context }: ChooseTargetRequest): Promise<SwarmContext> => {
    try {
      return (await swarm.rules()) ?? context;
    } catch (error) {
      // Being on air goes before every cordon; whoever asks for a handoff gets a refusal rather than a breach.
      if (purpose === 'recovery') return swarm.lastRules ?? context;
      throw error;
    }
  };

  const keep = async (record: PlanningRecord, forecast: CellForecast | null): Promise<SnapshotReference> => {
    const { cell, atMs } = record.snapshot;
    const text = JSON.stringify(record);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const snapshotId = `${Math.round(atMs)}-${sha256.slice(0, 8)}`;
    const done = store.planning.put({ cell, snapshotId, atMs, text }, forecast).then(() => true);
    const stored = (await withinOrNull(deadlinesMs.planningRecord, done)) ?? false;
    return { snapshotId, sha256, stored };
  };

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
          telemetry.latestForecast(Date.now()),
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
        const reference = await keep(record, forecast);
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

    /**
     * Chooses the encoder for one channel, or checks the one asked for, on a fresh look at the fleet.
     * @throws SwarmError with the planner's refusal, or same-encoder, encoder-unreachable
     */
    async chooseTarget(given: ChooseTargetRequest): Promise<TargetChoice> {
      const context = await contextFor(given);
      const request = { ...given, context };
      const { toEncoderId, purpose } = request;
      const [look, forecast] = await Promise.all([
        observer.observeFor({
          spec: request.spec,
          cordons: context.cordons,
          // A recovery has other encoders, and no time; a handoff needs its target, and what the owner runs.
          ...(purpose === 'handoff' && {
            isNeeded: (id, ownerId, wasEverHeard) => id === toEncoderId || (id === ownerId && !wasEverHeard),
          }),
        }),
        telemetry.latestForecast(Date.now()),
      ]);
      // No await from here on: between a look and its choice, no other choice may be made.
      const seen = look();
      const choice = choiceFor(request, seen, forecast);
      observer.pending.add(choice.encoderId, request.sessionId, seen.spec, choice.rungs, choice.atMs);
      return choice;
    },

    /** For cycles that began before planCycle: what it does, in three steps, the snapshot carried in between. */
    observe: (request: { channels: ChannelSpec[]; cordons: SwarmContext['cordons'] }): Promise<Observation> =>
      observer.observe(request),

    async latestForecast(): Promise<ForecastReference | null> {
      return referenceTo(await telemetry.latestForecast(Date.now()));
    },

    async decide(request: {
      snapshot: SwarmSnapshot;
      forecastId: string | null;
      policy: Policy;
      lowDemandSinceMs: number | null;
    }): Promise<Decision> {
      const { snapshot, forecastId, lowDemandSinceMs } = request;
      const forecast = forecastId === null ? null : await telemetry.forecast(forecastId, Date.now());
      const target = targetBuild(await versions.read());
      return decide({ snapshot, policy: withDefaults(request.policy), lowDemandSinceMs, target }, forecast);
    },
  };
};

/** Nothing is brought in line while a fault holds that up. */
const targetBuild = (catalogue: Catalogue): PlanningRecord['target'] => {
  const target = catalogue.fault ? null : targetOf(catalogue);
  return target && { id: target.id, digest: target.digest };
};

const referenceTo = (forecast: CellForecast | null): ForecastReference | null => {
  if (!forecast) return null;
  const { forecastId, model, issuedAtMs } = forecast;
  return { forecastId, model, issuedAtMs };
};
