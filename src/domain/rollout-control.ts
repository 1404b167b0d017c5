import type { Evidence, MetricEvidence, RolloutState } from './rollout';

/** What of a rollout needs no schema: workflows take values from here. */

export const rolloutWorkflowId = (cell: string): string => `rollout/${cell}`;

/** Updates and the query of `rollout/<cell>`. */
export const rolloutControl = {
  /** Update () -> RolloutState: waits until the waves are planned. Refused with what prevents the rollout. */
  begun: 'begun',
  /** Update (RolloutCommand) -> void: begins no further encoder. Refusal: conflict. */
  pause: 'pause',
  /** Update (RolloutCommand) -> void. Refusal: conflict. */
  resume: 'resume',
  /** Update (RolloutCommand) -> void: undoes all, the last encoder first. Refusal: conflict. */
  abort: 'abort',
  /** Update (RolloutDecision) -> void: answers a rollout that holds. Refusal: conflict. */
  decide: 'decide',
  /** Query -> RolloutState. */
  state: 'state',
} as const;

export interface RolloutCommand {
  requestedBy: string;
}

export interface RolloutDecision extends RolloutCommand {
  decision: 'continue' | 'roll-back';
}

/** What builds are compared by. */
export const rolloutMetrics = ['quality', 'speed', 'lateness', 'losses', 'cpu'] as const;
export type RolloutMetric = (typeof rolloutMetrics)[number];

export const isOver = ({ phase }: Pick<RolloutState, 'phase'>): boolean =>
  phase === 'completed' || phase === 'rolled-back' || phase === 'refused';

export const noEvidence = (): Evidence => {
  const none = (): MetricEvidence => ({ comparisons: 0, worse: 0, newSum: 0, oldSum: 0 });
  return { quality: none(), speed: none(), lateness: none(), losses: none(), cpu: none() };
};
