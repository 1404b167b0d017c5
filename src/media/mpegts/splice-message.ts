import { MalformedTransportStream } from './malformed';
import { PACKET_BYTES, hasPayload, payloadOffset } from './packet';
import { crcOf } from './tables';
import { wrapTicks } from './timestamps';

/** SCTE-35 messages, by ANSI/SCTE 35 2023: §9.6 splice_info_section, §9.7 commands, §9.8 times, §10.3 descriptors. */

/** What a segmentation_descriptor says (§10.3.3). */
export interface Segmentation {
  eventId: number;
  typeId: number;
  durationTicks?: number;
}

/** A message, with its times on the clock of the stream: 33-bit ticks, pts_adjustment counted in. */
export type SpliceMessage =
  | { command: 'insert'; eventId: number; cancelled: true }
  | {
      command: 'insert';
      eventId: number;
      cancelled: false;
      /** out_of_network_indicator: a break begins; else it ends. */
      out: boolean;
      /** Absent: at once. */
      ptsTicks?: number;
      durationTicks?: number;
      autoReturn: boolean;
    }
  | {
      command: 'signal';
      /** Absent: at once. */
      ptsTicks?: number;
      segmentations: Segmentation[];
      cancelledEventIds: number[];
    }
  /** Says nothing of a splice: splice_null, bandwidth_reservation, splice_schedule, private_command. */
  | { command: 'other'; type: number };

const SPLICE_INFO = 0xfc;
const SPLICE_INSERT = 0x05;
const TIME_SIGNAL = 0x06;
const OTHER_COMMANDS = new Set([0x00, 0x04, 0x07, 0xff]);
const SEGMENTATION_DESCRIPTOR = 0x02;
const CUEI = 0x43554549;
/** splice_command_length where an old sender does not say it (§9.6.1). */
const LENGTH_UNSAID = 0xfff;
const HEADER_BYTES = 14;
const CRC_BYTES = 4;
const STUFFING = 0xff;

/** Reads bits in order; beyond the end is malformed. */
class Bits {
  private bit = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Up to 48 bits. */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.bit++) {
      const byte = this.bytes[this.bit >> 3];
      if (byte === undefined) throw new MalformedTransportStream('The message is cut short.');
      value = value * 2 + ((byte >> (7 - (this.bit & 7))) & 1);
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.read(count);
  }

  get byte(): number {
    return this.bit >> 3;
  }
}

/** splice_time (§9.8.1); undefined where it names none. */
const readTime = (bits: Bits): number | undefined => {
  if (!bits.flag()) {
    bits.skip(7);
    return undefined;
  }
  bits.skip(6);
  return bits.read(33);
};

const moved = (ticks: number | undefined, adjustment: number): { ptsTicks?: number } =>
  ticks === undefined ? {} : { ptsTicks: wrapTicks(ticks + adjustment) };

/** splice_insert (§9.7.3). Of several components the first one's time is that of the splice. */
const readInsert = (bits: Bits, adjustment: number): SpliceMessage => {
  const eventId = bits.read(32);
  const isCancelled = bits.flag();
  bits.skip(7);
  if (isCancelled) return { command: 'insert', eventId, cancelled: true };
  const out = bits.flag();
  const isProgramme = bits.flag();
  const hasDuration = bits.flag();
  const isImmediate = bits.flag();
  bits.skip(4);
  let time: number | undefined;
  if (isProgramme) {
    if (!isImmediate) time = readTime(bits);
  } else {
    const components = bits.read(8);
    for (let i = 0; i < components; i++) {
      bits.skip(8);
      const own = isImmediate ? undefined : readTime(bits);
      time ??= own;
    }
  }
  let breakDuration = {};
  let autoReturn = false;
  if (hasDuration) {
    autoReturn = bits.flag();
    bits.skip(6);
    breakDuration = { durationTicks: bits.read(33) };
  }
  // unique_program_id, avail_num, avails_expected.
  bits.skip(32);
  return {
    ...{ command: 'insert', eventId, cancelled: false, out, autoReturn },
    ...moved(time, adjustment),
    ...breakDuration,
  };
};

/** segmentation_descriptor (§10.3.3.1), behind its identifier. */
const readSegmentation = (bits: Bits): Segmentation | { cancelled: number } => {
  const eventId = bits.read(32);
  const isCancelled = bits.flag();
  bits.skip(7);
  if (isCancelled) return { cancelled: eventId };
  const isProgramme = bits.flag();
  const hasDuration = bits.flag();
  bits.skip(6);
  if (!isProgramme) {
    const components = bits.read(8);
    for (let i = 0; i < components; i++) bits.skip(8 + 7 + 33);
  }
  const duration = hasDuration ? { durationTicks: bits.read(40) } : {};
  bits.skip(8);
  const upidBytes = bits.read(8);
  for (let i = 0; i < upidBytes; i++) bits.skip(8);
  const typeId = bits.read(8);
  // segment_num, segments_expected.
  bits.skip(16);
  return { eventId, typeId, ...duration };
};

const readDescriptors = (bytes: Buffer): { segmentations: Segmentation[]; cancelledEventIds: number[] } => {
  const segmentations: Segmentation[] = [];
  const cancelledEventIds: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const bits = new Bits(bytes.subarray(at));
    const tag = bits.read(8);
    const length = bits.read(8);
    if (at + 2 + length > bytes.length)
      throw new MalformedTransportStream('A descriptor is longer than its loop.');
    if (tag === SEGMENTATION_DESCRIPTOR && length >= 4 && bits.read(32) === CUEI) {
      const own = new Bits(bytes.subarray(at + 6, at + 2 + length));
      const found = readSegmentation(own);
      if ('cancelled' in found) cancelledEventIds.push(found.cancelled);
      else segmentations.push(found);
    }
    at += 2 + length;
  }
  return { segmentations, cancelledEventIds };
};

/**
 * Reads one whole splice_info_section.
 * @throws MalformedTransportStream if it is damaged, encrypted, or not what the standard says
 */
export const parseSplice = (section: Buffer): SpliceMessage => {
  const malformed = (why: string): never => {
    throw new MalformedTransportStream(why);
  };
  if (section.length < HEADER_BYTES + 2 + CRC_BYTES || section[0] !== SPLICE_INFO)
    malformed('It is no splice_info_section.');
  const length = 3 + (section.readUInt16BE(1) & 0x0fff);
  if (length !== section.length) malformed('Its length is not what it says.');
  if (crcOf(section) !== 0) malformed('Its checksum is wrong.');
  if (section[3] !== 0) malformed(`Its protocol_version is ${section[3]}.`);
  if ((section[4]! & 0x80) !== 0) malformed('It is encrypted.');
  const adjustment = (section[4]! & 1) * 2 ** 32 + section.readUInt32BE(5);
  const commandLength = section.readUInt16BE(11) & 0x0fff;
  const type = section[13]!;
  const content = section.subarray(HEADER_BYTES, section.length - CRC_BYTES);
  if (OTHER_COMMANDS.has(type)) return { command: 'other', type };
  const bits = new Bits(content);
  const readCommand = (): SpliceMessage => {
    if (type === SPLICE_INSERT) return readInsert(bits, adjustment);
    if (type !== TIME_SIGNAL) return malformed(`Its command ${type} is none of the standard.`);
    return {
      ...{ command: 'signal', segmentations: [], cancelledEventIds: [] },
      ...moved(readTime(bits), adjustment),
    };
  };
  const command = readCommand();
  if (commandLength !== LENGTH_UNSAID && commandLength !== bits.byte)
    malformed('Its command is not as long as it says.');
  const loop = bits.byte + 2;
  if (loop > content.length) malformed('It lacks its descriptors.');
  const descriptorBytes = content.readUInt16BE(bits.byte);
  if (loop + descriptorBytes > content.length) malformed('Its descriptors are cut short.');
  const descriptors = readDescriptors(content.subarray(loop, loop + descriptorBytes));
  return command.command === 'signal' ? { ...command, ...descriptors } : command;
};

/** A splice that is asked for by an operator. */
export interface WrittenSplice {
  eventId: number;
  out: boolean;
  /** Channel time. */
  ptsTicks: number;
  durationTicks?: number | undefined;
}

/** A splice_insert of the whole programme; a break of known length returns by itself. */
export const spliceInsertSection = ({ eventId, out, ptsTicks, durationTicks }: WrittenSplice): Buffer => {
  const time = wrapTicks(ptsTicks);
  const withTime = (flags: number, ticks: number): number[] => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(ticks % 2 ** 32, 1);
    bytes[0] = flags | (ticks >= 2 ** 32 ? 1 : 0);
    return [...bytes];
  };
  const id = Buffer.alloc(4);
  id.writeUInt32BE(eventId);
  const hasDuration = durationTicks !== undefined;
  const command = [
    ...[...id, 0x7f, (out ? 0x80 : 0) | 0x40 | (hasDuration ? 0x20 : 0) | 0x0f],
    ...withTime(0xfe, time),
    ...(hasDuration ? withTime(0xfe, durationTicks) : []),
    ...[0, 0, 0, 0],
  ];
  const body = [
    ...[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xf0 | (command.length >> 8), command.length & 0xff, SPLICE_INSERT],
    ...command,
    ...[0, 0],
  ];
  const length = body.length + CRC_BYTES;
  const section = Buffer.from([SPLICE_INFO, 0x30 | (length >> 8), length & 0xff, ...body, 0, 0, 0, 0]);
  section.writeUInt32BE(crcOf(section.subarray(0, -CRC_BYTES)), section.length - CRC_BYTES);
  return section;
};

/** The whole sections in the packets of one unit of a stream of sections. */
export const sectionsOf = (packets: Buffer): Buffer[] => {
  const payloads: Buffer[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES)
    if (hasPayload(packets, at))
      payloads.push(packets.subarray(at + payloadOffset(packets, at), at + PACKET_BYTES));
  const bytes = Buffer.concat(payloads);
  const sections: Buffer[] = [];
  for (let at = 1 + (bytes[0] ?? 0); at + 3 <= bytes.length && bytes[at] !== STUFFING;) {
    const end = at + 3 + (bytes.readUInt16BE(at + 1) & 0x0fff);
    if (end > bytes.length) break;
    sections.push(bytes.subarray(at, end));
    at = end;
  }
  return sections;
};
