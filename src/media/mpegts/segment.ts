import { createHash } from 'node:crypto';
import { elementaryBytesOf } from './elementary-stream';
import { MalformedTransportStream } from './malformed';
import {
  ADAPTATION_DISCONTINUITY,
  PACKET_BYTES,
  PAT_PID,
  adaptationFlags,
  continuityCounterOf,
  hasPayload,
  payloadOffset,
  pidOf,
  startsUnit,
} from './packet';
import { isPesStart, readPts } from './pes-header';
import { parseTables } from './programme-map';
import { TransportStreamReader } from './reader';
import { unwrapTicks, wrapTicks } from './timestamps';
import type { PesUnit } from './unit-assembler';

export interface SegmentContents {
  /** PTS of every picture, 33-bit as on the wire, in order of presentation (also across a wrap). */
  videoPtsTicks: number[];
  beginsWithIdr: boolean;
  /** stream_type of the video, e.g. 0x1b for H.264. */
  videoStreamType: number;
  hasAudio: boolean;
  /** Bytes of the video's elementary stream. */
  videoBytes: number;
  /** In the order of the programme map. */
  sound: SoundStream[];
}

/** One track of sound. */
export interface SoundStream {
  streamType: number;
  /** Descriptors of the programme map, e.g. its language. */
  descriptors: Buffer;
  /** Bytes of its elementary stream. */
  bytes: number;
  /** Absent where the segment has none of it. */
  firstUnit?: PesUnit;
}

/** @throws MalformedTransportStream if a packet of the stream is missing (ISO/IEC 13818-1 §2.4.3.3). */
const requireContinuity = (segment: Buffer, pid: number): void => {
  let last = -1;
  for (let at = 0; at < segment.length; at += PACKET_BYTES) {
    if (pidOf(segment, at) !== pid || !hasPayload(segment, at)) continue;
    const counter = continuityCounterOf(segment, at);
    const announced = (adaptationFlags(segment, at) & ADAPTATION_DISCONTINUITY) !== 0;
    if (last >= 0 && !announced && counter !== last && counter !== ((last + 1) & 15))
      throw new MalformedTransportStream(`Packets of PID ${pid} are missing before byte ${at}.`);
    last = counter;
  }
};

/**
 * Reads a whole segment.
 * @throws MalformedTransportStream if it is not a whole number of packets, has no video, or lacks packets of it.
 */
export const inspectSegment = (segment: Buffer): SegmentContents => {
  if (segment.length === 0 || segment.length % PACKET_BYTES !== 0)
    throw new MalformedTransportStream(
      `${segment.length} bytes are not a whole number of ${PACKET_BYTES}-byte packets.`,
    );
  const pictures: PesUnit[] = [];
  const sound = new Map<number, SoundStream>();
  let videoBytes = 0;
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      for (const { pid, kind, streamType, descriptors } of parseTables(packets).streams)
        if (kind === 'audio' && !sound.has(pid)) sound.set(pid, { streamType, descriptors, bytes: 0 });
    },
    onUnit: (unit) => {
      if (unit.kind === 'video') {
        pictures.push(unit);
        videoBytes += elementaryBytesOf(unit);
      }
      const track = unit.kind === 'audio' ? sound.get(unit.pid) : undefined;
      if (!track) return;
      track.firstUnit ??= unit;
      track.bytes += elementaryBytesOf(unit);
    },
  });
  reader.push(segment);
  if (reader.endsCutShort) throw new MalformedTransportStream('The segment ends amid a unit.');
  reader.flush();
  const [first] = pictures;
  if (!first) throw new MalformedTransportStream('The segment holds no video.');
  requireContinuity(segment, first.pid);
  const unwrapped = pictures.map((unit) => unwrapTicks(unit.ptsTicks, first.ptsTicks));
  const order = unwrapped.map((_, index) => index).sort((a, b) => unwrapped[a]! - unwrapped[b]!);
  return {
    videoPtsTicks: order.map((index) => pictures[index]!.ptsTicks),
    beginsWithIdr: first.idr,
    videoStreamType: first.streamType,
    hasAudio: [...sound.values()].some(({ firstUnit }) => firstUnit !== undefined),
    videoBytes,
    sound: [...sound.values()],
  };
};

/** The tables with which a segment begins. @param start its first bytes, whole packets */
export const tablesOf = (start: Buffer): Buffer => {
  let tables = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      if (tables.length === 0) tables = Buffer.from(packets);
    },
    onUnit: () => undefined,
  });
  reader.push(start);
  return tables;
};

/**
 * The byte at which a whole segment can be cut in front of a picture: where tables stand right before an IDR picture, so
 * that what follows is a segment of its own. Undefined where there is none.
 * @param ptsTicks of the picture, at any wrap of its clock
 */
export const cutPlace = (segment: Buffer, ptsTicks: number): number | undefined => {
  const wanted = wrapTicks(ptsTicks);
  let videoPid: number | undefined;
  let tablesAt = -1;
  for (let at = 0; at < segment.length; at += PACKET_BYTES) {
    const pid = pidOf(segment, at);
    if (pid === PAT_PID && startsUnit(segment, at)) tablesAt = at;
    if (!startsUnit(segment, at) || !hasPayload(segment, at)) {
      if (pid === videoPid && hasPayload(segment, at)) tablesAt = -1;
      continue;
    }
    const pes = at + payloadOffset(segment, at);
    if (!isPesStart(segment, pes, at + PACKET_BYTES)) continue;
    // The first picture tells which PID is that of the pictures: a segment begins with one.
    videoPid ??= pid;
    if (pid !== videoPid) continue;
    if (tablesAt > 0 && readPts(segment, pes, at + PACKET_BYTES) === wanted)
      return inspectSegment(segment.subarray(tablesAt)).beginsWithIdr ? tablesAt : undefined;
    tablesAt = -1;
  }
  return undefined;
};

/** Fingerprint of a set of PTS: hex SHA-256 of the decimal values joined by ",". */
export const ptsLedgerHash = (ptsTicks: readonly number[]): string =>
  createHash('sha256').update(ptsTicks.join(',')).digest('hex');
