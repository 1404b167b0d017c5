import type { ScaleAtOrigin, ScaledSeries } from './scaled-series';

const DAYS_PER_WEEK = 7;
const RECENT_STEPS = 6;
/** A spike on the net's scale is no further away than this. */
const FURTHEST = 6;

/**
 * Inputs of the net for one step ahead of one origin: same-step lags of 1 to 7 and of 14 days with the neighbours of
 * the first and the seventh, the latest steps and the same steps a day and a week ago, means of the latest hours, how
 * much the series changes, how far ahead the step is, event levels around it and at its lags, and the calendar.
 */
export const FEATURE_COUNT = 55;

/**
 * Writes the features of step `origin + ahead` at `out[at]`, FEATURE_COUNT values.
 *
 * Only steps before `origin` are read; event levels also of the step itself and its neighbours, as those are known
 * ahead. A lag from before the history is taken from the first day that has it.
 */
export const writeFeatures = (
  series: ScaledSeries,
  origin: number,
  ahead: number,
  scale: ScaleAtOrigin,
  out: Float32Array,
  at: number,
): void => {
  const { logs, events, daySteps } = series;
  const { level, spread } = scale;
  const step = origin + ahead;
  const week = DAYS_PER_WEEK * daySteps;
  let next = at;

  const valueAt = (wanted: number): number => {
    let i = wanted;
    if (i >= origin) i -= daySteps * Math.ceil((i - origin + 1) / daySteps);
    if (i < 0) i += daySteps * Math.ceil(-i / daySteps);
    if (i >= origin) i = origin - 1;
    return Math.max(-FURTHEST, Math.min(FURTHEST, (logs[i]! - level) / spread));
  };
  const meanBefore = (end: number, steps: number): number => {
    let sum = 0;
    for (let k = 1; k <= steps; k++) sum += valueAt(end - k);
    return sum / steps;
  };
  const eventAt = (i: number): number => events?.[i] ?? 0;

  // Beyond one day ahead, the value of a day before is not known yet either.
  const daysAhead = Math.floor(ahead / daySteps);
  const yesterday = step - (1 + daysAhead) * daySteps;
  const lastWeek = step - week * Math.ceil((ahead + 1) / week);
  let lagSum = 0;
  let lagSquares = 0;
  for (let day = 0; day < DAYS_PER_WEEK; day++) {
    const lag = valueAt(yesterday - day * daySteps);
    out[next++] = lag;
    lagSum += lag;
    lagSquares += lag * lag;
  }
  const lagMean = lagSum / DAYS_PER_WEEK;
  out[next++] = lagMean;
  out[next++] = Math.sqrt(Math.max(0, lagSquares / DAYS_PER_WEEK - lagMean * lagMean));
  out[next++] = valueAt(lastWeek - week);
  for (const lag of [yesterday, lastWeek]) {
    out[next++] = valueAt(lag - 1);
    out[next++] = valueAt(lag + 1);
  }

  for (let k = 1; k <= RECENT_STEPS; k++) out[next++] = valueAt(origin - k);
  out[next++] = valueAt(origin - 1 - daySteps);
  out[next++] = valueAt(origin - 1 - week);
  out[next++] = meanBefore(origin, RECENT_STEPS);
  out[next++] = meanBefore(origin - daySteps, RECENT_STEPS);
  out[next++] = meanBefore(origin - week, RECENT_STEPS);

  out[next++] = Math.log(spread);
  out[next++] = scale.stepChange;
  out[next++] = scale.dayChange;
  out[next++] = scale.weekChange;
  out[next++] = Math.min(1, origin / week);

  out[next++] = Math.log2(1 + ahead) / 5;
  out[next++] = ahead / daySteps;
  out[next++] = Math.exp(-ahead / 3);
  out[next++] = Math.log2(daySteps) / 8;

  for (let k = -1; k <= 1; k++) out[next++] = eventAt(step + k);
  for (let day = 0; day < DAYS_PER_WEEK; day++) out[next++] = eventAt(yesterday - day * daySteps);
  out[next++] = eventAt(origin - 1);

  const onTheClock = series.firstStep + step;
  for (const [period, harmonics] of [
    [daySteps, 3],
    [week, 2],
  ] as const) {
    const phase = (2 * Math.PI * (onTheClock % period)) / period;
    for (let k = 1; k <= harmonics; k++) {
      out[next++] = Math.sin(k * phase);
      out[next++] = Math.cos(k * phase);
    }
  }
};
