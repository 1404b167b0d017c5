/**
 * Tests that mostly wait, each with channels of its own: all run at the same time, and each is a test of its own. What is
 * done after a test is done once all have ended.
 */
export const together = (cases: Record<string, () => Promise<void>>, limitMs: number): void => {
  let all: Promise<Map<string, PromiseSettledResult<void>>> | undefined;
  const run = async (): Promise<Map<string, PromiseSettledResult<void>>> => {
    const names = Object.keys(cases);
    const results = await Promise.allSettled(names.map((name) => cases[name]!()));
    return new Map(results.map((result, i) => [names[i]!, result]));
  };
  test.each(Object.keys(cases))(
    '%s',
    async (name) => {
      all ??= run();
      const result = (await all).get(name)!;
      if (result.status === 'rejected') throw result.reason;
    },
    limitMs,
  );
};
