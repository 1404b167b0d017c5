import { seededRandom } from '../../src/domain';
import { normalOf } from '../../src/simulator';
import type { Trace } from '../../src/simulator';

const STEP_MS = 5 * 60_000;
const DAYS = 40;
const STEPS_PER_DAY = 288;
const TRACES = 6;
/** Monday. */
const START_MS = Date.UTC(2026, 0, 5);

/**
 * Audiences that nobody measured, so that a policy is not judged by the traces alone that it was made with: a day with
 * one or two crests, a week, a slow drift, restlessness that remembers hours, and events (a steep rise, a slow fall) at
 * moments that no season foretells.
 */
export const generatedTraces = (seed: number): Trace[] =>
  Array.from({ length: TRACES }, (_, n): Trace => {
    const random = seededRandom(seed * 7_919 + n);
    const normal = normalOf(random);
    const [crest, second, depth] = [18 + 4 * random(), 7 + 6 * random(), 0.3 + 0.5 * random()];
    const secondSize = random() < 0.5 ? 0 : 0.5 * random();
    const weekend = 0.6 + 0.9 * random();
    const drift = (random() - 0.5) * 0.4;
    const noise = 0.03 + 0.07 * random();
    const events = Array.from({ length: 25 }, () => ({
      at: Math.floor(random() * DAYS * STEPS_PER_DAY),
      size: 0.3 + 1.2 * random(),
      rise: 2 + Math.floor(10 * random()),
      fall: 12 + Math.floor(36 * random()),
    }));
    const bump = (hour: number, around: number): number => {
      const away = Math.min(Math.abs(hour - around), 24 - Math.abs(hour - around));
      return Math.exp(-(away * away) / 12);
    };
    let wander = 0;
    const values = new Float64Array(DAYS * STEPS_PER_DAY);
    for (let i = 0; i < values.length; i++) {
      const hour = (24 * (i % STEPS_PER_DAY)) / STEPS_PER_DAY;
      const day = Math.floor(i / STEPS_PER_DAY);
      wander = 0.98 * wander + Math.sqrt(1 - 0.98 ** 2) * normal();
      let value = 1 - depth + depth * (bump(hour, crest) + secondSize * bump(hour, second));
      value *= (day % 7 >= 5 ? weekend : 1) * (1 + (drift * i) / values.length) * Math.exp(noise * wander);
      for (const { at, size, rise, fall } of events) {
        if (i < at || i > at + 6 * fall) continue;
        value *= 1 + size * Math.min(1, (i - at) / rise) * Math.exp(-Math.max(0, i - at - rise) / fall);
      }
      values[i] = 1_000 * value;
    }
    return { name: `generated-${seed}-${n}`, startMs: START_MS, stepMs: STEP_MS, values };
  });
