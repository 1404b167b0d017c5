export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** Runs at most `width` of the tasks given to it at a time, in order of arrival. */
export const createLimit = (width: number): Limit => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
};
