import './support/mocks';
import type { Scenario } from './support/scenarios';
import { rolloutSearch, searchFaults, inWords } from './support/search';

/** All pairs: EXHAUSTIVE=all npx jest test/exhaustive/rollback-faults, or an eighth of them: PART=0/8 beside it. */
test.each<[Scenario, number]>([
  ['rollback', 2],
  ['rollout-moves', 1],
])(
  '%s: every single fault leaves every invariant whole, and pairs of faults, %d for each first one or all',
  async (scenario, perFirst) => {
    const search = await searchFaults(scenario, rolloutSearch(perFirst));
    console.log(inWords(scenario, search));
    expect(search.failures).toEqual([]);
  },
  7_200_000,
);
