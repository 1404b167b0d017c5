import { PACKET_BYTES, hasPayload, payloadOffset } from './packet';
import { isPesStart, pesPayloadOffset } from './pes-header';
import {
  STREAM_TYPE_H264,
  STREAM_TYPE_HEVC,
  STREAM_TYPE_MPEG1_VIDEO,
  STREAM_TYPE_MPEG2_VIDEO,
} from './stream-types';

/** `keyframe`: decoding can begin here; `idr`: and no later picture refers to anything before it. */
export interface PictureType {
  keyframe: boolean;
  idr: boolean;
}

const notKeyframe: PictureType = { keyframe: false, idr: false };
const openKeyframe: PictureType = { keyframe: true, idr: false };
const idrKeyframe: PictureType = { keyframe: true, idr: true };

/** Headers before the first slice fit well into this; one buffer serves all, nothing is kept in it. */
const scratch = Buffer.alloc(16 * 1024);

/** Copies the beginning of the elementary stream out of a unit's packets; returns the bytes copied. */
const gatherPayload = (packets: Buffer, length: number): number => {
  let filled = 0;
  let first = true;
  for (let at = 0; at < length && filled < scratch.length; at += PACKET_BYTES) {
    if (!hasPayload(packets, at)) continue;
    const end = at + PACKET_BYTES;
    let from = at + payloadOffset(packets, at);
    if (first) {
      if (!isPesStart(packets, from, end)) continue;
      from = pesPayloadOffset(packets, from);
      first = false;
    }
    if (from < end) filled += packets.copy(scratch, filled, from, end);
  }
  return filled;
};

/** Position after the next start code 00 00 01, or `end`. */
const afterStartCode = (b: Buffer, from: number, end: number): number => {
  for (let at = from + 2; at < end; at++) {
    if (b[at] === 1 && b[at - 1] === 0 && b[at - 2] === 0) return at + 1;
  }
  return end;
};

/** True if the H.264 SEI at `from` holds a recovery point that is exact at once (recovery_frame_cnt 0). */
const hasRecoveryPoint = (b: Buffer, from: number, end: number): boolean => {
  let at = from;
  const readSize = (): number => {
    let size = 0;
    while (at < end && b[at] === 0xff) {
      size += 255;
      at++;
    }
    return size + (b[at++] ?? 0);
  };
  while (at + 2 < end && b[at] !== 0x80) {
    const type = readSize();
    const size = readSize();
    if (type === 6) return at < end && (b[at]! & 0x80) !== 0;
    at += size;
  }
  return false;
};

const h264Picture = (b: Buffer, end: number): PictureType => {
  let recoveryPoint = false;
  for (let at = afterStartCode(b, 0, end); at < end; at = afterStartCode(b, at, end)) {
    const type = b[at]! & 0x1f;
    if (type === 5) return idrKeyframe;
    if (type >= 1 && type <= 4) break;
    if (type === 6) recoveryPoint ||= hasRecoveryPoint(b, at + 1, end);
  }
  return recoveryPoint ? openKeyframe : notKeyframe;
};

const hevcPicture = (b: Buffer, end: number): PictureType => {
  for (let at = afterStartCode(b, 0, end); at < end; at = afterStartCode(b, at, end)) {
    const type = (b[at]! >> 1) & 0x3f;
    if (type === 19 || type === 20) return idrKeyframe;
    if (type >= 16 && type <= 21) return openKeyframe;
    if (type <= 9) return notKeyframe;
  }
  return notKeyframe;
};

const mpeg2Picture = (b: Buffer, end: number): PictureType => {
  let sequenceHeader = false;
  let closedGop = false;
  for (let at = afterStartCode(b, 0, end); at < end; at = afterStartCode(b, at, end)) {
    const code = b[at]!;
    if (code === 0xb3) sequenceHeader = true;
    else if (code === 0xb8) closedGop = at + 4 < end && (b[at + 4]! & 0x40) !== 0;
    else if (code === 0x00) {
      const intra = at + 2 < end && ((b[at + 2]! >> 3) & 7) === 1;
      if (!intra || !sequenceHeader) return notKeyframe;
      return closedGop ? idrKeyframe : openKeyframe;
    }
  }
  return notKeyframe;
};

/**
 * Finds out from the coded picture whether decoding can begin at it: an H.264 IDR or exact recovery point, an
 * HEVC IRAP, an MPEG-1/2 I picture with a sequence header. Other codecs: never.
 */
export const pictureTypeOf = (packets: Buffer, length: number, streamType: number): PictureType => {
  const filled = gatherPayload(packets, length);
  switch (streamType) {
    case STREAM_TYPE_H264:
      return h264Picture(scratch, filled);
    case STREAM_TYPE_HEVC:
      return hevcPicture(scratch, filled);
    case STREAM_TYPE_MPEG1_VIDEO:
    case STREAM_TYPE_MPEG2_VIDEO:
      return mpeg2Picture(scratch, filled);
    default:
      return notKeyframe;
  }
};
