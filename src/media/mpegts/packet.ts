/** Layout of transport packets, ISO/IEC 13818-1 §2.4.3. */
export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;
export const NULL_PID = 0x1fff;
export const PAT_PID = 0;

/** A packet that every receiver passes over (ISO/IEC 13818-1 §2.4.3.3). */
export const NULL_PACKET = Buffer.alloc(PACKET_BYTES, 0xff);
NULL_PACKET.set([SYNC_BYTE, NULL_PID >> 8, NULL_PID & 0xff, 0x10]);

export const pidOf = (b: Uint8Array, at: number): number => ((b[at + 1]! & 0x1f) << 8) | b[at + 2]!;
export const setPid = (b: Uint8Array, at: number, pid: number): void => {
  b[at + 1] = (b[at + 1]! & 0xe0) | (pid >> 8);
  b[at + 2] = pid & 0xff;
};
export const hasTransportError = (b: Uint8Array, at: number): boolean => (b[at + 1]! & 0x80) !== 0;
export const startsUnit = (b: Uint8Array, at: number): boolean => (b[at + 1]! & 0x40) !== 0;
export const isScrambled = (b: Uint8Array, at: number): boolean => (b[at + 3]! & 0xc0) !== 0;
export const hasPayload = (b: Uint8Array, at: number): boolean => (b[at + 3]! & 0x10) !== 0;
export const continuityCounterOf = (b: Uint8Array, at: number): number => b[at + 3]! & 0x0f;

/** Length of the adaptation field that follows its length byte; 0 where there is none. */
const adaptationLength = (b: Uint8Array, at: number): number => (b[at + 3]! & 0x20 ? b[at + 4]! : 0);

/** Flags byte of the adaptation field; 0 where there is none. */
export const adaptationFlags = (b: Uint8Array, at: number): number =>
  adaptationLength(b, at) > 0 ? b[at + 5]! : 0;

export const ADAPTATION_DISCONTINUITY = 0x80;
export const ADAPTATION_RANDOM_ACCESS = 0x40;
export const ADAPTATION_PCR = 0x10;
export const ADAPTATION_OPCR = 0x08;

/** Offset of the payload from the start of the packet: 4 to 188; above 188 the packet is malformed. */
export const payloadOffset = (b: Uint8Array, at: number): number => (b[at + 3]! & 0x20 ? 5 + b[at + 4]! : 4);
