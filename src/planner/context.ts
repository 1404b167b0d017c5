import type { CellForecast, EncoderObservation, Fitness, Policy } from '../domain';
import { NOWHERE, type PlacementBook } from './book';
import { breachOf } from './constraints';
import { rankRegions } from './regions';
import type { SwarmReader } from './swarm-reader';
import { TargetIndex } from './target-index';

/** Everything that one decision looks at, in an order that does not depend on that of the snapshot's arrays. */
export interface PlanningContext {
  atMs: number;
  policy: Policy;
  forecast: CellForecast | null;
  reader: SwarmReader;
  book: PlacementBook;
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

export const seen = (book: PlacementBook, encoder: number): EncoderObservation => book.encoderSeen[encoder]!;

/** Orders by falling size, then by id. */
export const largestFirst = (book: PlacementBook): ((a: number, b: number) => number) => {
  const { peakOf, channels } = book;
  return (a, b) => peakOf[b]! - peakOf[a]! || channels.compare(a, b);
};

export const buildContext = (
  reader: SwarmReader,
  fitness: ReadonlyMap<string, Fitness>,
  policy: Policy,
): PlanningContext => {
  const { book, forecast, atMs } = reader;
  const index = new TargetIndex(book, fitness, policy.fitnessWeights);
  for (const e of book.encoders.inOrder()) if (book.isUsable[e] === 1) index.add(e);
  const waiting = book.channels.filter((c) => book.isWaiting[c] === 1);
  // First-fit decreasing: the largest find their place while there is room.
  waiting.sort(largestFirst(book));
  return {
    atMs,
    policy,
    forecast,
    reader,
    book,
    fitness,
    index,
    rankRegions: rankRegions(forecast, atMs, policy),
    waiting,
    misplaced: book.channels.filter((c) => isMisplaced(book, policy, c)),
  };
};

/** Does somebody encode this channel, with nothing under way, so that a plan may move it? */
export const isMovable = (book: PlacementBook, channel: number): boolean => {
  const home = book.homeOf[channel]!;
  return (
    book.isWaiting[channel] === 0 &&
    home !== NOWHERE &&
    home === book.ownerOf[channel] &&
    book.isMoving[channel] === 0
  );
};

const isMisplaced = (book: PlacementBook, policy: Policy, channel: number): boolean => {
  if (!isMovable(book, channel)) return false;
  const home = book.homeOf[channel]!;
  if (book.hasRules[channel] === 0) return book.regionOf[home] !== book.nearRegionOf[channel];
  return breachOf(book, policy, home, channel) !== null;
};

/** Has it moved so lately that the planner leaves it where it is? */
export const isResting = ({ book, policy, atMs }: PlanningContext, channel: number): boolean =>
  book.movedAtMs[channel]! + policy.restSeconds * 1000 > atMs;
