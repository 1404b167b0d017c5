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

/** Takes one safeguard away at a time: the search must notice. */
test.each([
  ['the fence of the origin', { noFence: true }, /was accepted after GOP/],
  ['the release of sessions', { noRelease: true }, /is left over on/],
  ['the control cycle that finds what was lost', { noSecondChance: true }, /is left over on|off air/],
])(
  'without %s invariants break',
  async (_, sabotage, sentence) => {
    const { failures } = await searchFaults('handoff', { pairs: false, sabotage });
    expect(failures.join('\n')).toMatch(sentence);
  },
  240_000,
);
