import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { BLOCK_BYTES, COUNTER_BYTES, MAC_BYTES } from './sound-layout';

/** Whose sound it is: each speaker of a channel has a stamp of its own. */
export interface SoundStamp {
  key: Buffer;
  channelId: string;
  /** 0 is left, or the only one; 1 is right. */
  speaker: number;
}

/** A space is in no channel id, so that no picture's HMAC is that of a sound. */
const macOf = ({ key, channelId, speaker }: SoundStamp, counter: Buffer): Buffer =>
  createHmac('sha256', key)
    .update(`${channelId} sound ${speaker} `)
    .update(counter)
    .digest()
    .subarray(0, MAC_BYTES);

const masked = (counter: Buffer, mac: Buffer): Buffer => {
  const mask = createHash('sha256').update(mac).digest();
  return Buffer.from(counter.map((byte, i) => byte ^ mask[i]!));
};

/** The 8 bytes that a block carries. `block` is in [0, 2^32): 2.9 years. */
export const encodeBlock = (stamp: SoundStamp, block: number): Buffer => {
  const counter = Buffer.alloc(COUNTER_BYTES);
  counter.writeUInt32BE(block);
  const mac = macOf(stamp, counter);
  return Buffer.concat([mac, masked(counter, mac)]);
};

/** The block that 8 bytes prove to be; null if they prove nothing. */
export const decodeBlock = (stamp: SoundStamp, bytes: Buffer): number | null => {
  const mac = bytes.subarray(0, MAC_BYTES);
  const counter = masked(bytes.subarray(MAC_BYTES, BLOCK_BYTES), mac);
  return timingSafeEqual(mac, macOf(stamp, counter)) ? counter.readUInt32BE(0) : null;
};
