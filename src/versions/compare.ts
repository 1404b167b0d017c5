import { rolloutMetrics, type Evidence, type RolloutMetric, type RolloutPolicy } from '../domain';

/**
 * How one build did in one and the same short time as the other; null: nothing could be measured.
 * - quality: similarity of one GOP to its input, -10 log10(1 - SSIM), dB; for both builds of the same GOP
 * - speed: media seconds encoded per wall second, mean over its sessions
 * - lateness: fraction of its channels of which sealed GOPs wait unpublished
 * - losses: channels and hosts lost since the last comparison, per encoder
 * - cpu: CPU cores per encode unit, over all its encoders
 */
export type BuildReading = Record<RolloutMetric, number | null>;

export const SSIM_DB_AT_MOST = 60;

/** SSIM in dB: differences near 1 count as the eye sees them. Identical pictures: SSIM_DB_AT_MOST. */
export const ssimToDb = (ssim: number): number =>
  Math.min(SSIM_DB_AT_MOST, -10 * Math.log10(Math.max(1e-9, 1 - ssim)));

type Margins = Pick<RolloutPolicy, 'qualityMarginDb' | 'speedMargin' | 'cpuMargin'>;

/**
 * Where more than so large a part of the old build's channels or encoders are in trouble as well, the cause is
 * common to both, such as a machine or network that is overloaded for a while.
 */
const COMMON_TROUBLE = 0.1;
const isAlone = (now: number, before: number): boolean => now > before && before <= COMMON_TROUBLE;

const isWorse: Record<RolloutMetric, (now: number, before: number, margins: Margins) => boolean> = {
  quality: (now, before, { qualityMarginDb }) => now < before - qualityMarginDb,
  speed: (now, before, { speedMargin }) => now < before * (1 - speedMargin),
  lateness: isAlone,
  losses: isAlone,
  cpu: (now, before, { cpuMargin }) => now > before * (1 + cpuMargin),
};

/** The evidence with one more comparison, in each metric that both builds have a reading of. */
export const addComparison = (
  evidence: Evidence,
  newBuild: BuildReading,
  oldBuild: BuildReading,
  margins: Margins,
): Evidence => {
  const next = { ...evidence };
  for (const metric of rolloutMetrics) {
    const [now, before] = [newBuild[metric], oldBuild[metric]];
    if (now === null || before === null) continue;
    const { comparisons, worse, newSum, oldSum } = evidence[metric];
    next[metric] = {
      comparisons: comparisons + 1,
      worse: worse + (isWorse[metric](now, before, margins) ? 1 : 0),
      newSum: newSum + now,
      oldSum: oldSum + before,
    };
  }
  return next;
};
