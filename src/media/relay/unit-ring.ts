import type { StreamKind } from '../mpegts';

/** A PES unit on channel time. Its packets carry channel time modulo 2^33. */
export interface ArrivedUnit {
  kind: StreamKind;
  ptsTicks: number;
  dtsTicks: number;
  keyframe: boolean;
  packets: Buffer;
  /** PAT and PMT packets in force for this unit; one buffer shared by many units. */
  tables: Buffer;
}

export interface RingUnit extends ArrivedUnit {
  /** Grows with every unit of the channel, and is never given twice: the order in which they are decoded. */
  arrival: number;
  /** It is on disk. */
  saved: boolean;
}

export interface UnitRingLimits {
  /** Media time that is kept, in ticks. */
  retentionTicks: number;
  maxBytes: number;
}

/**
 * Time-shift buffer of one channel: the latest units, each under a sequence number that grows by one. Whole
 * keyframe groups leave at the old end, so what is left can be decoded from its first unit.
 */
export class UnitRing {
  private units: RingUnit[] = [];
  private first = 0;
  private bytes = 0;
  private keyframes: { sequence: number; ptsTicks: number; dtsTicks: number }[] = [];
  private newestVideo = -Infinity;
  private nextArrival = 0;

  constructor(private readonly limits: UnitRingLimits) {}

  /** Sequence number of the oldest unit kept. */
  get firstSequence(): number {
    return this.first;
  }

  /** Sequence number that the next unit will get. */
  get endSequence(): number {
    return this.first + this.units.length;
  }

  get heldBytes(): number {
    return this.bytes;
  }

  /** PTS of the oldest keyframe kept. */
  get oldestKeyframeTicks(): number | undefined {
    return this.keyframes[0]?.ptsTicks;
  }

  at(sequence: number): RingUnit | undefined {
    return this.units[sequence - this.first];
  }

  /** @param saved it is on disk already */
  append(unit: ArrivedUnit, saved = false): void {
    this.add({ ...unit, arrival: this.nextArrival++, saved });
  }

  /** Fills an empty ring with units in whatever order. What comes before their first keyframe is of no use. */
  restore(units: readonly RingUnit[]): void {
    const inOrder = [...units].sort((a, b) => a.arrival - b.arrival);
    this.nextArrival = (inOrder.at(-1)?.arrival ?? -1) + 1;
    const firstKeyframe = inOrder.findIndex((unit) => unit.kind === 'video' && unit.keyframe);
    if (firstKeyframe < 0) return;
    // Each GOP came with tables of its own; a feed repeats them where they change only.
    let tables = inOrder[firstKeyframe]!.tables;
    let before = -1;
    for (const unit of inOrder.slice(firstKeyframe)) {
      // It was written twice.
      if (unit.arrival === before) continue;
      before = unit.arrival;
      if (!unit.tables.equals(tables)) tables = unit.tables;
      this.add({ ...unit, tables });
    }
  }

  /** Units to be presented before a time that are not on disk, in the order of their arrival. */
  unsavedBefore(ticks: number): RingUnit[] {
    return this.units.filter((unit) => !unit.saved && unit.ptsTicks < ticks);
  }

  private add(unit: RingUnit): void {
    if (unit.kind === 'video') {
      this.newestVideo = Math.max(this.newestVideo, unit.ptsTicks);
      if (unit.keyframe)
        this.keyframes.push({
          sequence: this.endSequence,
          ptsTicks: unit.ptsTicks,
          dtsTicks: unit.dtsTicks,
        });
    }
    this.units.push(unit);
    this.bytes += unit.packets.length;
    this.evict(unit.dtsTicks);
  }

  /** Sequence number of the last keyframe at or before a time that video has reached; else undefined. */
  sequenceToDecode(ticks: number): number | undefined {
    if (this.newestVideo < ticks) return undefined;
    return this.keyframes.findLast((keyframe) => keyframe.ptsTicks <= ticks)?.sequence;
  }

  /**
   * Drops every unit to be presented at or after a time. Returns the sequence number of the first one dropped,
   * from which on numbers are given out anew.
   */
  dropFrom(ticks: number): number {
    const firstDropped = this.units.findIndex((unit) => unit.ptsTicks >= ticks);
    if (firstDropped < 0) return this.endSequence;
    const kept = this.units.filter((unit) => unit.ptsTicks < ticks);
    this.clear();
    for (const unit of kept) this.add(unit);
    return this.first + firstDropped;
  }

  /**
   * Drops the keyframe of a presentation time and all that came after it, which the sender brings once more: it gets its place
   * in the order of arrival again. A ring without that keyframe keeps nothing: what comes can't be joined to it.
   * @param keyframeTicks null: nothing is kept
   * @returns whether it was there, and the sequence number of the first one dropped
   */
  rewindTo(keyframeTicks: number | null): { wasThere: boolean; firstDropped: number } {
    const keyframe = this.keyframes.find(({ ptsTicks }) => ptsTicks === keyframeTicks);
    const firstDropped = keyframe?.sequence ?? this.first;
    const dropped = this.at(firstDropped);
    if (!dropped) return { wasThere: keyframe !== undefined, firstDropped };
    // Without it, others would get the numbers that are on the disk.
    if (keyframe) this.nextArrival = dropped.arrival;
    const kept = this.units.slice(0, firstDropped - this.first);
    this.clear();
    for (const unit of kept) this.add(unit);
    return { wasThere: keyframe !== undefined, firstDropped };
  }

  private clear(): void {
    this.units = [];
    this.keyframes = [];
    this.bytes = 0;
    this.newestVideo = -Infinity;
  }

  private evict(newestDtsTicks: number): void {
    const { retentionTicks, maxBytes } = this.limits;
    for (;;) {
      const second = this.keyframes[1];
      const old = second !== undefined && second.dtsTicks <= newestDtsTicks - retentionTicks;
      if (!old && this.bytes <= maxBytes) return;
      // A single group beyond the limit goes whole: nothing in it could be decoded from its middle.
      this.evictBefore(second?.sequence ?? this.endSequence);
      this.keyframes.shift();
    }
  }

  private evictBefore(sequence: number): void {
    for (const unit of this.units.splice(0, sequence - this.first)) this.bytes -= unit.packets.length;
    this.first = sequence;
  }
}
