import type { CleanSeries } from './clean-series';
import { profileValues, type DayProfile } from './day-profile';
import { medianOf, WeightedValues } from './quantiles';

/** An anomaly further than this many deviations from those just before it is a spike, and is cut. */
const SPIKE_DEVIATIONS = 4;
/** Steps whose median each step is compared with: a new level is believed after half of them. */
const LOCAL_STEPS = 6;
/** On the logarithmic scale: below about 5 % nothing is a spike. */
const MIN_DEVIATION = 0.05;
/** Standard deviation of a normal distribution over its median absolute deviation. */
const DEVIATIONS_PER_MAD = 1.4826;

/** How a history departs from a profile, spikes cut. Index 0 of each array is step `from`. */
export interface Anomalies {
  from: number;
  /** Profile one day ahead, up to `to`. */
  usual: Float64Array;
  /** Departure of each known step of the history; 0 where the step or its profile is unknown. */
  values: Float64Array;
  /** values[0] + ... + values[i - 1]. */
  sums: Float64Array;
}

/** The size above which departures count as spikes. */
export const spikeLimit = (series: CleanSeries, profile: DayProfile, from: number): number => {
  const usual = profileValues(profile, series, from, series.z.length, 1);
  const sizes: number[] = [];
  for (let i = 0; i < usual.length; i++) {
    const size = Math.abs(series.z[from + i]! - usual[i]!);
    if (series.known[from + i] && !Number.isNaN(size)) sizes.push(size);
  }
  const deviation = sizes.length > 0 ? DEVIATIONS_PER_MAD * medianOf(sizes) : 0;
  return SPIKE_DEVIATIONS * Math.max(MIN_DEVIATION, deviation);
};

/**
 * Anomalies of steps [from, end of history) against a profile known up to `to`. Spikes are cut by a causal Hampel
 * filter: an anomaly is kept within `limit` of the median of the latest six, itself among them.
 */
export const anomaliesOf = (
  series: CleanSeries,
  profile: DayProfile,
  options: { from: number; to: number; limit: number },
): Anomalies => {
  const { z, known } = series;
  const usual = profileValues(profile, series, options.from, options.to, 1);
  const length = z.length - options.from;
  const raw = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const departure = known[options.from + i] ? z[options.from + i]! - usual[i]! : NaN;
    raw[i] = Number.isNaN(departure) ? 0 : departure;
  }
  const values = new Float64Array(length);
  const sums = new Float64Array(length + 1);
  const latest = new WeightedValues(LOCAL_STEPS);
  for (let i = 0; i < length; i++) {
    latest.clear();
    for (let j = Math.max(0, i - LOCAL_STEPS + 1); j <= i; j++) latest.insert(raw[j]!, 1);
    const local = latest.meanBetween(0.5 - 0.5 / latest.count, 0.5 + 0.5 / latest.count);
    values[i] = Math.max(local - options.limit, Math.min(local + options.limit, raw[i]!));
    sums[i + 1] = sums[i]! + values[i]!;
  }
  return { from: options.from, usual, values, sums };
};
