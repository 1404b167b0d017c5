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

/** A replica that has not answered by then is not waited for alone. */
const HEDGE_MS = 400;

/**
 * Asks one replica after the other, the next one where one fails or lets wait, and takes the first answer.
 * @param onLate called with each that was not the one
 * @throws the last failure, where all fail
 */
export const firstAnswerOf = <T>(
  urls: readonly string[],
  call: (url: string) => Promise<T>,
  onLate: (url: string) => void,
): Promise<T> =>
  new Promise((resolve, reject) => {
    let asked = 0;
    let failed = 0;
    let timer: NodeJS.Timeout | undefined;
    const askNext = (): void => {
      clearTimeout(timer);
      const url = urls[asked];
      if (url === undefined) return;
      asked += 1;
      const late = urls.slice(0, asked - 1);
      if (asked < urls.length) timer = setTimeout(askNext, HEDGE_MS);
      call(url).then(
        (answer) => {
          clearTimeout(timer);
          for (const each of late) onLate(each);
          resolve(answer);
        },
        (failure: unknown) => {
          failed += 1;
          if (failed === urls.length) reject(failure instanceof Error ? failure : new Error(String(failure)));
          else askNext();
        },
      );
    };
    askNext();
  });
