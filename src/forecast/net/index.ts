export { generatedSeries } from './generated-series';
export {
  canHoldBack,
  evidenceIn,
  heldBackFrom,
  heldBackWindows,
  judgeCandidate,
  scoreWindows,
  type Evidence,
  type Score,
} from './held-back';
export { forecastOrigins, netMember } from './net-member';
export { QuantileNet } from './quantile-net';
export { DAYS_BEFORE_ORIGIN, ScaledSeries, dayStepsOf } from './scaled-series';
export {
  beginTraining,
  planTraining,
  trainEpoch,
  trainable,
  type TrainingPlan,
  type TrainingState,
} from './training';
