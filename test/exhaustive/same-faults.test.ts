import './support/mocks';
import { faultsOn, named, sameFault } from './support/faults';
import { runScenario } from './support/scenarios';

/**
 * The searches leave out faults that have the effect of another one, or none: here each of them is run as a single
 * fault, and must leave the world as the one that stands for it does, call by call and state by state.
 */
test.each(['handoff', 'recovery', 'rollout'] as const)(
  'faults left out of %s have the effect of those run',
  async (scenario) => {
    const whole = await runScenario(scenario, []);
    const wholeDigest = whole.digest();
    const digests = new Map<string, string>();
    let leftOut = 0;
    for (const fault of faultsOn(whole.steps)) {
      const same = sameFault(fault, whole.steps);
      if (same !== null && named([same]) === named([fault])) continue;
      leftOut += 1;
      const key = same === null ? '' : named([same]);
      if (same !== null && !digests.has(key))
        digests.set(key, (await runScenario(scenario, [same])).digest());
      const expected = same === null ? wholeDigest : digests.get(key);
      const { digest } = await runScenario(scenario, [fault]);
      // Not toEqual: the difference of two such long lines helps nobody.
      expect([named([fault]), digest() === expected]).toEqual([named([fault]), true]);
    }
    expect(leftOut).toBeGreaterThan(50);
  },
  240_000,
);
