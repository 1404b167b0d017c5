import type { Fitness } from '../domain';
import { headroomTerm, type FitnessWeights } from '../fitness';
import type { PlacementTable } from './placement-table';

/** Scores are in [0, 1]; encoders whose scores differ by less than this share a bucket. */
const BUCKETS = 1024;
/** Encoders whose limits differ by less than this ratio share a shelf. */
const SIZE_RATIO_LOG = Math.log(1.15);

/** Encoders of one region, zone, compatibility class and size, by score. */
interface Shelf {
  region: number;
  zone: number;
  classNumber: number;
  count: number;
  /** Bucket b holds the encoders whose score lies in [b, b + 1) / BUCKETS. */
  buckets: (number[] | undefined)[];
  /** No bucket above this one holds any. */
  top: number;
  /** Highest limit of its encoders, quanta. */
  highestLimit: number;
}

/**
 * Usable encoders, sorted roughly by the fitness that they have as the plan goes on, so that the fittest target
 * for a channel is found by looking at few: a channel only ever lowers a score.
 */
export class TargetIndex {
  private readonly shelves: Shelf[] = [];
  private readonly shelfByKey = new Map<string, Shelf>();
  private readonly shelfOf: (Shelf | undefined)[] = [];
  private readonly bucketOf: number[] = [];
  /** What the terms other than headroom contribute to a score; undefined: nobody judged the encoder. */
  private readonly baseOf: (number | undefined)[] = [];
  private readonly headroomWeight: number;
  private readonly allWeights: number;
  size = 0;

  constructor(
    private readonly table: PlacementTable,
    private readonly fitness: ReadonlyMap<string, Fitness>,
    private readonly weights: FitnessWeights,
  ) {
    const { headroom, quality, version, zone, stability } = weights;
    this.allWeights = headroom + quality + version + zone + stability;
    this.headroomWeight = headroom / this.allWeights;
  }

  add(encoder: number): void {
    const { table } = this;
    const region = table.regionOf[encoder]!;
    const zone = table.zoneOf[encoder]!;
    const classNumber = table.classOf[encoder]!;
    // Encoders of like size together: what a channel costs in headroom depends on it.
    const size = Math.round(Math.log(Math.max(1, table.limitOf[encoder]!)) / SIZE_RATIO_LOG);
    const key = `${region} ${zone} ${classNumber} ${size}`;
    let shelf = this.shelfByKey.get(key);
    if (!shelf) {
      shelf = { region, zone, classNumber, count: 0, buckets: [], top: 0, highestLimit: 1 };
      this.shelfByKey.set(key, shelf);
      this.shelves.push(shelf);
    }
    shelf.count += 1;
    shelf.highestLimit = Math.max(shelf.highestLimit, table.limitOf[encoder]!);
    this.size += 1;
    this.shelfOf[encoder] = shelf;
    this.baseOf[encoder] = this.baseScore(encoder);
    this.put(encoder);
  }

  /** Call when an encoder's load has changed. */
  update(encoder: number): void {
    const shelf = this.shelfOf[encoder];
    if (!shelf) return;
    const bucket = shelf.buckets[this.bucketOf[encoder]!]!;
    bucket[bucket.indexOf(encoder)] = bucket[bucket.length - 1]!;
    bucket.pop();
    this.put(encoder);
  }

  /** Score of an encoder as it would be with a channel: headroom after all that the plan has placed so far. */
  scoreWith(encoder: number, channel: number): number {
    const { table } = this;
    const now = table.occupiedOn[encoder]! + table.needOf(channel, 0);
    return this.score(encoder, now, table.peakWith(encoder, channel));
  }

  /** Number of usable encoders in a region, in zones and of classes that the filters accept. */
  countIn(region: number, accepts: (zone: number, classNumber: number) => boolean): number {
    return this.shelves.reduce(
      (sum, s) => sum + (s.region === region && accepts(s.zone, s.classNumber) ? s.count : 0),
      0,
    );
  }

  /**
   * Visits encoders of a region from the fittest down, roughly; `visit` gets one that may take the channel and
   * answers the score with the channel below which it has no use for any more.
   */
  search(
    channel: number,
    region: number,
    accepts: (zone: number, classNumber: number) => boolean,
    visit: (encoder: number) => number,
  ): void {
    const least = this.table.leastNeedOf(channel);
    let useless = -1;
    for (const shelf of this.shelves) {
      if (shelf.region !== region || !accepts(shelf.zone, shelf.classNumber)) continue;
      while (shelf.top > 0 && !shelf.buckets[shelf.top]?.length) shelf.top -= 1;
      // No encoder scores more than its bucket's upper edge, less the headroom that the channel costs at least.
      const cost = (this.headroomWeight * (this.table.needOf(channel, 0) + least)) / (2 * shelf.highestLimit);
      for (let b = shelf.top; b >= 0 && (b + 1) / BUCKETS - cost >= useless; b--) {
        for (const encoder of shelf.buckets[b] ?? []) useless = visit(encoder);
      }
    }
  }

  private put(encoder: number): void {
    const { table } = this;
    const shelf = this.shelfOf[encoder]!;
    const occupied = table.occupiedOn[encoder]!;
    const score = this.score(encoder, occupied, Math.max(occupied, table.peakOn[encoder]!));
    const bucket = Math.min(BUCKETS - 1, Math.floor(score * BUCKETS));
    this.bucketOf[encoder] = bucket;
    (shelf.buckets[bucket] ??= []).push(encoder);
    shelf.top = Math.max(shelf.top, bucket);
  }

  private score(encoder: number, now: number, peak: number): number {
    const base = this.baseOf[encoder];
    if (base === undefined) return 0;
    return base + this.headroomWeight * headroomTerm(now, peak, this.table.limitOf[encoder]!);
  }

  private baseScore(encoder: number): number | undefined {
    const terms = this.fitness.get(this.table.encoders.idOf(encoder))?.terms;
    if (!terms) return undefined;
    const { quality, version, zone, stability } = this.weights;
    return (
      (quality * terms.quality + version * terms.version + zone * terms.zone + stability * terms.stability) /
      this.allWeights
    );
  }
}
