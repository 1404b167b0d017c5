/** What the order of a rollout looks at in one encoder. */
export interface WaveCandidate {
  encoderId: string;
  zone: string;
  /** In [0, 1]. */
  fitness: number;
  /** Crashes and failed handoffs, decayed. */
  troubles: number;
  unitsUsed: number;
}

export interface Wave {
  name: 'canary' | 'least-fit' | 'rest';
  encoderIds: string[];
}

/** Amount of trouble from which on an encoder is upgraded early. */
const TROUBLED_FROM = 0.5;

const byId = (a: WaveCandidate, b: WaveCandidate): number => (a.encoderId < b.encoderId ? -1 : 1);

/** Zone by zone, the zone with the least fit encoder first; within a zone the least fit first. */
const zoneByZone = (candidates: readonly WaveCandidate[]): string[] => {
  const sorted = [...candidates].sort(
    (a, b) => b.troubles - a.troubles || a.fitness - b.fitness || byId(a, b),
  );
  const zones = [...new Set(sorted.map(({ zone }) => zone))];
  return zones.flatMap((zone) => sorted.filter((c) => c.zone === zone).map((c) => c.encoderId));
};

/**
 * The waves in which encoders are upgraded: one canary, then those in trouble and the least fit third, then the
 * rest. The canary is the one that carries least (the least fit of several), so that it is emptied quickest and
 * its share of channels is what the rollout gives it.
 */
export const planWaves = (candidates: readonly WaveCandidate[]): Wave[] => {
  const [canary, ...others] = [...candidates].sort(
    (a, b) => a.unitsUsed - b.unitsUsed || a.fitness - b.fitness || byId(a, b),
  );
  if (!canary) return [];
  const byFitness = [...others].sort((a, b) => a.fitness - b.fitness || byId(a, b));
  const third = new Set(byFitness.slice(0, Math.ceil(others.length / 3)));
  const early = others.filter((c) => c.troubles >= TROUBLED_FROM || third.has(c));
  const rest = others.filter((c) => !early.includes(c));
  const waves: Wave[] = [
    { name: 'canary', encoderIds: [canary.encoderId] },
    { name: 'least-fit', encoderIds: zoneByZone(early) },
    { name: 'rest', encoderIds: zoneByZone(rest) },
  ];
  return waves.filter((wave) => wave.encoderIds.length > 0);
};

/** Channels that the canary may carry: a share of all, one at least. */
export const canaryChannelCount = (channels: number, share: number): number =>
  Math.min(channels, Math.max(1, Math.floor(channels * share)));

/**
 * Channel moves at a time: each has its channel encoded twice while it lasts. One more move than these, such as
 * a recovery's or the planner's own, must still fit into the extra units.
 */
export const movesAtOnce = (options: { extraUnits: number; largestChannelUnits: number }): number => {
  if (options.largestChannelUnits <= 0) return 1;
  const fit = Math.floor(options.extraUnits / options.largestChannelUnits);
  return Math.min(4, Math.max(1, fit - 1));
};
