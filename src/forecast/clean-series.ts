import { medianOf } from './quantiles';

/** Larger values are a broken counter, not demand. */
const MAX_PLAUSIBLE = 1e12;
/** The logarithm is taken of demand / scale + this: a small audience at night is no exact one. */
const LOG_OFFSET = 0.05;
/** Zeros are holes only in a series where they are rarer than this ... */
const MAX_ZERO_SHARE = 0.1;
/** ... and where the same step of other days has more than this fraction of the mean. */
const MIN_USUAL_FRACTION = 0.1;
/** A run of zeros that lasts until now is believed after this part of a day: the channel has gone. */
const BELIEVED_ZERO_RUN_DAYS = 0.25;
const FILL_DAYS = 7;

/** A history as the models take it: without holes, on a logarithmic scale. */
export interface CleanSeries {
  /** log(demand / scale + 0.05) per step, holes filled. */
  z: Float64Array;
  /** 1 where the step was measured, 0 where it was filled in. */
  known: Uint8Array;
  daySteps: number;
  /** Index of the first step on a grid that does not move with the history: steps since 1970. */
  firstStep: number;
  /** A usual demand, in the unit of the series; above 0. */
  scale: number;
}

export const toLog = (demand: number, scale: number): number => Math.log(demand / scale + LOG_OFFSET);

/** Inverse of `toLog`; never negative, always finite. */
export const toDemand = (z: number, scale: number): number =>
  Math.min(MAX_PLAUSIBLE, Math.max(0, (Math.exp(Math.min(z, 60)) - LOG_OFFSET) * scale));

/** NaN for what is no demand: null, NaN, infinite, negative (a counter that was reset) or absurd values. */
export const plausible = (value: number | null): number =>
  value !== null && value >= 0 && value <= MAX_PLAUSIBLE ? value : NaN;

/** Median of the same step on the days around; NaN where none knows it. */
const usualAround = (values: Float64Array, step: number, daySteps: number, ignoreZero: boolean): number => {
  const found: number[] = [];
  for (let day = -FILL_DAYS; day <= FILL_DAYS; day++) {
    const value = values[step + day * daySteps];
    if (day !== 0 && value !== undefined && !Number.isNaN(value) && !(ignoreZero && value === 0))
      found.push(value);
  }
  return found.length > 0 ? medianOf(found) : NaN;
};

/** Marks zeros as holes where a collector wrote 0 for "nothing measured": rare, and amid usual demand. */
const withoutZeroHoles = (values: Float64Array, daySteps: number): void => {
  let [zeros, known, sum] = [0, 0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    known++;
    sum += value;
    if (value === 0) zeros++;
  }
  if (zeros === 0 || zeros > MAX_ZERO_SHARE * known) return;
  let end = values.length;
  while (end > 0 && !(values[end - 1]! > 0)) end--;
  if (values.length - end > BELIEVED_ZERO_RUN_DAYS * daySteps) return;
  const least = (MIN_USUAL_FRACTION * sum) / known;
  const original = Float64Array.from(values);
  for (let step = 0; step < values.length; step++)
    if (original[step] === 0 && usualAround(original, step, daySteps, true) > least) values[step] = NaN;
};

/** Fills holes by the same step of the days around, else by a straight line between the nearest known steps. */
const fillHoles = (values: Float64Array, daySteps: number): void => {
  const original = Float64Array.from(values);
  let previous = -1;
  for (let step = 0; step < values.length; step++) {
    if (!Number.isNaN(original[step]!)) {
      previous = step;
      continue;
    }
    const usual = usualAround(original, step, daySteps, false);
    if (!Number.isNaN(usual)) {
      values[step] = usual;
      continue;
    }
    let next = step + 1;
    while (next < values.length && Number.isNaN(original[next]!)) next++;
    const before = previous >= 0 ? original[previous]! : (original[next] ?? 0);
    const after = next < values.length ? original[next]! : before;
    values[step] =
      previous >= 0 ? before + ((after - before) * (step - previous)) / (next - previous) : after;
  }
};

/** Measured demand per step, NaN = hole; zeros that stand for holes are holes. */
export const measuredDemand = (history: readonly (number | null)[], daySteps: number): Float64Array => {
  const values = Float64Array.from(history, plausible);
  withoutZeroHoles(values, daySteps);
  return values;
};

/**
 * @param demand from `measuredDemand`
 * @param scale of an earlier fit of the same series; absent: the median of what is above 0
 */
export const cleanSeries = (
  demand: Float64Array,
  options: { daySteps: number; firstStep: number; scale?: number },
): CleanSeries => {
  const known = Uint8Array.from(demand, (value) => (Number.isNaN(value) ? 0 : 1));
  const z = Float64Array.from(demand);
  fillHoles(z, options.daySteps);
  const scale = options.scale ?? (medianOf([...z.filter((value) => value > 0)]) || 1);
  for (let step = 0; step < z.length; step++) z[step] = toLog(z[step]!, scale);
  return { z, known, daySteps: options.daySteps, firstStep: options.firstStep, scale };
};
