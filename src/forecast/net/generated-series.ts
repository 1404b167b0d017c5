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
  /** Default 3,600; a divisor or a multiple of it. */
  stepSeconds?: number;
}

/**
 * Audiences that never were: each with a day's shape of its own, a week's, a slow drift, correlated noise, bursts and
 * levels from ten viewers to a million. Seeded: for tests, benches and the training of the model that ships.
 */
export const generatedSeries = (o: GeneratedShape): SeriesToForecast[] =>
  Array.from({ length: o.count }, (_, index) => generateOne(o, index));

const generateOne = (o: GeneratedShape, index: number): SeriesToForecast => {
  const random = seededRandom(o.seed * 1_000_003 + index);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const stepSeconds = o.stepSeconds ?? HOUR_SECONDS;
  const hoursPerStep = stepSeconds / HOUR_SECONDS;

  const level = 10 ** (1 + 5 * random());
  const dayAmplitude = 1.2 * random() ** 1.5;
  const harmonics = [1, 2, 3, 4].map((k) => ({
    size: (dayAmplitude * normal()) / k,
    phase: 2 * Math.PI * random(),
  }));
  const weekdays = Array.from({ length: 7 }, (_, day) => (day >= 5 ? 0.4 : 0.1) * normal() * random());
  const weekendStretch = 0.6 * random();
  const memory = 0.5 + 0.49 * random();
  const noise = 0.02 + 0.25 * random() ** 2;
  const jitter = noise * random();
  const driftPerHour = (0.02 * normal()) / HOURS_PER_WEEK ** 0.5;
  const burstsPerHour = random() < 0.5 ? 0 : 0.02 * random();

  const firstHour = Math.floor(random() * HOURS_PER_WEEK);
  let state = 0;
  let drift = 0;
  let burst = 0;
  const stepMemory = memory ** hoursPerStep;
  const history = Array.from({ length: o.steps }, (_, step) => {
    const hour = firstHour + step * hoursPerStep;
    const weekday = Math.floor((hour % HOURS_PER_WEEK) / HOURS_PER_DAY);
    const stretch = weekday >= 5 ? 1 - weekendStretch : 1;
    const day = harmonics.reduce(
      (sum, { size, phase }, k) =>
        sum + size * Math.cos((2 * Math.PI * (k + 1) * (hour % HOURS_PER_DAY)) / HOURS_PER_DAY + phase),
      0,
    );
    state = stepMemory * state + noise * Math.sqrt(1 - stepMemory ** 2) * normal();
    drift += driftPerHour * Math.sqrt(hoursPerStep) * normal();
    burst *= 0.6 ** hoursPerStep;
    if (random() < burstsPerHour * hoursPerStep) burst += 0.3 + 0.7 * random();
    const log = stretch * day + weekdays[weekday]! + drift + state + burst + jitter * normal();
    return level * Math.exp(log);
  });
  return {
    id: `generated-${index}`,
    stepSeconds,
    startMs: FIRST_MONDAY_MS + firstHour * HOUR_SECONDS * 1000,
    history,
    horizonSteps: o.horizonSteps,
  };
};
