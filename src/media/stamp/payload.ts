import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { CHANNEL_HASH_BYTES, COUNTER_BYTES, MAC_BYTES, PAYLOAD_BYTES } from './layout';

/** Largest frame counter: 5.4 years at 25 frames/s. */
export const MAX_FRAME = 2 ** 32 - 1;

const channelHashes = new Map<string, Buffer>();

/** The first 16 bits of SHA-256 of the channel id. */
const channelHash = (channelId: string): Buffer => {
  let hash = channelHashes.get(channelId);
  if (!hash) {
    hash = createHash('sha256').update(channelId).digest().subarray(0, CHANNEL_HASH_BYTES);
    channelHashes.set(channelId, hash);
  }
  return hash;
};

/** HMAC-SHA256 (RFC 2104) over the channel id and the 32-bit big-endian counter, truncated to 64 bits. */
const macOf = (key: Buffer, channelId: string, counter: Buffer): Buffer =>
  createHmac('sha256', key).update(channelId).update(counter).digest().subarray(0, MAC_BYTES);

/** The 14 bytes that the cells of a stamp carry. */
export const encodePayload = (key: Buffer, channelId: string, frame: number): Buffer => {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  channelHash(channelId).copy(payload, 0);
  payload.writeUInt32BE(frame, CHANNEL_HASH_BYTES);
  const counter = payload.subarray(CHANNEL_HASH_BYTES, CHANNEL_HASH_BYTES + COUNTER_BYTES);
  macOf(key, channelId, counter).copy(payload, CHANNEL_HASH_BYTES + COUNTER_BYTES);
  return payload;
};

export type StampReading = { ok: true; frame: number } | { ok: false; reason: string };

/** Checks the 14 bytes read from a picture. */
export const decodePayload = (payload: Buffer, key: Buffer, channelId: string): StampReading => {
  const counter = payload.subarray(CHANNEL_HASH_BYTES, CHANNEL_HASH_BYTES + COUNTER_BYTES);
  const frame = counter.readUInt32BE(0);
  if (!payload.subarray(0, CHANNEL_HASH_BYTES).equals(channelHash(channelId))) {
    return { ok: false, reason: 'stamp of another channel' };
  }
  if (
    !timingSafeEqual(payload.subarray(CHANNEL_HASH_BYTES + COUNTER_BYTES), macOf(key, channelId, counter))
  ) {
    return { ok: false, reason: 'stamp with a wrong HMAC' };
  }
  return { ok: true, frame };
};
