import { MalformedTransportStream } from './malformed';
import {
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  SYNC_BYTE,
  hasPayload,
  hasTransportError,
  isScrambled,
  payloadOffset,
  pidOf,
  startsUnit,
} from './packet';
import { SectionAssembler, parseFirstProgramme, parseProgrammeMap } from './tables';
import { UnitAssembler, type PesUnit } from './unit-assembler';

export interface TransportStreamHandlers {
  /** In the order in which units end on the wire. */
  onUnit(unit: PesUnit): void;
  /** PAT and PMT packets, one after the other, when first complete and whenever one of them changes. */
  onTables?(packets: Buffer): void;
  /** A null packet, which is otherwise passed over. */
  onNull?(packet: Buffer): void;
}

export interface TransportStreamReaderOptions {
  /** Bytes that may be skipped in search of the next packet before the stream counts as lost; default 0. */
  resyncLimitBytes?: number;
}

/** Packets in sequence after which the bytes skipped before are forgiven. */
const TRUSTED_RUN = 16;

/**
 * Splits an MPEG transport stream into PES units that keep their original packets. Reads the first programme of
 * the stream; scrambled, damaged and null packets are passed over.
 */
export class TransportStreamReader {
  private readonly resyncLimitBytes: number;
  private readonly carried = Buffer.alloc(PACKET_BYTES);
  private carriedBytes = 0;
  private skippedBytes = 0;
  private run = 0;

  private pat = new SectionAssembler();
  private pmt = new SectionAssembler();
  private programme: { number: number; mapPid: number } | undefined;
  private pcrPid = NULL_PID;
  private video: UnitAssembler | undefined;
  private streams = new Map<number, UnitAssembler>();
  /** Decoding time of the last picture; -1 before the first. */
  private videoDtsTicks = -1;

  constructor(
    private readonly handlers: TransportStreamHandlers,
    options: TransportStreamReaderOptions = {},
  ) {
    this.resyncLimitBytes = options.resyncLimitBytes ?? 0;
  }

  /**
   * Takes the next bytes, cut anywhere. The chunk may be reused afterwards.
   * @throws MalformedTransportStream when packets can't be found within the resync limit, or a unit never ends.
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.carriedBytes > 0) {
      at = chunk.copy(this.carried, this.carriedBytes, 0, PACKET_BYTES - this.carriedBytes);
      this.carriedBytes += at;
      if (this.carriedBytes < PACKET_BYTES) return;
      this.carriedBytes = 0;
      this.takePacket(this.carried, 0);
    }
    const end = chunk.length;
    while (at < end) {
      if (chunk[at] !== SYNC_BYTE) {
        at = this.resync(chunk, at);
        continue;
      }
      if (at + PACKET_BYTES > end) break;
      this.takePacket(chunk, at);
      at += PACKET_BYTES;
    }
    if (at < end) this.carriedBytes = chunk.copy(this.carried, 0, at, end);
  }

  /** The stream has ended: hands over the units still open, also if cut short. */
  flush(): void {
    for (const stream of this.streams.values()) stream.finish();
    this.carriedBytes = 0;
  }

  /** True if the stream ended amid a packet, or amid a unit of known length. Ask before flush. */
  get endsCutShort(): boolean {
    return this.carriedBytes > 0 || [...this.streams.values()].some((stream) => stream.cutShort);
  }

  /** Position of the next byte that looks like the start of a packet, or the end of the chunk. */
  private resync(chunk: Buffer, from: number): number {
    let at = from;
    do {
      at = chunk.indexOf(SYNC_BYTE, at + 1);
    } while (at >= 0 && at + PACKET_BYTES < chunk.length && chunk[at + PACKET_BYTES] !== SYNC_BYTE);
    const found = at < 0 ? chunk.length : at;
    this.run = 0;
    this.skippedBytes += found - from;
    if (this.skippedBytes > this.resyncLimitBytes)
      throw new MalformedTransportStream(
        `Not an MPEG transport stream: no packet begins where one should (${this.skippedBytes} bytes skipped).`,
      );
    return found;
  }

  private takePacket(b: Buffer, at: number): void {
    if (this.skippedBytes > 0 && ++this.run >= TRUSTED_RUN) this.skippedBytes = 0;
    const pid = pidOf(b, at);
    if (pid === NULL_PID) this.handlers.onNull?.(b.subarray(at, at + PACKET_BYTES));
    if (pid === NULL_PID || hasTransportError(b, at)) return;
    const payload = payloadOffset(b, at);
    const withPayload = hasPayload(b, at);
    if (payload > PACKET_BYTES || (withPayload && payload === PACKET_BYTES)) return;

    const stream = this.streams.get(pid);
    if (stream) {
      if (isScrambled(b, at)) return;
      if (!withPayload) stream.pushWithoutPayload(b, at);
      else if (startsUnit(b, at)) stream.pushStart(b, at);
      else stream.pushContinuation(b, at);
    } else if (pid === PAT_PID) {
      if (withPayload) this.takeAssociation(b, at, payload);
    } else if (pid === this.programme?.mapPid) {
      if (withPayload) this.takeMap(b, at, payload, this.programme.number);
    } else if (pid === this.pcrPid) {
      this.video?.pushWithoutPayload(b, at);
    }
  }

  private takeAssociation(b: Buffer, at: number, payload: number): void {
    const section = this.pat.push(b, at, payload, startsUnit(b, at));
    const programme = section && parseFirstProgramme(section);
    if (!programme) return;
    this.pat.accept();
    const known = this.programme;
    if (known?.number !== programme.number || known.mapPid !== programme.mapPid) {
      this.programme = programme;
      this.pmt = new SectionAssembler();
    } else this.tellTables();
  }

  private takeMap(b: Buffer, at: number, payload: number, number: number): void {
    const section = this.pmt.push(b, at, payload, startsUnit(b, at));
    const map = section && parseProgrammeMap(section, number);
    if (!map) return;
    this.pmt.accept();
    const before = this.streams;
    this.streams = new Map();
    this.video = undefined;
    this.pcrPid = map.pcrPid;
    for (const { pid, kind, streamType } of map.streams) {
      if (pid === PAT_PID || pid === NULL_PID || pid === this.programme?.mapPid) continue;
      const same = before.get(pid);
      const stream =
        same?.kind === kind && same.streamType === streamType
          ? same
          : new UnitAssembler(pid, kind, streamType, this.onUnit, () => this.videoDtsTicks);
      this.streams.set(pid, stream);
      if (kind === 'video') this.video = stream;
    }
    for (const [pid, stream] of before) if (this.streams.get(pid) !== stream) stream.finish();
    this.tellTables();
  }

  private readonly onUnit = (unit: PesUnit): void => {
    if (unit.kind === 'video') this.videoDtsTicks = unit.dtsTicks;
    this.handlers.onUnit(unit);
  };

  private tellTables(): void {
    const pat = this.pat.acceptedPackets;
    const pmt = this.pmt.acceptedPackets;
    if (pat && pmt) this.handlers.onTables?.(Buffer.concat([pat, pmt]));
  }
}
