/** When GOPs of a channel became public: by number, monotonic milliseconds. */
export type SeenGops = ReadonlyMap<number, number>;

/**
 * The longest time between two GOPs of a channel becoming public in a stretch of time, less the duration of a GOP; 0 where
 * all came in time. The GOP that was public before the stretch counts as its beginning. A GOP that was never seen leaves no
 * hole here: whether it is there is checked by its pictures.
 */
export const publishPauseMs = (
  seen: SeenGops,
  { fromMs, toMs, gopMs }: { fromMs: number; toMs: number; gopMs: number },
): number => {
  const times = [...seen.values()].sort((a, b) => a - b);
  const before = times.filter((atMs) => atMs < fromMs).at(-1);
  const within = times.filter((atMs) => atMs >= fromMs && atMs <= toMs);
  const all = [
    ...(before === undefined ? [fromMs] : [before]),
    ...within,
    ...(within.length === 0 ? [toMs] : []),
  ];
  const longest = Math.max(...all.slice(1).map((atMs, i) => atMs - all[i]!));
  return Math.max(0, Math.round(longest - gopMs));
};
