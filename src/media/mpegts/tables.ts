import { PACKET_BYTES } from './packet';
import { kindOf, type StreamKind } from './stream-types';

/** One elementary stream of a programme. */
export interface MapEntry {
  pid: number;
  streamType: number;
  kind: StreamKind;
  /** Descriptors of the stream, e.g. its language. */
  descriptors: Buffer;
}

export interface ProgrammeMap {
  /** 0 to 31. */
  version: number;
  pcrPid: number;
  /** Descriptors of the programme. */
  descriptors: Buffer;
  streams: MapEntry[];
}

/** A section is at most 1024 bytes (ISO/IEC 13818-1 §2.4.4), thus spans at most 7 packets. */
const MAX_SECTION_BYTES = 1024;
const MAX_SECTION_PACKETS = 7;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** CRC-32/MPEG-2; over a whole section with its own CRC it is 0. */
export const crcOf = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = ((crc << 8) ^ crcTable[((crc >>> 24) ^ byte) & 0xff]!) >>> 0;
  return crc;
};

/** Puts the sections of one table PID together; returns only those that differ from the one before. */
export class SectionAssembler {
  private readonly packets = Buffer.alloc(MAX_SECTION_PACKETS * PACKET_BYTES);
  private readonly section = Buffer.alloc(MAX_SECTION_BYTES);
  private packetCount = 0;
  private sectionBytes = 0;
  private collecting = false;
  private lastPackets: Buffer | undefined;

  /** Takes a packet with payload. Returns the section it completes, if new and intact. */
  push(b: Buffer, at: number, payload: number, starts: boolean): Buffer | undefined {
    let from = at + payload;
    const end = at + PACKET_BYTES;
    if (starts) {
      if (this.repeats(b, at)) {
        this.collecting = false;
        return undefined;
      }
      from += 1 + b[from]!;
      this.packetCount = 0;
      this.sectionBytes = 0;
      this.collecting = from < end;
    }
    if (!this.collecting) return undefined;
    if (this.packetCount === MAX_SECTION_PACKETS) {
      this.collecting = false;
      return undefined;
    }
    b.copy(this.packets, this.packetCount++ * PACKET_BYTES, at, end);
    this.sectionBytes += b.copy(this.section, this.sectionBytes, from, end);
    return this.complete();
  }

  /** The packets of the last section that was returned by push and accepted. */
  get acceptedPackets(): Buffer | undefined {
    return this.lastPackets;
  }

  /** Remembers the section just returned, so that its repetitions are passed over. */
  accept(): void {
    this.lastPackets = Buffer.from(this.packets.subarray(0, this.packetCount * PACKET_BYTES));
  }

  /** A section of one packet is the same as before if all but the continuity counter is. */
  private repeats(b: Buffer, at: number): boolean {
    const last = this.lastPackets;
    return last?.length === PACKET_BYTES && last.compare(b, at + 4, at + PACKET_BYTES, 4, PACKET_BYTES) === 0;
  }

  private complete(): Buffer | undefined {
    if (this.sectionBytes < 3) return undefined;
    const length = 3 + (((this.section[1]! & 0x0f) << 8) | this.section[2]!);
    if (length > MAX_SECTION_BYTES) this.collecting = false;
    if (length > this.sectionBytes || length > MAX_SECTION_BYTES) return undefined;
    this.collecting = false;
    const section = this.section.subarray(0, length);
    if (length < 12 || crcOf(section) !== 0) return undefined;
    return section;
  }
}

/**
 * Bytes of the payload from its pointer field to the end of the first section; Infinity where the length of that one is
 * not within the packet.
 */
export const bytesOfSection = (b: Uint8Array, payload: number, end: number): number => {
  const section = payload + 1 + b[payload]!;
  if (section + 3 > end) return Infinity;
  return section + 3 + (((b[section + 1]! & 0x0f) << 8) | b[section + 2]!) - payload;
};

/** The current_next_indicator: only tables in force count. */
const isInForce = (section: Buffer): boolean => (section[5]! & 1) === 1;

/** The programmes of a programme association section; none if it is something else. */
export const parseProgrammes = (section: Buffer): { number: number; mapPid: number }[] => {
  const programmes: { number: number; mapPid: number }[] = [];
  if (section[0] !== 0x00 || !isInForce(section)) return programmes;
  for (let at = 8; at + 4 <= section.length - 4; at += 4) {
    const number = section.readUInt16BE(at);
    if (number !== 0) programmes.push({ number, mapPid: section.readUInt16BE(at + 2) & 0x1fff });
  }
  return programmes;
};

/** First programme of a programme association section, or undefined where it lists none. */
export const parseFirstProgramme = (section: Buffer): { number: number; mapPid: number } | undefined =>
  parseProgrammes(section)[0];

/** Programme map section of the programme `number`; undefined if it is of another one. Only the first video stream counts as video. */
export const parseProgrammeMap = (section: Buffer, number: number): ProgrammeMap | undefined => {
  if (section[0] !== 0x02 || !isInForce(section) || section.length < 16) return undefined;
  if (section.readUInt16BE(3) !== number) return undefined;
  const end = section.length - 4;
  const streams: MapEntry[] = [];
  const firstEntry = Math.min(end, 12 + (section.readUInt16BE(10) & 0x0fff));
  let at = firstEntry;
  while (at + 5 <= end) {
    const streamType = section[at]!;
    const pid = section.readUInt16BE(at + 1) & 0x1fff;
    const descriptorsEnd = Math.min(end, at + 5 + (section.readUInt16BE(at + 3) & 0x0fff));
    const descriptors = Buffer.from(section.subarray(at + 5, descriptorsEnd));
    const tags: number[] = [];
    for (let d = 0; d + 2 <= descriptors.length; d += 2 + descriptors[d + 1]!) tags.push(descriptors[d]!);
    const kind = kindOf(streamType, tags);
    const second = kind === 'video' && streams.some((s) => s.kind === 'video');
    streams.push({ pid, streamType, kind: second ? 'other' : kind, descriptors });
    at = descriptorsEnd;
  }
  return {
    version: (section[5]! >> 1) & 0x1f,
    pcrPid: section.readUInt16BE(8) & 0x1fff,
    descriptors: Buffer.from(section.subarray(12, firstEntry)),
    streams,
  };
};
