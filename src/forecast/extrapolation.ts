import type { CleanSeries } from './clean-series';

/** So many values at each end are spikes perhaps; a level is believed when it has lasted longer. */
const PASSED_OVER = 3;
/** A forecast goes beyond what was ever measured by at most a factor of two. */
const MARGIN = Math.log(2);

/** Range of believable forecasts of a series, on its logarithmic scale. */
export interface Believable {
  low: number;
  high: number;
}

/**
 * A regression that has learned from usual days says anything of a day that is like none of them: after a channel was
 * off the air for a day, say, or with thirty times its audience. So no forecast leaves the range of the history by
 * more than a factor of two. The effect of known events comes on top.
 */
export const believableRange = ({ z }: CleanSeries): Believable => {
  const passedOver = Math.min(PASSED_OVER, (z.length - 1) >> 1);
  const highest = new Float64Array(passedOver + 1).fill(-Infinity);
  const lowest = new Float64Array(passedOver + 1).fill(Infinity);
  for (const value of z) {
    for (let i = 0, rest = value; i <= passedOver && rest > highest[passedOver]!; i++)
      if (rest > highest[i]!) [highest[i], rest] = [rest, highest[i]!];
    for (let i = 0, rest = value; i <= passedOver && rest < lowest[passedOver]!; i++)
      if (rest < lowest[i]!) [lowest[i], rest] = [rest, lowest[i]!];
  }
  return { low: lowest[passedOver]! - MARGIN, high: highest[passedOver]! + MARGIN };
};

/** NaN stays NaN. */
export const within = ({ low, high }: Believable, value: number): number =>
  Math.max(low, Math.min(high, value));
