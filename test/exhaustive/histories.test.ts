import './support/mocks';
import fc from '../support/fast-check';
import { histories, runHistory, type Happening } from './support/histories';

const runs = Number(process.env.HISTORY_RUNS ?? 60);
const seed = Number(process.env.HISTORY_SEED ?? 20261122);

test(`every invariant holds after random histories (seed ${seed})`, async () => {
  const given = process.env.HISTORY;
  if (given) {
    expect((await runHistory(JSON.parse(given) as Happening[])).broken).toEqual([]);
    return;
  }
  const all: Record<string, number> = {};
  const outcome = await fc.check(
    fc.asyncProperty(histories(14), async (history) => {
      const { broken, outcomes } = await runHistory(history);
      for (const [name, count] of Object.entries(outcomes)) all[name] = (all[name] ?? 0) + count;
      if (broken.length > 0) throw new Error(broken.join('\n'));
    }),
    { numRuns: runs, seed },
  );
  if (!outcome.failed) {
    console.log(`${runs} histories: ${JSON.stringify(all)}`);
    // Histories in which nothing comes to an end would prove nothing.
    expect(Object.keys(all)).toEqual(
      expect.arrayContaining([
        'handoff completed',
        'recovery recovered',
        'rollout completed',
        'rollout compensated',
      ]),
    );
    return;
  }
  const [shortest] = outcome.counterexample as [Happening[]];
  throw new Error(
    `${String(outcome.errorInstance)}\nShortest history:\n${JSON.stringify(shortest, null, 1)}\n` +
      `Repeat: HISTORY='${JSON.stringify(shortest)}' npx jest test/exhaustive/histories`,
  );
}, 240_000);
