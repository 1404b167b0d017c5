import type { Measures, SimulationResult } from '../../src/simulator';
import { rounded } from '../lib/statistics';

type ByPolicy = Record<string, Measures>;
type Numbers = Record<string, number | null>;

/** "3", "1..5" or "1,4,9". */
export const parseSeeds = (text: string): number[] => {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  const [from, to] = [Number(range?.[1]), Number(range?.[2])];
  const seeds = range
    ? Array.from({ length: to - from + 1 }, (_, i) => from + i)
    : text.split(',').map(Number);
  if (seeds.length === 0 || seeds.some((seed) => !Number.isInteger(seed) || seed < 0)) return [];
  return seeds;
};

export const measuresOf = (result: SimulationResult): ByPolicy =>
  Object.fromEntries(result.runs.map((run) => [run.policy, run.measures]));

const mean = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
};

/** Means over the runs; shares of moves are pooled, so that a run with few of them does not count like the others. */
export const meanMeasures = (runs: readonly Measures[]): Measures => {
  const [first] = runs;
  const means = Object.fromEntries(
    Object.keys(first ?? {}).map((name) => [name, mean(runs.map((run) => run[name as keyof Measures]))]),
  );
  const prevented = runs.reduce((sum, run) => sum + (run.movesThatPrevented ?? 0), 0);
  const inTime = runs.reduce(
    (sum, run) => sum + (run.movesThatPrevented ?? 0) * (run.movesBeforeOverloadShare ?? 0),
    0,
  );
  return {
    ...(means as unknown as Measures),
    movesBeforeOverloadShare: prevented > 0 ? inTime / prevented : null,
  };
};

const ratio = (a: number | null | undefined, b: number | null | undefined): number | null =>
  a === null || a === undefined || b === null || b === undefined || b === 0 ? null : a / b;

/** The figures that issue 5 sets targets for. */
export const targetsOf = (m: ByPolicy): Numbers => ({
  overloadVsHpa: ratio(m.swarm?.overloadedMinutes, m.hpa?.overloadedMinutes),
  overloadVsThresholdRule: ratio(m.swarm?.overloadedMinutes, m['threshold-rule']?.overloadedMinutes),
  hoursVsHpa: ratio(m.swarm?.encoderHours, m.hpa?.encoderHours),
  hoursVsClairvoyant: ratio(m.swarm?.encoderHours, m.clairvoyant?.encoderHours),
  hoursVsStaticPeak: ratio(m.swarm?.encoderHours, m['static-peak']?.encoderHours),
  handoffsPerChannelDay: m.swarm?.handoffsPerChannelDay ?? null,
  movesThatPrevented: m.swarm?.movesThatPrevented ?? null,
  inTimeShare: m.swarm?.movesBeforeOverloadShare ?? null,
});

export const roundedNumbers = (numbers: object): Numbers =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, rounded(value as number | null, 3)]),
  );
