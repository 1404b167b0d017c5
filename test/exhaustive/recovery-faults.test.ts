import './support/mocks';
import { searchFaults, inWords } from './support/search';

test('every single fault and every pair of faults of a recovery leaves every invariant whole', async () => {
  const search = await searchFaults('recovery', { pairs: 'all' });
  console.log(inWords('recovery', search));
  expect(search.failures).toEqual([]);
  // Of each pair the second fault is put on every step that follows the first.
  expect(search.standsFor).toBeGreaterThan(10_000);
}, 1_200_000);
