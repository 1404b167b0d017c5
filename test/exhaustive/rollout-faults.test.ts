import './support/mocks';
import { searchFaults } from './support/search';

test('single', async () => {
  const { runs, standsFor, failures, outcomes } = await searchFaults('rollout', { pairs: false });
  console.log(`rollout: ${runs} runs for ${standsFor}, ${JSON.stringify(outcomes)}`);
  expect(failures).toEqual([]);
}, 1_200_000);
