import './support/mocks';
import { parseFaults } from './support/faults';
import { runScenario, type Scenario } from './support/scenarios';

/** Repeats one run: SCENARIO=handoff FAULTS=9:late,13:late npx jest test/exhaustive/one-run */
const scenario = (process.env.SCENARIO ?? 'handoff') as Scenario;
const faults = process.env.FAULTS ? parseFaults(process.env.FAULTS) : [];

test(`${scenario} with ${process.env.FAULTS ?? 'no fault'}`, async () => {
  const { broken, steps, happened, outcomes } = await runScenario(scenario, faults);
  if (process.env.SCENARIO) {
    console.log(
      [
        ...steps.map((s) => `${s.number} +${s.atMs - 1_800_000_000_000} ${s.activity}: ${s.what}`),
        ...happened,
        ...outcomes,
      ].join('\n'),
    );
  }
  expect(broken).toEqual([]);
  // A run that was refused at its first step breaks nothing, and shows nothing.
  if (scenario === 'handoff' && faults.length === 0) expect(outcomes).toEqual(['handoff/ch-1/1 completed']);
});
