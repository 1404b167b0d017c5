import type { ChannelObservation, EncoderObservation } from '../domain';
import { grownFloats, grownInts, IdTable } from './id-table';

export const NOWHERE = -1;
/** Marks a `grow` in the journal, where a `relocate` has the home before. */
const GROWTH = -2;

/**
 * Who carries what: one row per channel and per encoder in typed arrays, so that 100,000 channels are read and
 * searched without an object for each. Loads are in quanta (see quanta.ts).
 *
 * Step 0 is now, with the rungs that each channel deserves; step 1 + j is P90 of the forecast's step j. Steps that
 * are over keep their figures but no longer count: only 0 and `firstStep`… do.
 *
 * What a plan tries is entered by `relocate` and `grow` and taken back by `rollBack`, exactly.
 */
export class PlacementTable {
  readonly channels = new IdTable();
  readonly encoders = new IdTable();

  channelSeen: (ChannelObservation | undefined)[] = [];
  /** Units per step: `needs[c * steps + k]`. */
  needs = new Float64Array(0);
  /** Highest of a channel's needs that count. */
  peakOf = new Float64Array(0);
  /** What its owner encodes for it at this moment. */
  encodedOf = new Float64Array(0);
  /** Rungs that its audience deserves. */
  rungsOf = new Int32Array(0);
  /** Encoder that observably owns it, alive or not. */
  ownerOf = new Int32Array(0);
  /** Encoder that will carry it. NOWHERE: nobody encodes it, or its encoder is unknown. */
  homeOf = new Int32Array(0);
  /** Encoder that it is leaving and occupies until it has left. */
  leftFrom = new Int32Array(0);
  /** 1: nobody encodes it, it was never started or was lost with its encoder or session. */
  isWaiting = new Int32Array(0);
  /** 1: a handoff or recovery of it is under way. */
  isMoving = new Int32Array(0);
  /** Rungs that its owner encodes now. */
  rungsNow = new Int32Array(0);
  /** When its last move ended, wall-clock milliseconds; -Infinity: never moved. */
  movedAtMs = new Float64Array(0);
  /** The region of its audience. */
  nearRegionOf = new Int32Array(0);
  /** 1: its spec says where it may be placed, beyond its region, or its ladder is not for every host. */
  hasRules = new Int32Array(0);
  /** Redundancy group, or NOWHERE. */
  groupOf = new Int32Array(0);
  /** Channels of each redundancy group. */
  readonly groups: number[][] = [];

  encoderSeen: (EncoderObservation | undefined)[] = [];
  /** Sum of the needs of the channels whose home it is: `sums[e * steps + k]`. */
  sums = new Float64Array(0);
  /** Highest of an encoder's sums that count. */
  peakOn = new Float64Array(0);
  /**
   * What an encoder carries at this moment and soon: its channels at the larger of what they have and deserve,
   * and channels that are leaving, until they have left.
   */
  occupiedOn = new Float64Array(0);
  /** The same without growth that has not been granted: what is encoded now, and what this plan has added. */
  encodedOn = new Float64Array(0);
  /** Up to which plans fill it: its limit without the reserve. */
  limitOf = new Float64Array(0);
  /** The limit itself, up to which ladders may grow. */
  fullLimitOf = new Float64Array(0);
  capacityOf = new Float64Array(0);
  sessionsOn = new Int32Array(0);
  /** 1: it answers, and does not drain. */
  isStaying = new Int32Array(0);
  /** 1: it answers, and its channels are being moved away. */
  isDraining = new Int32Array(0);
  /** 1: it stays, and is not cordoned. */
  isUsable = new Int32Array(0);
  /** 1: it can't even make what every host is taken to make (see isForEveryHost). */
  lacksBasics = new Int32Array(0);
  mostSessionsOf = new Int32Array(0);
  regionOf = new Int32Array(0);
  zoneOf = new Int32Array(0);
  classOf = new Int32Array(0);
  /** Channels whose home it is, in no particular order. */
  residentsOf: number[][] = [];

  /** First step of the forecast's that is not over, counted from 1; `steps` if none is left. */
  firstStep = 1;
  /** Sum of what all channels need now. */
  neededNow = 0;
  private readonly journal: number[] = [];

  /** @param steps 1 + steps of the forecast */
  constructor(readonly steps: number) {}

  reserveChannels(count: number): void {
    this.needs = grownFloats(this.needs, count * this.steps);
    this.peakOf = grownFloats(this.peakOf, count);
    this.encodedOf = grownFloats(this.encodedOf, count);
    this.rungsOf = grownInts(this.rungsOf, count);
    this.ownerOf = grownInts(this.ownerOf, count);
    this.homeOf = grownInts(this.homeOf, count);
    this.leftFrom = grownInts(this.leftFrom, count);
    this.isWaiting = grownInts(this.isWaiting, count);
    this.isMoving = grownInts(this.isMoving, count);
    this.rungsNow = grownInts(this.rungsNow, count);
    this.movedAtMs = grownFloats(this.movedAtMs, count);
    this.nearRegionOf = grownInts(this.nearRegionOf, count);
    this.hasRules = grownInts(this.hasRules, count);
    this.groupOf = grownInts(this.groupOf, count);
  }

  reserveEncoders(count: number): void {
    this.sums = grownFloats(this.sums, count * this.steps);
    this.peakOn = grownFloats(this.peakOn, count);
    this.occupiedOn = grownFloats(this.occupiedOn, count);
    this.encodedOn = grownFloats(this.encodedOn, count);
    this.limitOf = grownFloats(this.limitOf, count);
    this.fullLimitOf = grownFloats(this.fullLimitOf, count);
    this.capacityOf = grownFloats(this.capacityOf, count);
    this.sessionsOn = grownInts(this.sessionsOn, count);
    this.isStaying = grownInts(this.isStaying, count);
    this.isDraining = grownInts(this.isDraining, count);
    this.isUsable = grownInts(this.isUsable, count);
    this.lacksBasics = grownInts(this.lacksBasics, count);
    this.mostSessionsOf = grownInts(this.mostSessionsOf, count);
    this.regionOf = grownInts(this.regionOf, count);
    this.zoneOf = grownInts(this.zoneOf, count);
    this.classOf = grownInts(this.classOf, count);
  }

  needOf(channel: number, step: number): number {
    return this.needs[channel * this.steps + step]!;
  }

  sumOn(encoder: number, step: number): number {
    return this.sums[encoder * this.steps + step]!;
  }

  /** What a channel occupies where it is: the larger of what it has and deserves. */
  occupancyOf(channel: number): number {
    return Math.max(this.encodedOf[channel]!, this.needOf(channel, 0));
  }

  /** The next step that counts; `steps` after the last. */
  stepAfter(step: number): number {
    return step === 0 ? this.firstStep : step + 1;
  }

  /** Adds a channel's needs to an encoder (sign 1) or takes them off (-1). */
  addNeeds(encoder: number, channel: number, sign: 1 | -1): void {
    const { steps, needs, sums } = this;
    const from = channel * steps;
    const to = encoder * steps;
    for (let k = 0; k < steps; k++) sums[to + k]! += sign * needs[from + k]!;
    this.peakOn[encoder] = this.peakBetween(sums, to);
  }

  /** Highest of a row's entries that count. */
  peakBetween(rows: Float64Array, start: number): number {
    let peak = rows[start]!;
    for (let k = this.firstStep; k < this.steps; k++) {
      const value = rows[start + k]!;
      if (value > peak) peak = value;
    }
    return peak;
  }

  /** Lowest of a channel's needs that count. */
  leastNeedOf(channel: number): number {
    let least = this.needOf(channel, 0);
    for (let k = this.firstStep; k < this.steps; k++) least = Math.min(least, this.needOf(channel, k));
    return least;
  }

  /** First step at which an encoder's channels need more than its limit, or -1. */
  firstStepOverLimit(encoder: number): number {
    const limit = this.limitOf[encoder]!;
    for (let k = 0; k < this.steps; k = this.stepAfter(k)) if (this.sumOn(encoder, k) > limit) return k;
    return -1;
  }

  /** Most that an encoder would carry, now or at P90 of any step, with one more channel. */
  peakWith(encoder: number, channel: number): number {
    const { steps, needs, sums } = this;
    const from = channel * steps;
    const to = encoder * steps;
    let peak = this.occupiedOn[encoder]! + needs[from]!;
    for (let k = 0; k < steps; k = this.stepAfter(k)) {
      const units = sums[to + k]! + needs[from + k]!;
      if (units > peak) peak = units;
    }
    return peak;
  }

  /** The same as `peakWith(…) <= bound`, mostly without looking at every step. */
  fits(encoder: number, channel: number, bound: number): boolean {
    const now = this.occupiedOn[encoder]! + this.needOf(channel, 0);
    if (now > bound) return false;
    if (this.peakOn[encoder]! + this.peakOf[channel]! <= bound) return true;
    return this.peakWith(encoder, channel) <= bound;
  }

  /** What is encoded on an encoder once this channel of its own has the rungs it deserves. */
  encodedAfterGrowth(encoder: number, channel: number): number {
    return this.encodedOn[encoder]! - this.encodedOf[channel]! + this.needOf(channel, 0);
  }

  /** Enters a move to another encoder: the channel still occupies the one it leaves. */
  relocate(channel: number, target: number): void {
    this.journal.push(channel, this.homeOf[channel]!);
    this.rehome(channel, target);
    const now = this.needOf(channel, 0);
    this.occupiedOn[target]! += now;
    this.encodedOn[target]! += now;
    this.sessionsOn[target]! += 1;
  }

  /** A channel that was relocated has left (1), or not yet (-1), the encoder it came from. */
  depart(channel: number, source: number, sign: 1 | -1): void {
    this.occupiedOn[source]! -= sign * this.occupancyOf(channel);
    this.encodedOn[source]! -= sign * this.encodedOf[channel]!;
    this.sessionsOn[source]! -= sign;
  }

  /** Enters the growth of a channel's ladder where it is. */
  grow(channel: number): void {
    const home = this.homeOf[channel]!;
    this.encodedOn[home] = this.encodedAfterGrowth(home, channel);
    this.journal.push(channel, GROWTH);
  }

  /** Where `rollBack` may return to. */
  mark(): number {
    return this.journal.length;
  }

  /** Encoders whose loads changed since `mark`. */
  changedSince(mark: number): Set<number> {
    const changed = new Set<number>();
    for (let i = mark; i < this.journal.length; i += 2) {
      const before = this.journal[i + 1]!;
      if (before >= 0) changed.add(before);
      changed.add(this.homeOf[this.journal[i]!]!);
    }
    return changed;
  }

  /** Takes back what was entered since `mark`. */
  rollBack(mark: number): void {
    while (this.journal.length > mark) {
      const before = this.journal.pop()!;
      const channel = this.journal.pop()!;
      const home = this.homeOf[channel]!;
      const now = this.needOf(channel, 0);
      if (before === GROWTH) {
        this.encodedOn[home] = this.encodedOn[home]! - now + this.encodedOf[channel]!;
        continue;
      }
      this.occupiedOn[home]! -= now;
      this.encodedOn[home]! -= now;
      this.sessionsOn[home]! -= 1;
      this.rehome(channel, before);
    }
  }

  /** Gives a channel another home: its future needs go with it. */
  rehome(channel: number, home: number): void {
    const before = this.homeOf[channel]!;
    if (before !== NOWHERE) {
      this.addNeeds(before, channel, -1);
      const residents = this.residentsOf[before]!;
      residents[residents.indexOf(channel)] = residents[residents.length - 1]!;
      residents.pop();
    }
    this.homeOf[channel] = home;
    if (home !== NOWHERE) {
      this.addNeeds(home, channel, 1);
      this.residentsOf[home]!.push(channel);
    }
  }
}
