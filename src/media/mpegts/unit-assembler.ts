import { MalformedTransportStream } from './malformed';
import { ADAPTATION_RANDOM_ACCESS, PACKET_BYTES, adaptationFlags, payloadOffset } from './packet';
import { isPesStart, pesPacketLength, readDts, readPts } from './pes-header';
import { pictureTypeOf } from './picture-type';
import { carriesSections, type StreamKind } from './stream-types';
import { bytesOfSection } from './tables';

/**
 * One PES unit, or one section of a stream of sections, with its untouched 188-byte packets. Times are 33-bit values
 * as on the wire; what has none of its own (sections, data) has the decoding time of the picture before it.
 */
export interface PesUnit {
  pid: number;
  kind: StreamKind;
  streamType: number;
  ptsTicks: number;
  /** Equal to ptsTicks where the stream carries no DTS. */
  dtsTicks: number;
  /** Decoding can begin here: IDR or another random access point. Video only. */
  keyframe: boolean;
  idr: boolean;
  packets: Buffer;
}

const INITIAL_BYTES = 16 * 1024;
/** No picture of a sane feed is larger; a stream whose unit never ends must not fill the memory. */
const MAX_UNIT_BYTES = 16 * 1024 * 1024;

/** Gathers the packets of one elementary stream into PES units. */
export class UnitAssembler {
  private packets = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private length = 0;
  /** A PES header with a PTS was seen and the unit has not been handed over yet. */
  private open = false;
  private ptsTicks = 0;
  private dtsTicks = 0;
  private randomAccess = false;
  /** PES bytes still to come; Infinity where the header does not say. */
  private missingBytes = 0;

  /** @param clock decoding time of the last picture, for units without a time; -1 before the first */
  constructor(
    readonly pid: number,
    readonly kind: StreamKind,
    readonly streamType: number,
    private readonly onUnit: (unit: PesUnit) => void,
    private readonly clock: () => number = () => -1,
  ) {}

  /** True if the open unit announced its length and lacks some of it. */
  get cutShort(): boolean {
    return this.open && this.missingBytes > 0 && this.missingBytes !== Infinity;
  }

  /** A packet without payload (clock, stuffing): it travels with the open unit, else with the next. */
  pushWithoutPayload(b: Buffer, at: number): void {
    if (!this.open && this.length >= 16 * PACKET_BYTES) this.length = 0;
    this.append(b, at);
  }

  /** A packet in which a PES packet begins. One without PTS goes on with the open unit, else is skipped. */
  pushStart(b: Buffer, at: number): void {
    if (carriesSections(this.streamType)) {
      this.startSection(b, at);
      return;
    }
    const pes = at + payloadOffset(b, at);
    const end = at + PACKET_BYTES;
    const isPes = isPesStart(b, pes, end);
    const own = isPes ? readPts(b, pes, end) : -1;
    const ptsTicks = own < 0 && isPes && this.kind === 'other' ? this.clock() : own;
    if (isPes && ptsTicks < 0 && this.open) {
      this.missingBytes = Infinity;
      this.append(b, at);
      return;
    }
    this.finish();
    if (ptsTicks < 0) {
      this.length = 0;
      return;
    }
    this.open = true;
    this.ptsTicks = ptsTicks;
    this.dtsTicks = own < 0 ? ptsTicks : readDts(b, pes, end);
    this.randomAccess = (adaptationFlags(b, at) & ADAPTATION_RANDOM_ACCESS) !== 0;
    const length = pesPacketLength(b, pes);
    this.missingBytes = length === 0 ? Infinity : length + 6;
    this.append(b, at);
    this.count(end - pes);
  }

  private startSection(b: Buffer, at: number): void {
    this.finish();
    this.length = 0;
    const ptsTicks = this.clock();
    if (ptsTicks < 0) return;
    const payload = at + payloadOffset(b, at);
    this.open = true;
    this.ptsTicks = ptsTicks;
    this.dtsTicks = ptsTicks;
    this.randomAccess = false;
    this.missingBytes = bytesOfSection(b, payload, at + PACKET_BYTES);
    this.append(b, at);
    this.count(at + PACKET_BYTES - payload);
  }

  /** A packet that goes on with the open unit; without one (joined amid a unit) it is skipped. */
  pushContinuation(b: Buffer, at: number): void {
    if (!this.open) return;
    this.append(b, at);
    this.count(PACKET_BYTES - payloadOffset(b, at));
  }

  /** Hands the open unit over as it is. */
  finish(): void {
    if (!this.open) return;
    this.open = false;
    const { length } = this;
    this.length = 0;
    const picture = this.kind === 'video' ? pictureTypeOf(this.packets, length, this.streamType) : undefined;
    this.onUnit({
      pid: this.pid,
      kind: this.kind,
      streamType: this.streamType,
      ptsTicks: this.ptsTicks,
      dtsTicks: this.dtsTicks,
      keyframe: picture !== undefined && (picture.keyframe || this.randomAccess),
      idr: picture?.idr ?? false,
      packets: Buffer.from(this.packets.subarray(0, length)),
    });
  }

  private count(payloadBytes: number): void {
    this.missingBytes -= payloadBytes;
    if (this.missingBytes <= 0) this.finish();
  }

  private append(b: Buffer, at: number): void {
    const needed = this.length + PACKET_BYTES;
    if (needed > this.packets.length) {
      if (needed > MAX_UNIT_BYTES)
        throw new MalformedTransportStream(
          `A unit of PID ${this.pid} is larger than ${MAX_UNIT_BYTES} bytes.`,
        );
      const larger = Buffer.allocUnsafeSlow(this.packets.length * 2);
      this.packets.copy(larger, 0, 0, this.length);
      this.packets = larger;
    }
    b.copy(this.packets, this.length, at, at + PACKET_BYTES);
    this.length = needed;
  }
}
