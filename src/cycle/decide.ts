import type { CellForecast, EncoderUpdate, Fitness, Plan, PlanningRecord, SwarmSnapshot } from '../domain';
import { makePlan } from '../planner';
import { planUpdates } from '../versions';
import { fitnessIn } from './fitness';

/** What one control cycle decides. */
export interface Decision {
  fitness: Fitness[];
  plan: Plan;
  /** Encoders to bring to the target build, most urgent first. */
  updates: EncoderUpdate[];
}

export type DecisionInput = Pick<PlanningRecord, 'snapshot' | 'policy' | 'lowDemandSinceMs' | 'target'>;

/** As planners see it: what is held back takes no work, like what is cordoned. */
export const forPlanning = (snapshot: SwarmSnapshot): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((encoder) => (encoder.heldBack ? { ...encoder, cordoned: true } : encoder)),
});

/** Judges every encoder and plans. Pure: the same record and forecast give the same decision. */
export const decide = (
  { snapshot, policy, lowDemandSinceMs, target }: DecisionInput,
  forecast: CellForecast | null,
): Decision => {
  const fitness = fitnessIn({ snapshot, policy }, forecast);
  return {
    fitness,
    plan: makePlan(forPlanning(snapshot), forecast, fitness, policy, { lowDemandSinceMs }),
    updates: planUpdates(snapshot, fitness, target),
  };
};
