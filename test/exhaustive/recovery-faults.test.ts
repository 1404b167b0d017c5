import './support/mocks';
import { searchFaults } from './support/search';

test('every single fault and every pair of faults of a recovery leaves every invariant whole', async () => {
  const { runs, standsFor, failures, outcomes } = await searchFaults('recovery', { pairs: true });
  console.log(`recovery: ${runs} runs for ${standsFor}, ${JSON.stringify(outcomes)}`);
  expect(failures).toEqual([]);
  // Of each pair the second fault is put on every step that follows the first.
  expect(standsFor).toBeGreaterThan(5_000);
}, 1_200_000);
