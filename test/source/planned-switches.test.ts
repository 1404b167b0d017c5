import { PlannedSwitches } from '../../src/media/source/planned-switches';
import { refusalFrom } from '../support/refusal';

const NOW_MS = 1_000_000;
const at = (atMs: number, input = 'backup-1') => ({ input, requestedBy: 'nina', atMs });

test('of what is due the latest counts, and what is to come stays', () => {
  const plan = new PlannedSwitches();
  for (const later of [30, 10, 20, 40]) plan.add(at(NOW_MS + later, `backup-${later / 10}`), NOW_MS);
  expect(plan.takeDue(NOW_MS + 9)).toBeUndefined();
  expect(plan.takeDue(NOW_MS + 20)).toEqual(at(NOW_MS + 20, 'backup-2'));
  expect(plan.list.map(({ input }) => input)).toEqual(['backup-3', 'backup-4']);
  expect(plan.takeDue(NOW_MS + 20)).toBeUndefined();
});

test('one for the same moment takes the place of the first', () => {
  const plan = new PlannedSwitches([at(NOW_MS + 10)]);
  plan.add(at(NOW_MS + 10, 'slate'), NOW_MS);
  expect(plan.list).toEqual([at(NOW_MS + 10, 'slate')]);
});

test('a moment that is over and one too many are refused, and change nothing', () => {
  const plan = new PlannedSwitches();
  expect(refusalFrom(() => plan.add(at(NOW_MS), NOW_MS)).code).toBe('bad-request');
  for (let i = 1; i <= 100; i++) plan.add(at(NOW_MS + i), NOW_MS);
  expect(refusalFrom(() => plan.add(at(NOW_MS + 101), NOW_MS)).code).toBe('at-capacity-limit');
  plan.add(at(NOW_MS + 100, 'slate'), NOW_MS);
  expect(plan.list).toHaveLength(100);
  plan.clear();
  expect(plan.list).toEqual([]);
});
