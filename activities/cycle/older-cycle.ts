import { decide, type Decision } from '../../src/cycle';
import type { ChannelSpec, Policy, SwarmContext, SwarmSnapshot } from '../../src/domain';
import type { Observation } from '../../src/observation/swarm-observer';
import type { Dependencies } from '../kit/dependencies';
import type { ForecastReference } from '../kit/types';
import { withDefaults } from './choice';
import { referenceTo, targetBuild } from './plan-inputs';

/** For cycles that began before planCycle: what it does, in three steps, the snapshot carried in between. */
export const olderCycleActivities = ({
  versions,
  telemetry,
  observer,
}: Pick<Dependencies, 'versions' | 'telemetry' | 'observer'>) => ({
  observe: (request: { channels: ChannelSpec[]; cordons: SwarmContext['cordons'] }): Promise<Observation> =>
    observer.observe(request),

  async latestForecast(): Promise<ForecastReference | null> {
    return referenceTo(await telemetry.latestForecast());
  },

  async decide(request: {
    snapshot: SwarmSnapshot;
    forecastId: string | null;
    policy: Policy;
    lowDemandSinceMs: number | null;
  }): Promise<Decision> {
    const { snapshot, forecastId, lowDemandSinceMs } = request;
    const forecast = forecastId === null ? null : await telemetry.forecast(forecastId);
    const target = targetBuild(await versions.read());
    return decide({ snapshot, policy: withDefaults(request.policy), lowDemandSinceMs, target }, forecast);
  },
});
