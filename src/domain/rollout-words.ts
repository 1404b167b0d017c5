import type { MetricVerdict, Rollback, RolloutState, Verdict } from './rollout';
import { rolloutMetrics, type RolloutMetric } from './rollout-control';

/** Verdicts and rollbacks as people read them. Made where they are shown: what travels is the typed verdict. */

const highest = (metrics: Verdict['metrics'], value: (metric: MetricVerdict) => number): RolloutMetric =>
  rolloutMetrics.reduce((best, metric) => (value(metrics[metric]) > value(metrics[best]) ? metric : best));

const figure = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));

/** Why a rollout goes back after a verdict `worse`: the metric with most evidence against the new build. */
export const rollbackAfter = ({ metrics, eWorse, worseFrom }: Verdict): Rollback => {
  const metric = highest(metrics, (m) => m.eWorse);
  const { comparisons, worse, newMean, oldMean } = metrics[metric];
  return { kind: 'worse', metric, comparisons, worse, newMean, oldMean, eWorse, worseFrom };
};

const worseIn = (
  metric: RolloutMetric,
  { worse, comparisons }: { worse: number; comparisons: number },
): string => `${metric}: worse in ${worse} of ${comparisons} comparisons`;

const worseInWords = (rollback: Extract<Rollback, { kind: 'worse' }>): string => {
  const { metric, newMean, oldMean, eWorse, worseFrom } = rollback;
  return (
    `worse, above all in ${worseIn(metric, rollback)}, ${figure(newMean)} against ${figure(oldMean)} ` +
    `(e-value ${figure(eWorse)}, limit ${worseFrom})`
  );
};

/** A verdict in one sentence, without its full stop. */
export const verdictInWords = (verdict: Verdict): string => {
  const { outcome, metrics, goodFrom } = verdict;
  const rollback = outcome === 'worse' ? rollbackAfter(verdict) : null;
  if (rollback?.kind === 'worse') return worseInWords(rollback);
  const slowest = highest(metrics, (m) => -m.eGood);
  if (outcome === 'good') return `good in every metric; closest was ${worseIn(slowest, metrics[slowest])}`;
  return `undecided; least is known of ${worseIn(slowest, metrics[slowest])} (e-value ${figure(metrics[slowest].eGood)} of ${goodFrom})`;
};

/** Why a rollout goes back, in one sentence without its full stop. */
export const rollbackInWords = ({
  request,
  rollback,
  verdict,
  failure,
}: Pick<RolloutState, 'request' | 'rollback' | 'verdict' | 'failure'>): string => {
  switch (rollback?.kind) {
    case 'worse':
      return `${request.buildId} is ${worseInWords(rollback)}`;
    case 'aborted':
      return `aborted by ${rollback.requestedBy}`;
    case 'decided':
      return `${rollback.requestedBy} decided to roll back: ${verdict ? verdictInWords(verdict) : 'nothing was compared'}`;
    case 'cancelled':
      return 'its workflow was cancelled';
    case 'failed':
      return withoutFullStop(rollback.message);
    default:
      // Begun by an earlier version, which kept a text.
      return withoutFullStop(failure?.message ?? 'the reason is not known');
  }
};

const withoutFullStop = (text: string): string => text.replace(/\.$/, '');
