import { LeadLost, completest, enoughOf, majorityOf } from '../../src/media/origin/replication/quorum';

const after = <T>(ms: number, answer: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(answer), ms));

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('of %i origins a majority is %i', (origins, majority) => {
  expect(majorityOf(origins)).toBe(majority);
});

describe('the completest copy', () => {
  const copy = (followed: number, endGop: number | null) => ({ followed, endGop });

  test('followed the highest epoch, however long the others are', () => {
    expect(completest([copy(3, 90), copy(4, 7), copy(2, 99)])).toEqual(copy(4, 7));
  });

  test('is the longest of those', () => {
    expect(completest([copy(4, null), copy(4, 8), copy(4, 7)])).toEqual(copy(4, 8));
  });
});

describe('enough of some', () => {
  const asked = (needed: number, answers: Record<string, () => Promise<boolean>>) =>
    enoughOf(Object.keys(answers), needed, (peer) => answers[peer]!(), Boolean);

  test('waits for no more than are needed', async () => {
    const answers = { slow: () => new Promise<boolean>(() => undefined), quick: () => after(1, true) };
    expect(await asked(1, answers)).toEqual([{ peer: 'quick', answer: true }]);
    expect(await asked(0, {})).toEqual([]);
  });

  test('does not wait for who hangs where the lead is lost, if it is told so', async () => {
    const answers = {
      hangs: () => after(300, true),
      leads: () => Promise.reject(new LeadLost()),
    };
    const askedOnce = (endsWhereLost: boolean): Promise<unknown> =>
      enoughOf(['hangs', 'leads'] as const, 1, (peer) => answers[peer](), Boolean, { endsWhereLost });
    const beganMs = performance.now();
    await expect(askedOnce(true)).rejects.toBeInstanceOf(LeadLost);
    expect(performance.now() - beganMs).toBeLessThan(250);
    expect(await askedOnce(false)).toHaveLength(1);
  });

  test('does not count those who decline or fail, and says why it gives up', async () => {
    const answers = {
      declines: () => after(1, false),
      fails: () => Promise.reject(new Error('no route.')),
      agrees: () => after(2, true),
    };
    expect(await asked(1, answers)).toHaveLength(1);
    await expect(asked(2, answers)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Of the other origins 1 can take part, and 2 must. no route.',
    });
  });

  test('tells that the lead is lost where one of them knows of a later one', async () => {
    const answers = {
      away: () => Promise.reject(new Error('away')),
      knows: () => Promise.reject(new LeadLost()),
    };
    await expect(asked(1, answers)).rejects.toBeInstanceOf(LeadLost);
  });
});
