import type { Writable } from 'node:stream';
import { NULL_PACKET, PACKET_BYTES, hasPayload } from '../mpegts';

/** While the picture stands still, whoever is sent to is shown that the contribution goes on. */
const SIGN_OF_LIFE_MS = 1_000;

/**
 * Counts the packets of one PID on, in place, as ISO/IEC 13818-1 §2.4.3.3 wants it, so that no receiver takes the start
 * of another process for a loss.
 * @param next counter of the next packet with payload
 * @returns the same, for the packets that follow
 */
export const renumberPackets = (packets: Buffer, next: number): number => {
  let counter = next;
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    const carries = hasPayload(packets, at);
    // A packet without payload repeats the counter of the one before.
    packets[at + 3] = (packets[at + 3]! & 0xf0) | ((carries ? counter : counter + 15) & 0x0f);
    if (carries) counter = (counter + 1) & 0x0f;
  }
  return counter;
};

/** Sends null packets until the signal is aborted. */
export const showLife = (stream: Writable, signal: AbortSignal): void => {
  if (signal.aborted) return;
  const timer = setInterval(() => {
    if (stream.writable && !stream.writableNeedDrain) stream.write(NULL_PACKET);
  }, SIGN_OF_LIFE_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
};
