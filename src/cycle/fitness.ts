import type { CellForecast, Fitness, PlanningRecord } from '../domain';
import { fitnessOf } from '../fitness';

/** The fitness of every encoder, as the cycle that planned from this record judged it. Pure. */
export const fitnessIn = (
  { snapshot, policy }: Pick<PlanningRecord, 'snapshot' | 'policy'>,
  forecast: CellForecast | null,
): Fitness[] => fitnessOf(snapshot, forecast, policy);
