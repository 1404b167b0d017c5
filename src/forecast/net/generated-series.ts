import { seededRandom } from '../../domain';
import type { SeriesToForecast } from '../series';

const HOUR_SECONDS = 3_600;
const HOURS_PER_DAY = 24;
const HOURS_PER_WEEK = 168;
/** A Monday, so that weekdays fall where the calendar has them. */
const FIRST_MONDAY_MS = Date.UTC(2024, 0, 1);

export interface GeneratedShape {
  count: number;
  steps: number;
  horizonSteps: number;
  seed: number;
  /** Default 3,600. */
  stepSeconds?: number;
  /** Steps called a day; default a day's of that length. */
  daySteps?: number;
  /** Fraction of the series with known events that draw an audience; default 0. */
  withEvents?: number;
}

/**
 * Audiences and loads that never were: each with a day's shape of its own, smooth or peaked, working days and
 * weekends, drift, changes of level, correlated noise, bursts, recurring jobs, and levels from ten to a million.
 * Seeded: for tests, for benches, and for the training of the model that ships.
 */
export const generatedSeries = (options: GeneratedShape): SeriesToForecast[] =>
  Array.from({ length: options.count }, (_, index) => generateOne(options, index));

type Random = () => number;

const normalFrom =
  (random: Random): Random =>
  () =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** A function of the hour of the day, on a logarithmic scale: slow waves, or peaks of some hours' width. */
const dayShape = (random: Random): ((hour: number) => number) => {
  const normal = normalFrom(random);
  const amplitude = 1.2 * random() ** 1.5;
  const waves = [1, 2, 3, 4].map((k) => ({
    size: (amplitude * normal()) / k,
    phase: 2 * Math.PI * random(),
  }));
  const peaks = Array.from({ length: Math.floor(3 * random()) }, () => ({
    height: 1.5 * amplitude * random(),
    hour: HOURS_PER_DAY * random(),
    width: 0.7 + 3 * random(),
  }));
  return (hour) => {
    let sum = 0;
    waves.forEach(({ size, phase }, k) => {
      sum += size * Math.cos((2 * Math.PI * (k + 1) * hour) / HOURS_PER_DAY + phase);
    });
    for (const peak of peaks) {
      const away = Math.abs(hour - peak.hour);
      sum += peak.height * Math.exp(-0.5 * (Math.min(away, HOURS_PER_DAY - away) / peak.width) ** 2);
    }
    return sum;
  };
};

/** Day shape and level by the hour of the week: weekends may be flatter, or another shape altogether. */
const weekShape = (random: Random): ((hour: number) => number) => {
  const normal = normalFrom(random);
  const workday = dayShape(random);
  const weekend = random() < 0.3 ? dayShape(random) : workday;
  const flattened = random() < 0.3 ? 1 : 1 - 0.6 * random();
  const levels = Array.from({ length: 7 }, (_, day) => (day >= 5 ? 0.4 : 0.1) * normal() * random());
  return (hour) => {
    const weekday = Math.floor(hour / HOURS_PER_DAY) % 7;
    const ofDay = hour % HOURS_PER_DAY;
    return levels[weekday]! + (weekday >= 5 ? flattened * weekend(ofDay) : workday(ofDay));
  };
};

/** Level of known events per step: some weekly ones and some at odd times, each of a few hours. */
const eventLevels = (steps: number, stepsPerHour: number, random: Random): number[] => {
  const levels = new Array<number>(steps).fill(0);
  const everyHours = 12 + 60 * random();
  for (let at = everyHours * random(); at * stepsPerHour < steps; at += everyHours * (0.4 + 1.2 * random())) {
    const level = 0.5 + 1.5 * random();
    const end = Math.min(steps, (at + 1 + 3 * random()) * stepsPerHour);
    for (let step = Math.floor(at * stepsPerHour); step < end; step++) levels[step] = level;
  }
  return levels;
};

const generateOne = (options: GeneratedShape, index: number): SeriesToForecast => {
  const random = seededRandom(options.seed * 1_000_003 + index);
  const normal = normalFrom(random);
  const stepSeconds = options.stepSeconds ?? HOUR_SECONDS;
  const stepsPerHour = options.daySteps ? options.daySteps / HOURS_PER_DAY : HOUR_SECONDS / stepSeconds;

  const level = 10 ** (1 + 5 * random());
  const usual = weekShape(random);
  const noise = 0.02 + 0.25 * random() ** 2;
  const memory = (0.5 + 0.49 * random()) ** (1 / stepsPerHour);
  const jitter = noise * random();
  const driftPerHour = (0.3 * random() ** 3) / HOURS_PER_WEEK ** 0.5;
  const shiftsPerHour = random() < 0.2 ? 0.005 : 0;
  const burstsPerHour = random() < 0.5 ? 0 : 0.03 * random();
  const burstMemory = (0.2 + 0.7 * random()) ** (1 / stepsPerHour);
  const jobHours = random() < 0.15 ? [1, 2, 4, 6, 12, 24][Math.floor(6 * random())]! : 0;
  const jobSize = 0.2 + 0.5 * random();
  const counts = random() < 0.3;
  const eventPull = 0.3 + 0.9 * random();
  const events =
    random() < (options.withEvents ?? 0)
      ? eventLevels(options.steps + options.horizonSteps, stepsPerHour, random)
      : null;

  const firstHour = Math.floor(random() * HOURS_PER_WEEK);
  // Other time zones, and dates that are placeholders.
  const clockError = random() < 0.5 ? 0 : Math.floor(random() * HOURS_PER_WEEK);
  let state = 0;
  let drift = 0;
  let burst = 0;
  const history = Array.from({ length: options.steps }, (_, step) => {
    const hour = firstHour + step / stepsPerHour;
    state = memory * state + noise * Math.sqrt(1 - memory ** 2) * normal();
    drift += (driftPerHour / Math.sqrt(stepsPerHour)) * normal();
    if (random() < shiftsPerHour / stepsPerHour) drift += 0.4 * normal();
    burst *= burstMemory;
    if (random() < burstsPerHour / stepsPerHour) burst += 0.2 + 0.8 * random() ** 2;
    const job = jobHours > 0 && hour % jobHours < Math.max(0.25, 1 / stepsPerHour) ? jobSize : 0;
    const event = events ? eventPull * events[step]! : 0;
    const mean =
      level *
      Math.exp(usual(hour % HOURS_PER_WEEK) + drift + state + burst + job + event + jitter * normal());
    return counts ? Math.max(0, Math.round(mean + Math.sqrt(mean) * normal())) : mean;
  });
  return {
    id: `generated-${index}`,
    stepSeconds,
    startMs: FIRST_MONDAY_MS + (firstHour + clockError) * stepsPerHour * stepSeconds * 1000,
    history,
    horizonSteps: options.horizonSteps,
    ...(options.daySteps && { daySteps: options.daySteps }),
    ...(events && { eventLevels: events }),
  };
};
