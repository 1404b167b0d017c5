import { SharedBudget, memoryOfMachine } from '../../src/platform/shared-budget';

const MiB = 2 ** 20;
const budgetOf = (totalMiB: number, mostMiB = 64): SharedBudget =>
  new SharedBudget({
    what: 'memory of the relay',
    totalBytes: totalMiB * MiB,
    mostBytes: mostMiB * MiB,
    leastBytes: 8 * MiB,
    variable: 'SWARM_RELAY_MEMORY_MIB',
  });
const fill = (budget: SharedBudget, count: number): void => {
  for (let i = 0; i < count; i += 1) budget.admit(`ch-${i}`);
};

test('each channel may have the most that one may have, until an equal share is less', () => {
  const budget = budgetOf(256);
  expect(budget.shareBytes).toBe(64 * MiB);
  fill(budget, 4);
  expect(budget.shareBytes).toBe(64 * MiB);
  budget.admit('fifth');
  expect(budget.shareBytes).toBe((256 / 5) * MiB);
  budget.release('fifth');
  expect(budget.shareBytes).toBe(64 * MiB);
});

test('shares never add up to more than the budget, and one that would leave too little is refused with what to do', () => {
  const budget = budgetOf(100);
  fill(budget, 12);
  expect(12 * budget.shareBytes).toBeLessThanOrEqual(100 * MiB);
  expect(() => budget.admit('one-more')).toThrow(
    'The memory of the relay, 100 MiB, is divided over 12 channels already; one more would leave less than 8 MiB for each.',
  );
  const refused = (): unknown => {
    try {
      return budget.admit('one-more');
    } catch (error) {
      return error;
    }
  };
  expect(refused()).toMatchObject({
    code: 'at-capacity-limit',
    hint: 'Remove channels that are no longer needed, or raise SWARM_RELAY_MEMORY_MIB.',
  });
  // Nothing changed by the refusal; one that is there already is no further one.
  expect(budget.shareBytes).toBe((100 / 12) * MiB);
  budget.admit('ch-0');
  budget.release('ch-0');
  budget.admit('one-more');
});

test('channels of the last run are held even if there are too many, and share what there is', () => {
  const budget = budgetOf(16);
  for (let i = 0; i < 4; i += 1) budget.hold(`ch-${i}`);
  expect(budget.shareBytes).toBe(4 * MiB);
  expect(() => budget.admit('one-more')).toThrow('divided over 4 channels');
});

test('where one channel may have less than the least, that is enough', () => {
  const budget = budgetOf(4, 2);
  fill(budget, 2);
  expect(budget.shareBytes).toBe(2 * MiB);
  expect(() => budget.admit('third')).toThrow('less than 2 MiB');
});

test('the memory of this machine is a number of bytes', () => {
  expect(memoryOfMachine()).toBeGreaterThan(256 * MiB);
  expect(memoryOfMachine()).toBeLessThan(2 ** 50);
});
