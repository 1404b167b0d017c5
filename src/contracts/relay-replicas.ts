/** What of a channel of a relay is compared. */
interface HeldChannel {
  id: string;
  ingestConnected: boolean;
  oldestGop: number | null;
  nextGop: number;
}

/** Replicas that answer later than this after the first one are left out: one may have stopped. */
const LATER_MS = 300;

/**
 * Asks all replicas, and waits for those that answer soon after the first.
 * @throws the first failure, where none answers
 */
export const answersOf = async <T>(asked: readonly Promise<T>[]): Promise<T[]> => {
  const answers: T[] = [];
  const failures: unknown[] = [];
  await new Promise<void>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => {
      if (answers.length + failures.length === asked.length) {
        clearTimeout(timer);
        resolve();
      } else if (answers.length > 0) timer ??= setTimeout(resolve, LATER_MS);
    };
    for (const each of asked)
      each
        .then(
          (answer) => answers.push(answer),
          (failure: unknown) => failures.push(failure),
        )
        .finally(settle);
  });
  if (answers.length === 0) throw failures[0];
  return answers;
};

/**
 * What relays have of one channel together: what is arriving is told by the one that is farthest, and the oldest GOP is that of
 * the longest run of GOPs up to it, as a session may read from any of them.
 */
export const mergedChannel = <C extends HeldChannel>(all: readonly C[]): C => {
  const byProgress = [...all].sort(
    (a, b) => Number(b.ingestConnected) - Number(a.ingestConnected) || b.nextGop - a.nextGop,
  );
  const best = byProgress[0]!;
  let { oldestGop } = best;
  for (const other of [...all].sort((a, b) => b.nextGop - a.nextGop)) {
    if (other.oldestGop === null || other.nextGop < (oldestGop ?? best.nextGop)) continue;
    oldestGop = Math.min(oldestGop ?? other.oldestGop, other.oldestGop);
  }
  return { ...best, oldestGop };
};

/** The same of all channels, in the order in which they are told. */
export const mergedChannels = <C extends HeldChannel>(answers: readonly (readonly C[])[]): C[] => {
  const byId = new Map<string, C[]>();
  for (const channel of answers.flat()) byId.set(channel.id, [...(byId.get(channel.id) ?? []), channel]);
  return [...byId.values()].map((all) => mergedChannel(all));
};
