import { searchFaults } from './support/scenarios';
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

test('every single fault and every pair of faults of a recovery leaves every invariant whole', async () => {
  const { runs, failures, outcomes } = await searchFaults('recovery', { pairs: true });
  console.log(`recovery: ${runs} runs, ${JSON.stringify(outcomes)}`);
  expect(failures).toEqual([]);
  // Of each pair the second fault is put on every step that follows the first.
  expect(runs).toBeGreaterThan(5_000);
}, 1_200_000);
