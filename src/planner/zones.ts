/**
 * Zones for the next encoders: each goes where there are fewest, so that the loss of one zone takes as little as it
 * can; of equals the first by name.
 *
 * @param present zone of every encoder that stays or is under way
 * @param usable zones that take encoders; those of `present` count too
 * @param failing zones that are passed over while there is another
 * @returns `count` zones, or none where no zone is known
 */
export const nextZones = (
  count: number,
  present: readonly string[],
  usable: readonly string[] = [],
  failing: ReadonlySet<string> = new Set(),
): string[] => {
  const known = [...usable, ...present];
  const working = known.filter((zone) => !failing.has(zone));
  const encodersIn = new Map<string, number>((working.length > 0 ? working : known).map((zone) => [zone, 0]));
  if (encodersIn.size === 0) return [];
  for (const zone of present) if (encodersIn.has(zone)) encodersIn.set(zone, (encodersIn.get(zone) ?? 0) + 1);
  return Array.from({ length: count }, () => {
    const [zone, encoders] = [...encodersIn].reduce((best, next) =>
      next[1] < best[1] || (next[1] === best[1] && next[0] < best[0]) ? next : best,
    );
    encodersIn.set(zone, encoders + 1);
    return zone;
  });
};
