import {
  PACKET_BYTES,
  PAT_PID,
  STREAM_TYPE_METADATA,
  STREAM_TYPE_SCTE_35,
  SYNC_BYTE,
  SectionAssembler,
  elementaryStreamOf,
  hasPayload,
  isPesStart,
  isScrambled,
  moveSplice,
  packetsOfMap,
  packetsOfSection,
  parseProgrammeMap,
  parseProgrammes,
  parseTables,
  payloadOffset,
  pesOf,
  pidOf,
  readDts,
  startsUnit,
  writeTables,
  type PesUnit,
} from '../mpegts';
import { renumberPackets } from './sent-packets';

/**
 * ffmpeg reads SCTE-35 from MPEG-TS, but does not write it, and moves all times on the way without saying by how much. So
 * each message is dressed as timed metadata before ffmpeg, with the time of the picture before it twice: as its time,
 * which ffmpeg moves like all others, and within, which it does not touch. Behind ffmpeg the two say by how much the
 * clock was moved, and the message is undressed.
 */

/** metadata_descriptor (ISO/IEC 13818-1 §2.6.60) of timed ID3, which ffmpeg passes on. */
const METADATA_DESCRIPTOR = Buffer.from([
  ...[0x26, 13, 0xff, 0xff, ...Buffer.from('ID3 '), 0xff, ...Buffer.from('ID3 '), 0, 0x0f],
]);
/** registration_descriptor that a programme with SCTE-35 has (SCTE 35 §8.1). */
const REGISTRATION = Buffer.from([0x05, 4, ...Buffer.from('CUEI')]);
/** Header of metadata, which ffmpeg takes away or leaves, by version. */
const HEADER = Buffer.alloc(5);
/** In front of a message: what it is, and the time. */
const MARK = Buffer.from('SCTE35');
const PREFIX_BYTES = MARK.length + 8;
const LENGTH_BYTES = 3;
const STUFFING = 0xff;
/** Between packets of 188 bytes: none, a time of arrival in front, or a checksum behind. */
const GAPS = [0, 4, 16];

const dressed = (section: Buffer, ticks: number): Buffer => {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(ticks));
  return pesOf(Buffer.concat([HEADER, MARK, time, section]), ticks);
};

/** The message in a unit that came through ffmpeg, at its time; undefined if there is none. */
export const undressed = (unit: PesUnit): PesUnit | undefined => {
  const payload = elementaryStreamOf(unit);
  const mark = payload.subarray(0, HEADER.length + MARK.length).indexOf(MARK);
  if (mark < 0 || payload.length < mark + PREFIX_BYTES + LENGTH_BYTES) return undefined;
  const content = payload.subarray(mark);
  const was = Number(content.readBigUInt64BE(MARK.length));
  const length = LENGTH_BYTES + (content.readUInt16BE(PREFIX_BYTES + 1) & 0x0fff);
  const section = content.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
  moveSplice(section, unit.ptsTicks - was);
  return {
    ...{ ...unit, streamType: STREAM_TYPE_SCTE_35, dtsTicks: unit.ptsTicks },
    packets: packetsOfSection(section, unit.pid),
  };
};

/** Tables that came through ffmpeg, with what the tracks are that were dressed. */
export const undressedTables = (packets: Buffer, pids: ReadonlySet<number>): Buffer => {
  if (pids.size === 0) return packets;
  const tables = parseTables(packets);
  const streams = tables.streams.map((stream) =>
    pids.has(stream.pid)
      ? { ...stream, streamType: STREAM_TYPE_SCTE_35, descriptors: Buffer.alloc(0) }
      : stream,
  );
  return writeTables({ ...tables, descriptors: Buffer.concat([tables.descriptors, REGISTRATION]), streams });
};

interface Programme {
  number: number;
  map: SectionAssembler;
  /** Decoding time of its last picture; null before the first. */
  pictureTicks: number | null;
}

interface Track {
  programme: Programme;
  /** Of a section that has not ended. */
  begun: Buffer;
}

/** Dresses the SCTE-35 messages of a transport stream; all else passes as it is. */
export class SpliceCarrier {
  private rest: Buffer = Buffer.alloc(0);
  private readonly association = new SectionAssembler();
  private readonly maps = new Map<number, Programme>();
  private pictures = new Map<number, Programme>();
  private tracks = new Map<number, Track>();
  private readonly counters = new Map<number, number>();
  private written: Buffer[] = [];

  /** Takes the next bytes, cut anywhere. Returns whole packets. */
  push(chunk: Buffer): Buffer {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (at + PACKET_BYTES <= bytes.length) {
      if (bytes[at] !== SYNC_BYTE || !this.goesOn(bytes, at + PACKET_BYTES)) {
        at += 1;
        continue;
      }
      this.take(bytes.subarray(at, at + PACKET_BYTES));
      at += PACKET_BYTES;
    }
    this.rest = Buffer.from(bytes.subarray(at));
    const { written } = this;
    this.written = [];
    return Buffer.concat(written);
  }

  /** Whether a packet may end here, as far as the bytes at hand show. */
  private goesOn(bytes: Buffer, end: number): boolean {
    return GAPS.some((gap) => end + gap >= bytes.length || bytes[end + gap] === SYNC_BYTE);
  }

  private take(packet: Buffer): void {
    const pid = pidOf(packet, 0);
    const programme = this.maps.get(pid);
    const track = this.tracks.get(pid);
    if (programme && hasPayload(packet, 0)) this.takeMap(packet, pid, programme);
    else if (track) this.takeMessage(packet, pid, track);
    else {
      if (pid === PAT_PID) this.takeAssociation(packet);
      else this.watch(packet, this.pictures.get(pid));
      this.written.push(packet);
    }
  }

  private watch(packet: Buffer, programme: Programme | undefined): void {
    if (!programme || !startsUnit(packet, 0) || !hasPayload(packet, 0) || isScrambled(packet, 0)) return;
    const pes = payloadOffset(packet, 0);
    if (!isPesStart(packet, pes, PACKET_BYTES)) return;
    const dtsTicks = readDts(packet, pes, PACKET_BYTES);
    if (dtsTicks >= 0) programme.pictureTicks = dtsTicks;
  }

  private takeAssociation(packet: Buffer): void {
    const section = this.association.push(packet, 0, payloadOffset(packet, 0), startsUnit(packet, 0));
    if (!section) return;
    this.association.accept();
    for (const { number, mapPid } of parseProgrammes(section)) {
      if (this.maps.get(mapPid)?.number === number) continue;
      this.maps.set(mapPid, { number, map: new SectionAssembler(), pictureTicks: null });
    }
  }

  private takeMap(packet: Buffer, mapPid: number, programme: Programme): void {
    const { number, map } = programme;
    const section = map.push(packet, 0, payloadOffset(packet, 0), startsUnit(packet, 0));
    const read = section && parseProgrammeMap(section, number);
    if (!read) return;
    map.accept();
    for (const stream of read.streams) {
      if (stream.kind === 'video') this.pictures.set(stream.pid, programme);
      if (stream.streamType === STREAM_TYPE_SCTE_35 && !this.tracks.has(stream.pid))
        this.tracks.set(stream.pid, { programme, begun: Buffer.alloc(0) });
    }
    const streams = read.streams.map((stream) =>
      stream.streamType === STREAM_TYPE_SCTE_35
        ? { ...stream, streamType: STREAM_TYPE_METADATA, descriptors: METADATA_DESCRIPTOR }
        : stream,
    );
    this.write(packetsOfMap({ ...read, number, mapPid, streams }), mapPid);
  }

  private takeMessage(packet: Buffer, pid: number, track: Track): void {
    if (!hasPayload(packet, 0) || isScrambled(packet, 0)) return;
    let from = payloadOffset(packet, 0);
    if (startsUnit(packet, 0)) {
      const pointer = packet[from]!;
      from += 1;
      // The end of the section before may stand in front.
      track.begun = pointer > 0 && track.begun.length > 0 ? track.begun : Buffer.alloc(0);
      if (track.begun.length === 0) from += pointer;
    } else if (track.begun.length === 0) return;
    let bytes = Buffer.concat([track.begun, packet.subarray(Math.min(from, PACKET_BYTES))]);
    while (bytes.length >= LENGTH_BYTES && bytes[0] !== STUFFING) {
      const length = LENGTH_BYTES + (bytes.readUInt16BE(1) & 0x0fff);
      if (bytes.length < length) break;
      const { pictureTicks } = track.programme;
      if (pictureTicks !== null) {
        const pes = dressed(bytes.subarray(0, length), pictureTicks);
        this.write(packetsOfPes(pes, pid), pid);
      }
      bytes = bytes.subarray(length);
    }
    track.begun = bytes[0] === STUFFING ? Buffer.alloc(0) : bytes;
  }

  private write(packets: Buffer, pid: number): void {
    this.counters.set(pid, renumberPackets(packets, this.counters.get(pid) ?? 0));
    this.written.push(packets);
  }
}

/** A PES packet in packets that count from 0; an adaptation field fills the last one. */
const packetsOfPes = (pes: Buffer, pid: number): Buffer => {
  const most = PACKET_BYTES - 4;
  const packets: Buffer[] = [];
  for (let from = 0; from < pes.length; from += most) {
    const part = pes.subarray(from, from + most);
    const packet = Buffer.alloc(PACKET_BYTES, STUFFING);
    const spare = most - part.length;
    packet.set([SYNC_BYTE, (from === 0 ? 0x40 : 0) | (pid >> 8), pid & 0xff, spare > 0 ? 0x30 : 0x10]);
    if (spare > 0) packet[4] = spare - 1;
    if (spare > 1) packet[5] = 0;
    part.copy(packet, 4 + spare);
    packets.push(packet);
  }
  return Buffer.concat(packets);
};
