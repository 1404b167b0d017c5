import type { Trace } from '../../src/simulator/trace-files';

const DAY_STEPS = 48;

/** A trace of half-hours with a plain daily wave: 100 at four in the morning, 1,000 at four in the afternoon. */
export const waveTrace = (name: string, days = 20): Trace => ({
  name,
  startMs: Date.UTC(2020, 0, 1),
  stepMs: 1_800_000,
  values: Float64Array.from(
    { length: days * DAY_STEPS + 1 },
    (_, i) => 550 - 450 * Math.cos((2 * Math.PI * (i - 8)) / DAY_STEPS),
  ),
});

export const csvOf = ({ startMs, stepMs, values }: Trace): string =>
  `timestamp,value\n${Array.from(values, (v, i) => `${new Date(startMs + i * stepMs).toISOString()},${v}`).join('\n')}\n`;
