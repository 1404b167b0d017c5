/** A slot of the day is as uncertain as its own errors say, and with this weight as those of all slots do. */
const PRIOR_SHARE = (globalThis as any).P?.prior ?? 0.5;
/** Errors within this part of a day to each side belong to a slot too. */
const SLOT_REACH_DAYS = ((globalThis as any).P?.reach ?? 1) / 24;
/** The same for steps ahead, as a part of the horizon. */
const AHEAD_REACH = (globalThis as any).P?.areach ?? 0.1;
const MIN_SIZE = 1e-6;

/** Errors of held-back forecasts, `origins x horizon`, NaN where not known; on the logarithmic scale. */
export interface PastErrors {
  errors: Float64Array;
  horizon: number;
  daySteps: number;
  /** Absolute step of each origin, ascending. */
  origins: readonly number[];
  /** [origins], how much each counts: the latest most. */
  recency: Float64Array;
}

/** How uncertain a forecast is, by slot of the day and by steps ahead; and the errors in these units. */
export interface ErrorSizes {
  /** [daySteps], usual absolute error of the slot. */
  bySlot: Float64Array;
  /** [horizon], relative to the mean over the horizon. */
  byAhead: Float64Array;
}

const slotOf = (step: number, daySteps: number): number => ((step % daySteps) + daySteps) % daySteps;

export const errorSizes = ({ errors, horizon, daySteps, origins, recency }: PastErrors): ErrorSizes => {
  const [slotSum, slotWeight] = [new Float64Array(daySteps), new Float64Array(daySteps)];
  const [aheadSum, aheadWeight] = [new Float64Array(horizon), new Float64Array(horizon)];
  for (let cell = 0; cell < errors.length; cell++) {
    const size = Math.abs(errors[cell]!);
    if (Number.isNaN(size)) continue;
    const [origin, ahead] = [Math.floor(cell / horizon), cell % horizon];
    const weight = recency[origin]!;
    const slot = slotOf(origins[origin]! + ahead, daySteps);
    slotSum[slot]! += weight * size;
    slotWeight[slot]! += weight;
    aheadSum[ahead]! += weight * size;
    aheadWeight[ahead]! += weight;
  }
  const total = slotWeight.reduce((sum, w) => sum + w, 0);
  const usual = Math.max(MIN_SIZE, slotSum.reduce((sum, s) => sum + s, 0) / Math.max(total, MIN_SIZE));
  const [slotReach, aheadReach] = [Math.round(SLOT_REACH_DAYS * daySteps), Math.round(AHEAD_REACH * horizon)];
  const prior = PRIOR_SHARE * (total / daySteps) * (2 * slotReach + 1);
  const bySlot = Float64Array.from({ length: daySteps }, (_, slot) => {
    let [sum, weight] = [prior * usual, prior];
    for (let near = -slotReach; near <= slotReach; near++) {
      sum += slotSum[slotOf(slot + near, daySteps)]!;
      weight += slotWeight[slotOf(slot + near, daySteps)]!;
    }
    return Math.max(MIN_SIZE, sum / Math.max(weight, MIN_SIZE));
  });
  const byAhead = Float64Array.from({ length: horizon }, (_, ahead) => {
    let [sum, weight] = [0, 0];
    for (
      let near = Math.max(0, ahead - aheadReach);
      near <= Math.min(horizon - 1, ahead + aheadReach);
      near++
    ) {
      sum += aheadSum[near]!;
      weight += aheadWeight[near]!;
    }
    return weight > 0 ? Math.max(MIN_SIZE, sum / weight / usual) : 1;
  });
  return { bySlot, byAhead };
};

export const sizeOf = ({ bySlot, byAhead }: ErrorSizes, step: number, ahead: number): number =>
  bySlot[slotOf(step, bySlot.length)]! * byAhead[ahead]!;

/** Weighted quantile of values sorted ascending, with the conformal correction for the forecast to come. */
const weightedQuantile = (values: readonly { value: number; weight: number }[], level: number): number => {
  let total = 0;
  for (const { weight } of values) total += weight;
  let reached = 0;
  for (const { value, weight } of values) {
    reached += weight;
    if (reached >= level * total) return value;
  }
  return values.at(-1)?.value ?? 0;
};

export const LEVELS = [0.1, 0.5, 0.9] as const;

/** Quantiles of the errors in units of their size, per step ahead: [horizon] each of P10, P50, P90. */
export const errorQuantiles = (past: PastErrors, sizes: ErrorSizes): Float64Array[] => {
  const { errors, horizon, origins, recency } = past;
  const reach = Math.round(AHEAD_REACH * horizon);
  const byAhead = Array.from({ length: horizon }, (_, ahead) => {
    const list: { value: number; weight: number }[] = [];
    origins.forEach((origin, i) => {
      const value = errors[i * horizon + ahead]! / sizeOf(sizes, origin + ahead, ahead);
      if (!Number.isNaN(value)) list.push({ value, weight: recency[i]! });
    });
    return list;
  });
  const result = LEVELS.map(() => new Float64Array(horizon));
  for (let ahead = 0; ahead < horizon; ahead++) {
    const near = byAhead.slice(Math.max(0, ahead - reach), ahead + reach + 1).flat();
    near.sort((a, b) => a.value - b.value);
    LEVELS.forEach((level, q) => (result[q]![ahead] = weightedQuantile(near, level)));
  }
  return result;
};
