import { WeightedValues } from './quantiles';

/** Held-back forecasts of one fit: `origins x horizon` values per member, NaN where it has none. */
export interface PastForecasts {
  members: readonly Float64Array[];
  /** Truth of each cell of the members' arrays; NaN where it is not known. */
  truth: Float64Array;
  horizon: number;
  /** [origins], how much each counts: the latest most. */
  recency: Float64Array;
}

/** Loss of so many days ago weighs half. */
const HALF_LIFE_DAYS = 10;
/** Weights fall with this power of the loss: a member half as good has a sixteenth of the weight. */
const LOSS_POWER = 4;
/** Losses of neighbouring steps ahead, this part of the horizon to each side, are taken together. */
const NEIGHBOUR_SHARE = 0.125;

/** Weight of each origin by its age; `end` is the first step after the history. */
export const recencyOf = (origins: readonly number[], end: number, daySteps: number): Float64Array =>
  Float64Array.from(origins, (origin) => 0.5 ** ((end - origin) / (HALF_LIFE_DAYS * daySteps)));

/**
 * Weight of each member for each step ahead, [members x horizon], from its own recent loss.
 *
 * The loss is the absolute error, twice the pinball loss of the median. A member that was not tried everywhere is
 * compared with the others where it was.
 */
export const memberWeights = ({ members, truth, horizon, recency }: PastForecasts): Float64Array => {
  const [own, others] = [
    new Float64Array(members.length * horizon),
    new Float64Array(members.length * horizon),
  ];
  for (let cell = 0; cell < truth.length; cell++) {
    const [actual, ahead] = [truth[cell]!, cell % horizon];
    if (Number.isNaN(actual)) continue;
    let [sum, count] = [0, 0];
    for (const member of members) {
      const error = Math.abs(actual - member[cell]!);
      if (Number.isNaN(error)) continue;
      sum += error;
      count++;
    }
    if (count < 2) continue;
    const weight = recency[Math.floor(cell / horizon)]!;
    members.forEach((member, m) => {
      const error = Math.abs(actual - member[cell]!);
      if (Number.isNaN(error)) return;
      own[m * horizon + ahead]! += weight * error;
      others[m * horizon + ahead]! += (weight * sum) / count;
    });
  }
  const reach = Math.max(1, Math.round(NEIGHBOUR_SHARE * horizon));
  const weights = new Float64Array(own.length);
  for (let m = 0; m < members.length; m++)
    for (let ahead = 0; ahead < horizon; ahead++) {
      let [loss, usual] = [0, 0];
      for (let near = Math.max(0, ahead - reach); near <= Math.min(horizon - 1, ahead + reach); near++) {
        loss += own[m * horizon + near]!;
        usual += others[m * horizon + near]!;
      }
      weights[m * horizon + ahead] = usual > 0 && loss > 0 ? (usual / loss) ** LOSS_POWER : 1;
    }
  return weights;
};

/** What the members say together for one cell: the weighted mean of the middle half. NaN where none says anything. */
export const combined = (
  members: readonly Float64Array[],
  weights: Float64Array,
  cell: number,
  ahead: number,
  horizon: number,
  scratch: WeightedValues,
): number => {
  scratch.clear();
  members.forEach((member, m) => {
    const value = member[cell]!;
    if (!Number.isNaN(value)) scratch.insert(value, weights[m * horizon + ahead]!);
  });
  return scratch.meanBetween(0.25, 0.75);
};
