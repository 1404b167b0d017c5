import { parseFaults, runScenario, type Scenario } from './support/scenarios';
import type * as Model from './support/temporal-model';

jest.mock(
  '@temporalio/workflow',
  () => jest.requireActual<typeof Model>('./support/temporal-model').workflowModule,
);
jest.mock(
  '@temporalio/activity',
  () => jest.requireActual<typeof Model>('./support/temporal-model').activityModule,
);
jest.mock('../../activities/refusing-client', () => ({ refusingClient: (client: unknown) => client }));

/** Repeats one run: SCENARIO=handoff FAULTS=9:late,13:late npx jest test/exhaustive/one-run */
const scenario = (process.env.SCENARIO ?? 'handoff') as Scenario;
const faults = process.env.FAULTS ? parseFaults(process.env.FAULTS) : [];

test(`${scenario} with ${process.env.FAULTS ?? 'no fault'}`, async () => {
  const { broken, steps, happened, outcomes } = await runScenario(scenario, faults);
  if (process.env.FAULTS) {
    console.log(
      [...steps.map((s) => `${s.number} ${s.activity}: ${s.what}`), ...happened, ...outcomes].join('\n'),
    );
  }
  expect(broken).toEqual([]);
});
