import { z } from 'zod';
import type { Victim } from './kill-plan';
import type { SuiteName } from './options';

/** What a suite's last line says of frames. */
export const frameCountsSchema = z.object({
  framesChecked: z.number(),
  framesLost: z.number(),
  framesRepeated: z.number(),
  gapsDeclared: z.number(),
});
export type FrameCounts = z.infer<typeof frameCountsSchema>;

/** What one run of a suite came to. */
export interface SuiteRun {
  name: SuiteName;
  /** Ended with exit code 0. */
  ok: boolean;
  /** While there was load and processes were killed. */
  loadMs: number;
  /** By type and outcome: "handoff completed". */
  outcomes: Record<string, number>;
  /** Sagas that did not end, or ended unresolved; in words. */
  unresolved: string[];
  fenceFaults: string[];
  /** Null where the suite printed no result. */
  frames: FrameCounts | null;
  kills: Record<Victim, number>;
}

/** Last line of `npm run cluster:test`. */
export interface ClusterResult {
  sagas: number;
  completed: number;
  compensated: number;
  recovered: number;
  unfinished: number;
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  /** GOPs that nobody published, as the ring of the relay ended before somebody could. */
  gapsDeclared: number;
  doubleOwners: number;
  killsOfFrontend: number;
  killsOfHistory: number;
  killsOfMatching: number;
  killsOfDatabase: number;
  killsOfWorker: number;
  /** Of load. */
  minutes: number;
  seed: number;
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

/** The figures of all suites. Pure. */
export const resultOf = (runs: readonly SuiteRun[], seed: number): ClusterResult => {
  const withOutcome = (outcome: string): number =>
    sum(runs, ({ outcomes }) =>
      sum(Object.entries(outcomes), ([name, count]) => (name.endsWith(` ${outcome}`) ? count : 0)),
    );
  const kills = (victim: Victim): number => sum(runs, (run) => run.kills[victim]);
  const unfinished = sum(runs, ({ unresolved }) => unresolved.length);
  return {
    sagas: unfinished + sum(runs, ({ outcomes }) => sum(Object.values(outcomes), (count) => count)),
    completed: withOutcome('completed'),
    compensated: withOutcome('compensated'),
    recovered: withOutcome('recovered'),
    unfinished,
    framesChecked: sum(runs, ({ frames }) => frames?.framesChecked ?? 0),
    framesLost: sum(runs, ({ frames }) => frames?.framesLost ?? 0),
    framesRepeated: sum(runs, ({ frames }) => frames?.framesRepeated ?? 0),
    gapsDeclared: sum(runs, ({ frames }) => frames?.gapsDeclared ?? 0),
    doubleOwners: sum(runs, ({ fenceFaults }) => fenceFaults.length),
    killsOfFrontend: kills('frontend'),
    killsOfHistory: kills('history'),
    killsOfMatching: kills('matching'),
    killsOfDatabase: kills('database'),
    killsOfWorker: kills('worker'),
    minutes: Number((sum(runs, ({ loadMs }) => loadMs) / 60_000).toFixed(1)),
    seed,
  };
};

/** Everything that makes the test fail, in words; empty if it holds. Pure. */
export const failuresOf = (runs: readonly SuiteRun[]): string[] =>
  runs.flatMap(({ name, ok, unresolved, fenceFaults, frames }, i) => {
    const suite = `${name} (suite ${i + 1})`;
    const { framesChecked = 0, framesLost = 0, framesRepeated = 0 } = frames ?? {};
    return [
      ...(ok ? [] : [`${suite} did not end well: see what it printed`]),
      ...(framesChecked === 0 ? [`${suite}: no frame was checked`] : []),
      ...(framesLost + framesRepeated > 0
        ? [`${suite}: ${framesLost} frames were lost, ${framesRepeated} repeated`]
        : []),
      ...unresolved.map((saga) => `${suite}: ${saga}`),
      ...fenceFaults.map((fault) => `${suite}: ${fault}`),
    ];
  });
