import type { SeriesToForecast } from '../series';

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_WEEK = 7;
/** Days that a series must have before an origin, to learn from it or to forecast there. */
export const DAYS_BEFORE_ORIGIN = 2;
/** Added to values before the logarithm, as a fraction of their mean: near zero the scale is linear. */
const OFFSET_FRACTION = 0.1;
/** A series that never changes still needs a unit of change: 2 %. */
const SMALLEST_SPREAD = 0.02;
/** Larger values are a broken counter, not demand. */
const MAX_PLAUSIBLE = 1e12;

/** Steps in a day of this series. */
export const dayStepsOf = ({ daySteps, stepSeconds }: Pick<SeriesToForecast, 'daySteps' | 'stepSeconds'>) =>
  daySteps ?? Math.max(1, Math.round(SECONDS_PER_DAY / stepSeconds));

const isKnown = (value: number | null | undefined): value is number =>
  typeof value === 'number' && value >= 0 && value <= MAX_PLAUSIBLE;

/**
 * Holes take the value of a day before, else the step before, else the first value known: a hole is no change.
 * @throws never; a series without any value is all zeros
 */
const withoutHoles = (history: readonly (number | null)[], daySteps: number): Float64Array => {
  const filled = new Float64Array(history.length);
  let latest = history.find(isKnown) ?? 0;
  history.forEach((value, step) => {
    if (isKnown(value)) latest = value;
    filled[step] = isKnown(value) ? value : (filled[step - daySteps] ?? latest);
  });
  return filled;
};

/** Sums of the first n values, for n = 0 ... length: the sum over any window is one subtraction. */
const runningSums = (length: number, valueAt: (step: number) => number): Float64Array => {
  const sums = new Float64Array(length + 1);
  for (let step = 0; step < length; step++) sums[step + 1] = (sums[step] as number) + valueAt(step);
  return sums;
};

/** What the net may know of a series at one origin: its level and how much it changes, over the week before. */
export interface ScaleAtOrigin {
  /** Mean and standard deviation of the logarithms; features and targets are (logarithm - level) / spread. */
  level: number;
  spread: number;
  /** Mean absolute change per step, from day to day and from week to week, in units of `spread`. */
  stepChange: number;
  dayChange: number;
  weekChange: number;
}

/**
 * A series on the net's scale: logarithms of (value + offset), holes filled. Scale-free, so that one net serves
 * channels of ten viewers and of a million.
 */
export class ScaledSeries {
  readonly length: number;
  readonly daySteps: number;
  /** Logarithms, one a step. */
  readonly logs: Float64Array;
  /** log1p of event levels over history and horizon; null where none are known. */
  readonly events: Float64Array | null;
  /** Index of history[0] on the wall clock's grid of steps. */
  readonly firstStep: number;
  private readonly offset: number;
  private readonly values: Float64Array;
  private readonly sums: Float64Array;
  private readonly squares: Float64Array;
  private readonly changes: Record<'step' | 'day' | 'week', Float64Array>;

  constructor(readonly source: SeriesToForecast) {
    const { history, startMs, stepSeconds, eventLevels } = source;
    const daySteps = dayStepsOf(source);
    const values = withoutHoles(history, daySteps);
    const mean = values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
    this.values = values;
    this.length = values.length;
    this.daySteps = daySteps;
    this.offset = mean > 0 ? OFFSET_FRACTION * mean : 1;
    this.logs = values.map((v) => Math.log(v + this.offset));
    this.events = eventLevels?.some((level) => level > 0)
      ? Float64Array.from(eventLevels, (level) => Math.log1p(Math.max(0, level)))
      : null;
    this.firstStep = Math.round(startMs / 1000 / stepSeconds);
    const { logs, length } = this;
    const changeOver = (steps: number): Float64Array =>
      runningSums(length, (i) => (i < steps ? 0 : Math.abs(logs[i]! - logs[i - steps]!)));
    this.sums = runningSums(length, (i) => logs[i]!);
    this.squares = runningSums(length, (i) => logs[i]! ** 2);
    this.changes = {
      step: changeOver(1),
      day: changeOver(daySteps),
      week: changeOver(DAYS_PER_WEEK * daySteps),
    };
  }

  /** The series as it was before a step. */
  before(end: number): ScaledSeries {
    const { history, eventLevels, horizonSteps, ...rest } = this.source;
    return new ScaledSeries({
      ...rest,
      horizonSteps,
      history: history.slice(0, end),
      ...(eventLevels && { eventLevels: eventLevels.slice(0, end + horizonSteps) }),
    });
  }

  /** True where the truth of a step was measured. */
  knows(step: number): boolean {
    return isKnown(this.source.history[step]);
  }

  /** A step's value; where it is a hole, what it was filled with. */
  valueAt(step: number): number {
    return this.values[step] ?? 0;
  }

  /** Mean value of the steps before this one. */
  meanBefore(step: number): number {
    return this.values.subarray(0, step).reduce((sum, v) => sum + v, 0) / Math.max(1, step);
  }

  /** @param origin the first step not known, in [1, length] */
  scaleAt(origin: number): ScaleAtOrigin {
    const from = Math.max(0, origin - DAYS_PER_WEEK * this.daySteps);
    const mean = (sums: Float64Array, first: number): number =>
      origin > first ? (sums[origin]! - sums[first]!) / (origin - first) : 0;
    const level = mean(this.sums, from);
    const variance = mean(this.squares, from) - level ** 2;
    const spread = Math.max(SMALLEST_SPREAD, Math.sqrt(Math.max(0, variance)));
    const { step, day, week } = this.changes;
    const dayChange = mean(day, Math.max(from, this.daySteps));
    const weekFrom = Math.max(from, DAYS_PER_WEEK * this.daySteps);
    return {
      level,
      spread,
      stepChange: mean(step, from) / spread,
      dayChange: dayChange / spread,
      weekChange: (origin > weekFrom ? mean(week, weekFrom) : dayChange) / spread,
    };
  }

  /** From the net's scale back to demand. */
  toValue(scaled: number, { level, spread }: ScaleAtOrigin): number {
    const value = Math.exp(level + spread * scaled) - this.offset;
    return Math.min(MAX_PLAUSIBLE, Math.max(0, value));
  }
}
