import './support/mocks';
import { distinctFaultsOn } from './support/faults';
import { runScenario, type Scenario } from './support/scenarios';

/** A few of the runs that the exhaustive search makes: quick enough to be made for every mutant of the sagas. */
const sampled = async (
  scenario: Scenario,
  everyNth: number,
): Promise<{ outcomes: Set<string>; broken: string[] }> => {
  const plain = await runScenario(scenario, []);
  const broken = [...plain.broken];
  const outcomes = new Set(plain.outcomes.map((line) => line.replace(/^\S+ /, '')));
  const { distinct } = distinctFaultsOn(plain.steps);
  for (const fault of distinct.filter((_, i) => i % everyNth === 0)) {
    const run = await runScenario(scenario, [fault]);
    broken.push(...run.broken.map((what) => `${fault.step}:${fault.kind} ${what}`));
    for (const line of run.outcomes) outcomes.add(line.replace(/^\S+ /, ''));
  }
  return { outcomes, broken };
};

/** Activities in the order of their first calls; an activity calls a part more than once. */
const stepsOf = async (scenario: Scenario): Promise<string[]> => {
  const { steps } = await runScenario(scenario, []);
  return steps.map(({ activity }) => activity).filter((name, i, all) => name !== all[i - 1]);
};

test('a handoff without a fault prepares, takes, commits, waits and releases, in this order', async () => {
  expect(await stepsOf('handoff')).toEqual([
    'chooseTarget',
    'prepareTarget',
    'takeOwnership',
    'commitTarget',
    'awaitPublished',
    'releaseSession',
  ]);
});

test('a recovery without a fault takes over and waits for the first GOP', async () => {
  expect(await stepsOf('recovery')).toEqual(['chooseTarget', 'takeOver', 'awaitPublished']);
});

test('one fault in twelve of a handoff leaves every invariant whole; handoffs complete, or are undone', async () => {
  const { outcomes, broken } = await sampled('handoff', 12);
  expect(broken).toEqual([]);
  expect([...outcomes]).toEqual(expect.arrayContaining(['completed']));
});

test('one fault in twelve of a recovery leaves every invariant whole, and the channel is recovered', async () => {
  const { outcomes, broken } = await sampled('recovery', 12);
  expect(broken).toEqual([]);
  expect([...outcomes]).toEqual(['recovered']);
});
