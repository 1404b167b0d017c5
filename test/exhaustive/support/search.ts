import { seededRandom, shuffled } from '../../../src/domain';
import { distinctFaultsOn, faultsOn, named } from './faults';
import type { Fault } from './network-model';
import { runScenario, type RunResult, type Scenario } from './scenarios';
import type { Sabotage } from './world';

export interface Search {
  /** Runs made, and combinations of faults that they stand for. */
  runs: number;
  standsFor: number;
  /** Steps of the run without any fault. */
  steps: number;
  /** One entry per run that broke an invariant, with the command that repeats it. */
  failures: string[];
  /** How often sagas ended how. */
  outcomes: Record<string, number>;
}

export interface SearchOptions {
  /** Every pair, none, or so many for each first fault, chosen by a seed. */
  pairs: 'all' | 'none' | { perFirst: number; seed: number };
  sabotage?: Sabotage;
  /** Part `index` of `of`, by first faults: parts of one search can run beside each other. */
  part?: { index: number; of: number };
  /** Ends the search at the first failure that it matches. */
  stopAtFailure?: RegExp;
}

/**
 * Runs a scenario with every single fault and, for `pairs`, every pair: the second on each step that follows the
 * first. Faults of the same effect (faults.ts) are run once.
 */
export const searchFaults = async (scenario: Scenario, options: SearchOptions): Promise<Search> => {
  const search: Search = { runs: 0, standsFor: 0, steps: 0, failures: [], outcomes: {} };
  const run = async (faults: Fault[], standsFor = 1): Promise<RunResult> => {
    const result = await runScenario(scenario, faults, options.sabotage);
    search.runs += 1;
    search.standsFor += standsFor;
    for (const line of result.outcomes) {
      const outcome = line.replace(/\/\S+/, '');
      search.outcomes[outcome] = (search.outcomes[outcome] ?? 0) + 1;
    }
    if (result.broken.length > 0) {
      search.failures.push(
        `${result.broken.join('; ')}\n    after ${result.happened.join('; ')} (${result.outcomes.join(', ')})\n` +
          `    repeat: SCENARIO=${scenario} FAULTS=${named(faults)} npx jest test/exhaustive/one-run`,
      );
    }
    return result;
  };
  const { steps } = await run([]);
  search.steps = steps.length;
  const { distinct, harmless } = distinctFaultsOn(steps);
  // With a harmless fault first, a pair is the second fault alone.
  if (!options.part || options.part.index === 0) {
    search.standsFor += harmless.length;
    if (options.pairs === 'all')
      for (const { step } of harmless) search.standsFor += faultsOn(steps, step).length;
  }
  const random = seededRandom(typeof options.pairs === 'object' ? options.pairs.seed : 0);

  const isStopped = (): boolean => {
    const last = search.failures.at(-1);
    return last !== undefined && (options.stopAtFailure?.test(last) ?? false);
  };
  const { index, of } = options.part ?? { index: 0, of: 1 };
  for (const [i, first] of distinct.entries()) {
    if (i % of !== index) continue;
    if (isStopped()) break;
    const { steps: stepsAfterFirst } = await run([first], first.standsFor);
    if (options.pairs === 'none') continue;
    const second = distinctFaultsOn(stepsAfterFirst, first.step);
    if (options.pairs === 'all') search.standsFor += first.standsFor * second.harmless.length;
    const chosen =
      options.pairs === 'all'
        ? second.distinct
        : shuffled(second.distinct, random).slice(0, options.pairs.perFirst);
    for (const fault of chosen) await run([first, fault], first.standsFor * fault.standsFor);
  }
  return search;
};

const PART = /^(\d+)\/(\d+)$/;

/**
 * How a rollout is searched: its pairs are too many for each CI run. EXHAUSTIVE=all: all of them, of which PART=2/8
 * takes the third eighth; else so many for each first fault, by FAULT_SEED.
 */
export const rolloutSearch = (perFirst: number): Pick<SearchOptions, 'pairs' | 'part'> => {
  const { EXHAUSTIVE, PART: part = '', FAULT_SEED = '20261128' } = process.env;
  const [, index, of] = PART.exec(part) ?? [];
  return {
    pairs: EXHAUSTIVE === 'all' ? 'all' : { perFirst, seed: Number(FAULT_SEED) },
    ...(of !== undefined && { part: { index: Number(index), of: Number(of) } }),
  };
};

/** One line for people. */
export const inWords = (scenario: Scenario, { steps, runs, standsFor, outcomes }: Search): string =>
  `${scenario}: ${steps} calls, ${runs} runs for ${standsFor} single faults and pairs, ${JSON.stringify(outcomes)}`;
