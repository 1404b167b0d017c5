import './support/mocks';
import { searchFaults, inWords } from './support/search';

test('every single fault and every pair of faults of a handoff leaves every invariant whole', async () => {
  const search = await searchFaults('handoff', { pairs: 'all' });
  console.log(inWords('handoff', search));
  expect(search.failures).toEqual([]);
  // Of each pair the second fault is put on every step that follows the first.
  expect(search.standsFor).toBeGreaterThan(10_000);
}, 1_200_000);
