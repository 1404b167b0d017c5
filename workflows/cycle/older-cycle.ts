import type { CycleResult, SwarmSnapshot } from '../../src/domain';
import { causeOf } from '../kit/failures';
import { local8s, twoTries4s } from '../kit/steps';
import type { OlderCycleInput } from '../kit/types';
import { act } from './cycle-acts';
import { actOfForecast, nothingSeen, recordOf, recorded } from './cycle-record';

/** A control cycle that began when the snapshot still passed through Temporal: it ends as it began. */
export const olderCycle = async (input: OlderCycleInput): Promise<CycleResult> => {
  const { channels, cordons, policy, lowDemandSinceMs } = input;
  const startedAtMs = Date.now();
  const [observed, forecast] = await Promise.all([
    twoTries4s.observe
      .executeWithOptions({ summary: 'encoders, channels, audience, moves' }, [{ channels, cordons }])
      .catch((error: unknown) => causeOf(error)),
    twoTries4s.latestForecast
      .executeWithOptions({ summary: 'demand to come', startToCloseTimeout: '2 seconds' }, [])
      .catch(() => null),
  ]);
  const record = recordOf(forecast);
  if ('code' in observed) {
    return { ...record, atMs: startedAtMs, ...nothingSeen(observed, lowDemandSinceMs) };
  }

  const { snapshot, unreachable, lost, orphans, unregistered } = observed;
  const { atMs } = snapshot;
  const { fitness, plan, updates } = await local8s.decide.executeWithOptions(
    { summary: 'fitness of each encoder, plan' },
    [
      {
        snapshot: withProvisioning(snapshot, input),
        forecastId: record.forecastId,
        policy,
        lowDemandSinceMs,
      },
    ],
  );
  const leavingCordonedBy =
    plan.scale.kind === 'deprovision' ? (cordons[plan.scale.encoderId]?.by ?? null) : null;
  const toDo = { atMs, lost, orphans, unregistered, plan, updates, leavingCordonedBy };
  const acted = [...actOfForecast(forecast), ...(await act(input, toDo))];
  return recorded({ ...record, atMs, fitness, plan, acted, unreachable, updates });
};

const withProvisioning = (snapshot: SwarmSnapshot, { provisioning }: OlderCycleInput): SwarmSnapshot =>
  provisioning
    ? { ...snapshot, pendingEncoders: provisioning.pending, provisioning: provisioning.outcomes }
    : snapshot;
