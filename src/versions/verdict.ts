import {
  rolloutMetrics,
  type Evidence,
  type MetricVerdict,
  type RolloutMetric,
  type RolloutPolicy,
  type Verdict,
} from '../domain';
import { eValueAbove, eValueBelow } from './e-values';

/**
 * Fractions of comparisons in which the new build may be worse by chance (`tolerated`: noise falls on one build
 * alone now and then), and from which on it is harmful. In between, the verdict is left to people.
 */
const BOUNDS: Record<RolloutMetric, { tolerated: number; harmful: number }> = {
  // The same GOP by both builds: a build that is no worse is hardly ever below by the whole margin.
  quality: { tolerated: 0.1, harmful: 0.5 },
  speed: { tolerated: 0.1, harmful: 0.4 },
  lateness: { tolerated: 0.01, harmful: 0.25 },
  losses: { tolerated: 0.01, harmful: 0.2 },
  // CPU time is read over short spans and also holds what the host does besides.
  cpu: { tolerated: 0.2, harmful: 0.5 },
};

const judgeMetric = (
  metric: RolloutMetric,
  { comparisons, worse, newSum, oldSum }: Evidence[RolloutMetric],
): MetricVerdict => {
  const { tolerated, harmful } = BOUNDS[metric];
  return {
    comparisons,
    worse,
    newMean: comparisons > 0 ? newSum / comparisons : null,
    oldMean: comparisons > 0 ? oldSum / comparisons : null,
    eWorse: eValueAbove(comparisons, worse, tolerated),
    eGood: eValueBelow(comparisons, worse, harmful),
  };
};

/**
 * Judges the new build against the old one by all comparisons made so far; may be asked at any time, and any
 * number of times.
 *
 * Worse: the mean of the metrics' e-values has reached 1/falseAlarmRate. A mean of e-values is an e-value whatever
 * their dependence (Vovk and Wang, "E-values: calibration, combination and applications", Ann. Stat. 49, 2021), so
 * the chance that a build that is no worse in any metric is ever called worse is at most falseAlarmRate, over all
 * metrics and all looks.
 * Good: each metric by itself has 1/falseGoodRate against being harmful (intersection-union test: no correction).
 */
export const judgeBuild = (
  evidence: Evidence,
  { falseAlarmRate, falseGoodRate }: Pick<RolloutPolicy, 'falseAlarmRate' | 'falseGoodRate'>,
  atMs: number,
): Verdict => {
  const metrics = Object.fromEntries(
    rolloutMetrics.map((metric) => [metric, judgeMetric(metric, evidence[metric])]),
  ) as Verdict['metrics'];
  const eWorse = rolloutMetrics.reduce((sum, m) => sum + metrics[m].eWorse, 0) / rolloutMetrics.length;
  const worseFrom = 1 / falseAlarmRate;
  const goodFrom = 1 / falseGoodRate;
  const isGood = rolloutMetrics.every((metric) => metrics[metric].eGood >= goodFrom);
  const outcome = eWorse >= worseFrom ? 'worse' : isGood ? 'good' : 'undecided';
  return { outcome, atMs, eWorse, worseFrom, goodFrom, metrics };
};
