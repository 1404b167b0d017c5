import type { ServerResponse } from 'node:http';
import { FEED_OFFSET_TICKS, gopStartTicks } from '../../domain';
import { NULL_PACKET, retimePackets } from '../mpegts';
import type { UnitRing } from './unit-ring';

/** Bytes that go out in one write while a reader catches up. */
const BATCH_BYTES = 64 * 1024;

/**
 * Serves one reader from the ring: from the last keyframe at or before a GOP, then live. Nothing is queued
 * beyond the socket's own buffer; a reader that is slow reads later from the ring, until it falls out of it.
 */
export class Feed {
  private next: number | undefined;
  private endAt = Infinity;
  private blocked = false;
  private lastWriteMs = performance.now();
  private tables: Buffer | undefined;
  private readonly startTicks: number;

  constructor(
    private readonly ring: UnitRing,
    private readonly response: ServerResponse,
    readonly fromGop: number,
    gopDurationTicks: number,
    /** A packet that tells where segments are cut within GOPs, from the feed's first GOP on; undefined: nowhere yet. */
    private readonly firstMark: () => Buffer | undefined = () => undefined,
  ) {
    const gop = fromGop;
    this.startTicks = gopStartTicks(gop, gopDurationTicks);
    response.on('drain', () => {
      this.blocked = false;
      this.pump();
    });
  }

  /** True once units that this reader has not had yet left the ring. */
  get fellBehind(): boolean {
    return this.next !== undefined && this.next < this.ring.firstSequence;
  }

  /** Sends a packet at once, ahead of what is in the ring: it tells of pictures to come. */
  tell(packet: Buffer): void {
    if (this.next !== undefined && this.response.writable) this.write(packet);
  }

  /** Sends a packet that says nothing, if nothing was sent for so long. */
  showLife(silentMs: number): void {
    const isSilent = performance.now() - this.lastWriteMs >= silentMs;
    if (isSilent && !this.blocked && this.response.writable) this.blocked = !this.write(NULL_PACKET);
  }

  /** Sends what the reader has not had yet, as far as its connection takes it. */
  pump(): void {
    if (this.next === undefined) {
      this.next = this.ring.sequenceToDecode(this.startTicks);
      const mark = this.next === undefined ? undefined : this.firstMark();
      if (mark) this.tell(mark);
    }
    while (this.next !== undefined && !this.blocked && this.response.writable) {
      if (this.fellBehind) {
        this.cut();
        return;
      }
      if (this.next >= this.endAt) {
        this.end();
        return;
      }
      const batch = this.takeBatch(this.next);
      if (batch.length === 0) return;
      this.blocked = !this.write(batch);
    }
  }

  /** Ends the feed once the reader has had all units below a sequence number; one not begun goes on waiting. */
  endBefore(sequence: number): void {
    if (this.next === undefined) return;
    this.endAt = Math.min(this.endAt, sequence);
    this.pump();
  }

  /** Ends the feed after what was already sent. */
  end(): void {
    this.response.end();
  }

  /** Breaks the connection, so that the reader can't take the end for a regular one. */
  cut(): void {
    this.response.destroy();
  }

  /** @returns false where the connection takes no more for now */
  private write(bytes: Buffer): boolean {
    this.lastWriteMs = performance.now();
    return this.response.write(bytes);
  }

  /** Copies the next packets and rebases them to the feed's own clock; tables have no clock. */
  private takeBatch(from: number): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    let sequence = from;
    for (; sequence < this.endAt && bytes < BATCH_BYTES; sequence++) {
      const unit = this.ring.at(sequence);
      if (!unit) break;
      if (this.tables !== unit.tables) {
        this.tables = unit.tables;
        parts.push(unit.tables);
      }
      parts.push(unit.packets);
      bytes += unit.packets.length;
    }
    this.next = sequence;
    const batch = Buffer.concat(parts);
    retimePackets(batch, FEED_OFFSET_TICKS - this.startTicks);
    return batch;
  }
}
