import type { CleanSeries } from './clean-series';
import type { FitFrame, PointMember } from './point-member';

const DAYS_PER_WEEK = 7;
/** Tried on the history itself; the set with the least one-step error is taken. */
const LEVEL_GAINS = [0.01, 0.05, 0.15];
const DAY_GAINS = [0.05, 0.15, 0.3];
const WEEK_GAINS = [0.1, 0.3, 0.5];
const PERSISTENCES = [0.5, 0.8, 0.95];
/** An error larger than this many usual ones moves the state no further than that: a spike is not a new day. */
const MAX_ERROR_SIZES = 3;
/** Gain of the running size of errors. */
const SIZE_GAIN = 0.02;
const MIN_ERROR_SIZE = 0.02;

interface Gains {
  level: number;
  day: number;
  week: number;
  persistence: number;
}

/** State after a step: level, one value per step of the day and of the week, and the last error that persists. */
class Smoother {
  level: number;
  readonly day: Float64Array;
  readonly week: Float64Array;
  lastError = 0;
  private errorSize = 0;
  /** Step at which learning begins. */
  readonly begin: number;

  constructor(
    private readonly series: CleanSeries,
    private readonly gains: Gains,
    private readonly weekSteps: number,
  ) {
    const { z, daySteps } = series;
    this.begin = weekSteps > 0 ? weekSteps : daySteps;
    this.day = new Float64Array(daySteps);
    this.week = new Float64Array(Math.max(1, weekSteps));
    let sum = 0;
    for (let step = 0; step < this.begin; step++) sum += z[step]!;
    this.level = sum / this.begin;
    const days = this.begin / daySteps;
    for (let step = 0; step < this.begin; step++)
      this.day[step % daySteps]! += (z[step]! - this.level) / days;
    for (let step = 0; step < weekSteps; step++)
      this.week[step] = z[step]! - this.level - this.day[step % daySteps]!;
  }

  private base(step: number): number {
    return this.level + this.day[step % this.day.length]! + this.week[step % this.week.length]!;
  }

  /** Takes in one step and returns its error. */
  learn(step: number): number {
    const base = this.base(step);
    const predicted = base + this.gains.persistence * this.lastError;
    const error = this.series.known[step] ? this.series.z[step]! - predicted : 0;
    const most = MAX_ERROR_SIZES * Math.max(MIN_ERROR_SIZE, this.errorSize);
    const believed = step < this.begin + this.day.length ? error : Math.max(-most, Math.min(most, error));
    this.errorSize += SIZE_GAIN * (Math.abs(believed) - this.errorSize);
    if (this.errorSize === 0) this.errorSize = Math.abs(believed);
    this.level += this.gains.level * believed;
    this.day[step % this.day.length]! += this.gains.day * believed;
    if (this.weekSteps > 0) this.week[step % this.week.length]! += this.gains.week * believed;
    this.lastError = predicted + believed - base;
    return error;
  }

  predict(origin: number, ahead: number): number {
    return this.base(origin + ahead) + this.gains.persistence ** (ahead + 1) * this.lastError;
  }
}

const totalError = (series: CleanSeries, gains: Gains, weekSteps: number): number => {
  const smoother = new Smoother(series, gains, weekSteps);
  let sum = 0;
  for (let step = smoother.begin; step < series.z.length; step++) sum += Math.abs(smoother.learn(step));
  return sum;
};

const bestGains = (series: CleanSeries, weekSteps: number): Gains => {
  let [best, least] = [{ level: 0, day: 0, week: 0, persistence: 0 }, Infinity];
  for (const level of LEVEL_GAINS)
    for (const day of DAY_GAINS)
      for (const week of weekSteps > 0 ? WEEK_GAINS : [0])
        for (const persistence of PERSISTENCES) {
          const gains = { level, day, week, persistence };
          const error = totalError(series, gains, weekSteps);
          if (error < least) [best, least] = [gains, error];
        }
  return best;
};

/**
 * Exponential smoothing with a season of a day and, where the history knows two, of a week, and with an
 * autoregressive error (Taylor, J. Oper. Res. Soc. 54, 2003), on the logarithmic scale; errors are bounded, so
 * that a spike does not become a season (after Gelper et al., J. Forecast. 29, 2010).
 */
export const fitDoubleSeasonal = ({ series, horizon, origins }: FitFrame): PointMember => {
  const weekOfSteps = DAYS_PER_WEEK * series.daySteps;
  const weekSteps = series.z.length >= 2 * weekOfSteps ? weekOfSteps : 0;
  const gains = bestGains(series, weekSteps);
  const past = new Float64Array(origins.length * horizon).fill(NaN);
  const run = (now: CleanSeries, visit: (smoother: Smoother, origin: number) => void): Smoother => {
    const smoother = new Smoother(now, gains, weekSteps);
    for (let step = smoother.begin; step < now.z.length; step++) {
      visit(smoother, step);
      smoother.learn(step);
    }
    return smoother;
  };
  let index = 0;
  run(series, (smoother, origin) => {
    while (origins[index]! < origin) index++;
    if (origins[index] !== origin || origin < smoother.begin + series.daySteps) return;
    for (let ahead = 0; ahead < horizon; ahead++)
      past[index * horizon + ahead] = smoother.predict(origin, ahead);
  });
  return {
    name: 'smoothing',
    past,
    forecast: (now) => {
      const smoother = run(now, () => undefined);
      return Float64Array.from({ length: horizon }, (_, ahead) => smoother.predict(now.z.length, ahead));
    },
  };
};
