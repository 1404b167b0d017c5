import { MalformedTransportStream } from './malformed';
import { PACKET_BYTES, PAT_PID, SYNC_BYTE, hasPayload, payloadOffset, pidOf, startsUnit } from './packet';
import { SectionAssembler, crcOf, parseFirstProgramme, parseProgrammeMap, type MapEntry } from './tables';

/** A programme association and the map of its first programme, as they stand in front of a stream's units. */
export interface ProgrammeTables {
  /** Packets of the association (PAT). */
  association: Buffer;
  /** PID of the map, and the number of the programme. */
  mapPid: number;
  number: number;
  /** 0 to 31; another one tells a reader that the map has changed. */
  version: number;
  pcrPid: number;
  /** Descriptors of the programme as a whole. */
  descriptors: Buffer;
  streams: MapEntry[];
}

/**
 * Reads whole packets of PAT and PMT, as TransportStreamReader gives them.
 * @throws MalformedTransportStream if one of the two is missing
 */
export const parseTables = (packets: Buffer): ProgrammeTables => {
  const pat = new SectionAssembler();
  const pmt = new SectionAssembler();
  let programme: ReturnType<typeof parseFirstProgramme>;
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    if (!hasPayload(packets, at)) continue;
    const assembler = pidOf(packets, at) === PAT_PID ? pat : pmt;
    const section = assembler.push(packets, at, payloadOffset(packets, at), startsUnit(packets, at));
    if (!section) continue;
    assembler.accept();
    if (assembler === pat) programme = parseFirstProgramme(section);
    else if (programme) {
      const map = parseProgrammeMap(section, programme.number);
      if (map) return { association: pat.acceptedPackets!, ...programme, ...map };
    }
  }
  throw new MalformedTransportStream('The tables hold no programme map.');
};

const withLength = (bits: number, length: number): number[] => [bits | (length >> 8), length & 0xff];

/** The section of a programme map, ISO/IEC 13818-1 §2.4.4.8. */
const mapSection = ({ number, version, pcrPid, descriptors, streams }: WrittenMap): Buffer => {
  const body = Buffer.concat([
    Buffer.from([number >> 8, number & 0xff, 0xc1 | (version << 1), 0, 0]),
    Buffer.from([...withLength(0xe0, pcrPid), ...withLength(0xf0, descriptors.length)]),
    descriptors,
    ...streams.flatMap((stream) => [
      Buffer.from([stream.streamType, ...withLength(0xe0, stream.pid)]),
      Buffer.from(withLength(0xf0, stream.descriptors.length)),
      stream.descriptors,
    ]),
  ]);
  const section = Buffer.concat([Buffer.from([0x02, ...withLength(0xb0, body.length + 4)]), body]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crcOf(section));
  return Buffer.concat([section, crc]);
};

/** One section on a PID of its own, in packets that count from 0. */
export const packetsOfSection = (section: Buffer, pid: number): Buffer => {
  const payloadBytes = PACKET_BYTES - 4;
  const content = Buffer.concat([Buffer.from([0]), section]);
  const count = Math.ceil(content.length / payloadBytes);
  const packets = Buffer.alloc(count * PACKET_BYTES, 0xff);
  for (let i = 0; i < count; i++) {
    const at = i * PACKET_BYTES;
    packets.set([SYNC_BYTE, (i === 0 ? 0x40 : 0) | (pid >> 8), pid & 0xff, 0x10 | (i & 15)], at);
    content.copy(packets, at + 4, i * payloadBytes, (i + 1) * payloadBytes);
  }
  return packets;
};

type WrittenMap = Omit<ProgrammeTables, 'association'>;

/** Packets of a programme map alone. */
export const packetsOfMap = (map: WrittenMap): Buffer => packetsOfSection(mapSection(map), map.mapPid);

/** Packets of the association and of the map. */
export const writeTables = (tables: ProgrammeTables): Buffer =>
  Buffer.concat([tables.association, packetsOfMap(tables)]);
