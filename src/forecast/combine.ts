import { clockAffinity } from './clock';
import type { PastCells } from './past-forecasts';
import { WeightedValues } from './quantiles';

/** Weights fall with this power of the loss: a member half as good has a sixteenth of the weight. */
const LOSS_POWER = 4;
/** Losses of neighbouring steps ahead, this part of the horizon to each side, are taken together. */
const NEIGHBOUR_SHARE = 0.125;
/** The members' outer quarters by weight are not heard: one that is far off can't pull the rest. */
const HEARD_FROM = 0.25;

/** Weight of each member for each step ahead, [members x horizon], one array per part of the day. */
export type MemberWeights = readonly Float64Array[];

/** Sums of recent losses by the part of the day of the origin: [parts] of [members x horizon]. */
const lossesByClock = (cells: PastCells, members: readonly Float64Array[]) => {
  const { horizon, truth, recency, clock, clockParts } = cells;
  const table = (): Float64Array[] =>
    Array.from({ length: clockParts }, () => new Float64Array(members.length * horizon));
  const [own, usual] = [table(), table()];
  const errors = new Float64Array(members.length);
  for (let cell = 0; cell < truth.length; cell++) {
    let [sum, count] = [0, 0];
    for (let m = 0; m < members.length; m++) {
      const error = Math.abs(truth[cell]! - members[m]![cell]!);
      errors[m] = error;
      if (Number.isNaN(error)) continue;
      sum += error;
      count++;
    }
    if (count < 2) continue;
    const [origin, ahead] = [Math.floor(cell / horizon), cell % horizon];
    const [ownHere, usualHere] = [own[clock[origin]!]!, usual[clock[origin]!]!];
    for (let m = 0; m < members.length; m++) {
      if (Number.isNaN(errors[m]!)) continue;
      ownHere[m * horizon + ahead]! += recency[origin]! * errors[m]!;
      usualHere[m * horizon + ahead]! += (recency[origin]! * sum) / count;
    }
  }
  return { own, usual };
};

/**
 * Weights of the members from their own recent loss, by step ahead and by the time of day of the origin.
 *
 * The loss is the absolute error, which is twice the pinball loss of the median. A member that was not tried in
 * every cell is compared with the others where it was.
 *
 * @param members per member [origins x horizon], NaN where it has no forecast
 */
export const memberWeights = (cells: PastCells, members: readonly Float64Array[]): MemberWeights => {
  const { horizon, clockParts } = cells;
  const { own, usual } = lossesByClock(cells, members);
  const reach = Math.max(1, Math.round(NEIGHBOUR_SHARE * horizon));
  return Array.from({ length: clockParts }, (_, now) => {
    const near = (table: readonly Float64Array[]): Float64Array => {
      const sums = new Float64Array(members.length * horizon);
      table.forEach((part, then) => {
        const affinity = clockAffinity(now, then, clockParts);
        for (let i = 0; i < sums.length; i++) sums[i]! += affinity * part[i]!;
      });
      return sums;
    };
    const [ownNear, usualNear] = [near(own), near(usual)];
    return ownNear.map((_loss, i) => {
      const [first, ahead] = [i - (i % horizon), i % horizon];
      let [loss, norm] = [0, 0];
      for (let k = Math.max(0, ahead - reach); k <= Math.min(horizon - 1, ahead + reach); k++) {
        loss += ownNear[first + k]!;
        norm += usualNear[first + k]!;
      }
      return norm > 0 && loss > 0 ? (norm / loss) ** LOSS_POWER : 1;
    });
  });
};

/**
 * What the members say together for one cell: the weighted mean of the middle half. NaN where none says anything.
 *
 * @param weights [members x horizon]
 */
export const combined = (
  members: readonly Float64Array[],
  weights: Float64Array,
  cell: number,
  horizon: number,
  scratch: WeightedValues,
): number => {
  scratch.clear();
  for (let m = 0; m < members.length; m++) {
    const value = members[m]![cell]!;
    if (!Number.isNaN(value)) scratch.insert(value, weights[m * horizon + (cell % horizon)]!);
  }
  return scratch.meanBetween(HEARD_FROM, 1 - HEARD_FROM);
};

/** Truth minus what the members said together, each origin with the weights of its own time of day. */
export const combinedErrors = (
  cells: PastCells,
  members: readonly Float64Array[],
  weights: MemberWeights,
): Float64Array => {
  const scratch = new WeightedValues(members.length);
  return cells.truth.map((actual, cell) => {
    const part = cells.clock[Math.floor(cell / cells.horizon)]!;
    return actual - combined(members, weights[part]!, cell, cells.horizon, scratch);
  });
};
