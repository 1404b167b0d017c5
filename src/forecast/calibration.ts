import { clockAffinity } from './clock';
import type { PastCells } from './past-forecasts';

/** A slot of the day is as uncertain as its own errors say, and with this weight as those of all slots do. */
const PRIOR_SHARE = 0.5;
/** Errors within this part of a day to each side belong to a slot too. */
const SLOT_REACH_DAYS = 1 / 24;
/** The same for steps ahead, as a part of the horizon. */
const AHEAD_REACH = 0.1;
const MIN_SIZE = 1e-6;
/** Errors around known events are at most this many times those of other steps. */
const MAX_EVENT_FACTOR = 8;
/** Origins that the forecast to come counts for among the past ones: with few of them the band is wider. */
const COMING_ORIGINS = 1 / 3;

/** How uncertain a forecast is: usual absolute errors on the logarithmic scale. */
export interface ErrorSizes {
  /** [steps of a day], usual absolute error of the slot. */
  bySlot: Float64Array;
  /** [horizon], relative to the mean over the horizon. */
  byAhead: Float64Array;
  /** Factor of the steps of known events. */
  eventFactor: number;
}

/** P10, P50 and P90 of the errors in units of their size, per step ahead. */
export interface ErrorQuantiles {
  p10: Float64Array;
  p50: Float64Array;
  p90: Float64Array;
}

/** Tells whether a known event goes on at an absolute step. */
export type IsEvent = (step: number) => boolean;

const slotOf = (step: number, daySteps: number): number => ((step % daySteps) + daySteps) % daySteps;

export const sizeOf = (sizes: ErrorSizes, step: number, ahead: number, isEvent: IsEvent): number =>
  sizes.bySlot[slotOf(step, sizes.bySlot.length)]! *
  sizes.byAhead[ahead]! *
  (isEvent(step) ? sizes.eventFactor : 1);

/** Weighted means of error sizes by an index; shared by slots and steps ahead. */
class Means {
  readonly sums: Float64Array;
  readonly weights: Float64Array;

  constructor(length: number) {
    this.sums = new Float64Array(length);
    this.weights = new Float64Array(length);
  }

  add(index: number, size: number, weight: number): void {
    this.sums[index]! += weight * size;
    this.weights[index]! += weight;
  }

  /** Mean over the indices, with `priorWeight` at `prior`. */
  mean(indices: readonly number[], prior: number, priorWeight: number): number {
    let [sum, weight] = [prior * priorWeight, priorWeight];
    for (const index of indices) {
      sum += this.sums[index]!;
      weight += this.weights[index]!;
    }
    return weight > 0 ? sum / weight : prior;
  }
}

const span = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

/** @param errors [origins x horizon], NaN where not known */
export const errorSizes = (cells: PastCells, errors: Float64Array, isEvent: IsEvent): ErrorSizes => {
  const { horizon, daySteps, origins, recency } = cells;
  const [slots, aheads, kinds] = [new Means(daySteps), new Means(horizon), new Means(2)];
  errors.forEach((error, cell) => {
    if (Number.isNaN(error)) return;
    const [i, ahead] = [Math.floor(cell / horizon), cell % horizon];
    const step = origins[i]! + ahead;
    const event = isEvent(step);
    kinds.add(event ? 1 : 0, Math.abs(error), recency[i]!);
    if (event) return;
    slots.add(slotOf(step, daySteps), Math.abs(error), recency[i]!);
    aheads.add(ahead, Math.abs(error), recency[i]!);
  });
  const total = slots.weights.reduce((sum, weight) => sum + weight, 0);
  const usual = Math.max(MIN_SIZE, kinds.mean([0], 0, 0));
  const reach = Math.round(SLOT_REACH_DAYS * daySteps);
  const prior = PRIOR_SHARE * (total / daySteps) * (2 * reach + 1);
  const aheadReach = Math.round(AHEAD_REACH * horizon);
  const bySlot = Float64Array.from({ length: daySteps }, (_, slot) => {
    const near = span(slot - reach, slot + reach).map((step) => slotOf(step, daySteps));
    return Math.max(MIN_SIZE, slots.mean(near, usual, prior));
  });
  const byAhead = Float64Array.from({ length: horizon }, (_, ahead) => {
    const near = span(Math.max(0, ahead - aheadReach), Math.min(horizon - 1, ahead + aheadReach));
    return Math.max(MIN_SIZE, aheads.mean(near, usual, 0) / usual);
  });
  const eventFactor = Math.min(MAX_EVENT_FACTOR, Math.max(1, kinds.mean([1], usual, 0) / usual));
  return { bySlot, byAhead, eventFactor };
};

/** Errors of neighbouring steps ahead in units of their size, ascending, with the origin of each. */
interface SortedErrors {
  values: Float64Array;
  origins: Int32Array;
  /** Cells per origin. */
  perOrigin: number;
}

const sortErrors = ({ horizon, origins }: PastCells, scaled: Float64Array, ahead: number): SortedErrors => {
  const reach = Math.round(AHEAD_REACH * horizon);
  const [first, last] = [Math.max(0, ahead - reach), Math.min(horizon - 1, ahead + reach)];
  const found: number[] = [];
  for (let i = 0; i < origins.length; i++)
    for (let k = first; k <= last; k++)
      if (!Number.isNaN(scaled[i * horizon + k]!)) found.push(i * horizon + k);
  found.sort((a, b) => scaled[a]! - scaled[b]!);
  return {
    values: Float64Array.from(found, (cell) => scaled[cell]!),
    origins: Int32Array.from(found, (cell) => Math.floor(cell / horizon)),
    perOrigin: last - first + 1,
  };
};

/** Smallest value at which this much weight has been reached; the outermost where there is less. */
const valueAt = ({ values, origins }: SortedErrors, weightOf: Float64Array, wanted: number): number => {
  let reached = 0;
  for (let i = 0; i < values.length; i++) {
    reached += weightOf[origins[i]!]!;
    if (reached >= wanted) return values[i]!;
  }
  return values.at(-1) ?? 0;
};

/**
 * Conformal quantiles of the held-back errors per step ahead, one result per part of the day asked for. Errors
 * count by their age and by how like the time of day of their origin is (weighted conformal prediction:
 * Tibshirani et al., NeurIPS 2019; for drifting data Barber et al., Ann. Statist. 51, 2023).
 */
export const errorQuantiles = (
  cells: PastCells,
  errors: Float64Array,
  sizes: ErrorSizes,
  isEvent: IsEvent,
  parts: readonly number[],
): ErrorQuantiles[] => {
  const { horizon, origins, recency, clock, clockParts } = cells;
  const scaled = errors.map((error, cell) => {
    const ahead = cell % horizon;
    return error / sizeOf(sizes, origins[Math.floor(cell / horizon)]! + ahead, ahead, isEvent);
  });
  const weightsOf = parts.map((part) =>
    recency.map((weight, i) => weight * clockAffinity(part, clock[i]!, clockParts)),
  );
  const result = parts.map(() => ({
    p10: new Float64Array(horizon),
    p50: new Float64Array(horizon),
    p90: new Float64Array(horizon),
  }));
  for (let ahead = 0; ahead < horizon; ahead++) {
    const sorted = sortErrors(cells, scaled, ahead);
    const coming = COMING_ORIGINS * sorted.perOrigin;
    weightsOf.forEach((weights, k) => {
      const total = sorted.origins.reduce((sum, origin) => sum + weights[origin]!, 0);
      const quantiles = result[k]!;
      quantiles.p10[ahead] = valueAt(sorted, weights, 0.1 * (total + coming) - coming);
      quantiles.p50[ahead] = valueAt(sorted, weights, 0.5 * total);
      quantiles.p90[ahead] = valueAt(sorted, weights, 0.9 * (total + coming));
    });
  }
  return result;
};
