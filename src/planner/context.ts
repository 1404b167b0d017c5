import type { CellForecast, EncoderObservation, Fitness, Policy } from '../domain';
import { breachOf } from './constraints';
import { NOWHERE, type PlacementTable } from './placement-table';
import { rankRegions } from './regions';
import type { SwarmTracker } from './swarm-tracker';
import { TargetIndex } from './target-index';

/** Everything that one decision looks at, in an order that does not depend on that of the snapshot's arrays. */
export interface PlanningContext {
  atMs: number;
  policy: Policy;
  forecast: CellForecast | null;
  tracker: SwarmTracker;
  table: PlacementTable;
  /** By encoder id. */
  fitness: ReadonlyMap<string, Fitness>;
  /** Usable encoders by score, as loads change. */
  index: TargetIndex;
  /** The same regions in the order in which a target is looked for: uncongested ones first. */
  rankRegions: (regions: readonly string[]) => string[];
  /** Channels that nobody encodes: never started, or lost with their encoder or session. Largest first. */
  waiting: number[];
  /** Channels that may be moved and are where their pins, region or redundancy group forbid, by id. */
  misplaced: number[];
}

export const seen = (table: PlacementTable, encoder: number): EncoderObservation =>
  table.encoderSeen[encoder]!;

/** Orders by falling size, then by id. */
export const largestFirst = (table: PlacementTable): ((a: number, b: number) => number) => {
  const { peakOf, channels } = table;
  return (a, b) => peakOf[b]! - peakOf[a]! || channels.compare(a, b);
};

export const buildContext = (
  tracker: SwarmTracker,
  fitness: ReadonlyMap<string, Fitness>,
  policy: Policy,
): PlanningContext => {
  const { table, forecast, atMs } = tracker;
  const index = new TargetIndex(table, fitness, policy.fitnessWeights);
  for (const e of table.encoders.inOrder()) if (table.isUsable[e] === 1) index.add(e);
  const waiting = table.channels.filter((c) => table.isWaiting[c] === 1);
  // First-fit decreasing: the largest find their place while there is room.
  waiting.sort(largestFirst(table));
  return {
    atMs,
    policy,
    forecast,
    tracker,
    table,
    fitness,
    index,
    rankRegions: rankRegions(forecast, atMs, policy),
    waiting,
    misplaced: table.channels.filter((c) => isMisplaced(table, policy, c)),
  };
};

/** Does somebody encode this channel, with nothing under way, so that a plan may move it? */
export const isMovable = (table: PlacementTable, channel: number): boolean => {
  const home = table.homeOf[channel]!;
  return (
    table.isWaiting[channel] === 0 &&
    home !== NOWHERE &&
    home === table.ownerOf[channel] &&
    table.isMoving[channel] === 0
  );
};

const isMisplaced = (table: PlacementTable, policy: Policy, channel: number): boolean => {
  if (!isMovable(table, channel)) return false;
  const home = table.homeOf[channel]!;
  if (table.hasRules[channel] === 0 && table.lacksBasics[home] === 0)
    return table.regionOf[home] !== table.nearRegionOf[channel];
  return breachOf(table, policy, home, channel) !== null;
};

/** Has it moved so lately that the planner leaves it where it is? A move in the future was dated by a clock since set back. */
export const isResting = ({ table, policy, atMs }: PlanningContext, channel: number): boolean => {
  const sinceMs = atMs - table.movedAtMs[channel]!;
  return sinceMs >= 0 && sinceMs < policy.restSeconds * 1000;
};
