import { clockAffinity } from './clock';
import type { PastCells } from './past-forecasts';
import { WeightedValues } from './quantiles';

/** Weights fall with this power of the loss: a member half as good has a sixteenth of the weight. */
const LOSS_POWER = 4;
/** Losses of neighbouring steps ahead, this part of the horizon to each side, are taken together. */
const NEIGHBOUR_SHARE = 0.125;
/** The members' outer quarters by weight do not count: one that is far off can't pull the rest. */
const HEARD_FROM = 0.25;
/** What rounding may leave of a sum when all of it is taken out. */
const ROUNDING = 1e-9;

/** Weight of each member for each step ahead, [members x horizon], one array per part of the day. */
export type MemberWeights = readonly Float64Array[];

/** Recent losses, each [members x horizon]: a member's own, and the usual one of all where it was tried. */
class Losses {
  readonly own: Float64Array;
  readonly usual: Float64Array;

  constructor(
    private readonly members: readonly Float64Array[],
    private readonly horizon: number,
  ) {
    this.own = new Float64Array(members.length * horizon);
    this.usual = new Float64Array(members.length * horizon);
  }

  /**
   * Adds those of one origin. The loss is the absolute error, which is twice the pinball loss of the median. A member
   * that was not tried in every cell is compared with the others where it was.
   */
  addOrigin({ truth, recency }: PastCells, origin: number): void {
    const { members, horizon, own, usual } = this;
    const errors = new Float64Array(members.length);
    for (let ahead = 0; ahead < horizon; ahead++) {
      const cell = origin * horizon + ahead;
      let [sum, count] = [0, 0];
      for (let m = 0; m < members.length; m++) {
        const error = Math.abs(truth[cell]! - members[m]![cell]!);
        errors[m] = error;
        if (Number.isNaN(error)) continue;
        sum += error;
        count++;
      }
      if (count < 2) continue;
      for (let m = 0; m < members.length; m++) {
        if (Number.isNaN(errors[m]!)) continue;
        own[m * horizon + ahead]! += recency[origin]! * errors[m]!;
        usual[m * horizon + ahead]! += (recency[origin]! * sum) / count;
      }
    }
  }

  add(other: Losses, factor: number): void {
    for (let i = 0; i < this.own.length; i++) {
      this.own[i]! += factor * other.own[i]!;
      this.usual[i]! += factor * other.usual[i]!;
    }
  }

  /** The rest, when these are taken out of the sums that they are part of. */
  without(part: Losses): Losses {
    const rest = new Losses(this.members, this.horizon);
    const left = (all: number, one: number): number => (all - one > ROUNDING * all ? all - one : 0);
    for (let i = 0; i < this.own.length; i++) {
      rest.own[i] = left(this.own[i]!, part.own[i]!);
      rest.usual[i] = left(this.usual[i]!, part.usual[i]!);
    }
    return rest;
  }

  /** Equal where nothing is known to choose by. */
  weights(): Float64Array {
    const { own, usual, horizon } = this;
    const reach = Math.max(1, Math.round(NEIGHBOUR_SHARE * horizon));
    return own.map((_loss, i) => {
      const [first, ahead] = [i - (i % horizon), i % horizon];
      let [loss, norm] = [0, 0];
      for (let k = Math.max(0, ahead - reach); k <= Math.min(horizon - 1, ahead + reach); k++) {
        loss += own[first + k]!;
        norm += usual[first + k]!;
      }
      return norm > 0 && loss > 0 ? (norm / loss) ** LOSS_POWER : 1;
    });
  }
}

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

/** Members, weighed by how well they did. */
export interface Weighed {
  weights: MemberWeights;
  /**
   * [origins x horizon], truth minus what the members said together. Each origin is forecast with weights that its own
   * errors had no part in, as those of the forecast to come will be: weights that were chosen with an error in view
   * make it look small.
   */
  errors: Float64Array;
}

/**
 * Weighs members by their own recent loss, by step ahead and by the time of day of the origin.
 *
 * @param members per member [origins x horizon], NaN where it has no forecast
 */
export const weighMembers = (cells: PastCells, members: readonly Float64Array[]): Weighed => {
  const { horizon, truth, clock, clockParts } = cells;
  const ofOrigin = Array.from(clock, (_part, origin) => {
    const losses = new Losses(members, horizon);
    losses.addOrigin(cells, origin);
    return losses;
  });
  const byPart = Array.from({ length: clockParts }, () => new Losses(members, horizon));
  ofOrigin.forEach((losses, origin) => byPart[clock[origin]!]!.add(losses, 1));
  const around = byPart.map((_losses, now) => {
    const near = new Losses(members, horizon);
    byPart.forEach((losses, then) => near.add(losses, clockAffinity(now, then, clockParts)));
    return near;
  });
  const scratch = new WeightedValues(members.length);
  const errors = new Float64Array(truth.length);
  ofOrigin.forEach((losses, origin) => {
    const weights = around[clock[origin]!]!.without(losses).weights();
    for (let cell = origin * horizon; cell < (origin + 1) * horizon; cell++)
      errors[cell] = truth[cell]! - combined(members, weights, cell, horizon, scratch);
  });
  return { weights: around.map((near) => near.weights()), errors };
};
