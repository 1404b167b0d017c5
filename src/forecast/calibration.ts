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

/** How uncertain a forecast is: usual absolute errors on the logarithmic scale. */
export interface ErrorSizes {
  /** [steps of a day], usual absolute error of the slot. */
  bySlot: Float64Array;
  /** [horizon], relative to the mean over the horizon. */
  byAhead: Float64Array;
  /** Factor of the steps of known events. */
  eventFactor: number;
  /** [origins x horizon], the usual error of each cell's slot as the other origins tell it: see `errorQuantiles`. */
  bySlotWithoutOwn: Float64Array;
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

export const sizeOf = (
  sizes: Omit<ErrorSizes, 'bySlotWithoutOwn'>,
  step: number,
  ahead: number,
  isEvent: IsEvent,
): number =>
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
  const bySlotWithoutOwn = slotsWithoutOwn(cells, errors, isEvent, { slots, usual, prior, reach });
  return { bySlot, byAhead, eventFactor, bySlotWithoutOwn };
};

/** Of each cell the mean over the errors around its slot, but for those of its own origin. */
const slotsWithoutOwn = (
  { horizon, daySteps, origins, recency }: PastCells,
  errors: Float64Array,
  isEvent: IsEvent,
  options: { slots: Means; usual: number; prior: number; reach: number },
): Float64Array => {
  const { slots, usual, prior, reach } = options;
  const near = Array.from({ length: daySteps }, (_, slot) => {
    let [sum, weight] = [0, 0];
    for (let step = slot - reach; step <= slot + reach; step++) {
      sum += slots.sums[slotOf(step, daySteps)]!;
      weight += slots.weights[slotOf(step, daySteps)]!;
    }
    return { sum, weight };
  });
  const result = new Float64Array(errors.length);
  const [sums, counts] = [new Float64Array(horizon + 1), new Float64Array(horizon + 1)];
  origins.forEach((origin, i) => {
    for (let ahead = 0; ahead < horizon; ahead++) {
      const error = errors[i * horizon + ahead]!;
      const counted = !Number.isNaN(error) && !isEvent(origin + ahead);
      sums[ahead + 1] = sums[ahead]! + (counted ? Math.abs(error) : 0);
      counts[ahead + 1] = counts[ahead]! + (counted ? 1 : 0);
    }
    for (let ahead = 0; ahead < horizon; ahead++) {
      const [from, to] = [Math.max(0, ahead - reach), Math.min(horizon, ahead + reach + 1)];
      const { sum, weight } = near[slotOf(origin + ahead, daySteps)]!;
      const [ownSum, ownCount] = [sums[to]! - sums[from]!, counts[to]! - counts[from]!];
      // Rounding may leave a little less than nothing where the origin was the only one.
      const others = Math.max(0, weight - recency[i]! * ownCount) + prior;
      const mean = others > 0 ? (sum - recency[i]! * ownSum + prior * usual) / others : usual;
      result[i * horizon + ahead] = Math.max(MIN_SIZE, mean);
    }
  });
  return result;
};

/** Errors of neighbouring steps ahead in units of their size, ascending, with the origin of each. */
interface SortedErrors {
  values: number[];
  origins: number[];
  /** Cells per origin. */
  perOrigin: number;
}

/** Per step ahead; sorted once for all of them. */
const sortErrors = (horizon: number, scaled: Float64Array): SortedErrors[] => {
  const order = Int32Array.from({ length: scaled.length }, (_, cell) => cell)
    .filter((cell) => !Number.isNaN(scaled[cell]!))
    .sort((a, b) => scaled[a]! - scaled[b]!);
  const reach = Math.round(AHEAD_REACH * horizon);
  const around = (ahead: number): [number, number] => [
    Math.max(0, ahead - reach),
    Math.min(horizon - 1, ahead + reach),
  ];
  const sorted = Array.from({ length: horizon }, (_, ahead): SortedErrors => {
    const [first, last] = around(ahead);
    return { values: [], origins: [], perOrigin: last - first + 1 };
  });
  for (const cell of order) {
    const [first, last] = around(cell % horizon);
    for (let ahead = first; ahead <= last; ahead++) {
      sorted[ahead]!.values.push(scaled[cell]!);
      sorted[ahead]!.origins.push(Math.floor(cell / horizon));
    }
  }
  return sorted;
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
 *
 * An error is measured by what the *other* origins say of its slot, as the error to come will be: with few days of
 * fine steps a large error would else be a good part of its own yardstick, and seem small. The forecast to come counts
 * as one origin among as many as the weights are worth: n = (sum w)^2 / sum w^2 (Kish), so one weighs sum w^2 / sum w.
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
    const event = isEvent(origins[Math.floor(cell / horizon)]! + ahead);
    return error / (sizes.bySlotWithoutOwn[cell]! * sizes.byAhead[ahead]! * (event ? sizes.eventFactor : 1));
  });
  const weightsOf = parts.map((part) =>
    recency.map((weight, i) => weight * clockAffinity(part, clock[i]!, clockParts)),
  );
  const result = parts.map(() => ({
    p10: new Float64Array(horizon),
    p50: new Float64Array(horizon),
    p90: new Float64Array(horizon),
  }));
  sortErrors(horizon, scaled).forEach((sorted, ahead) => {
    weightsOf.forEach((weights, k) => {
      let [total, squares] = [0, 0];
      for (const origin of sorted.origins) {
        total += weights[origin]!;
        squares += weights[origin]! ** 2;
      }
      const coming = total > 0 ? (sorted.perOrigin * squares) / total : 0;
      const quantiles = result[k]!;
      quantiles.p10[ahead] = valueAt(sorted, weights, 0.1 * (total + coming) - coming);
      quantiles.p50[ahead] = valueAt(sorted, weights, 0.5 * total);
      quantiles.p90[ahead] = valueAt(sorted, weights, 0.9 * (total + coming));
    });
  });
  return result;
};
