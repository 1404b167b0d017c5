/** PTS, DTS and PCR base are 33-bit counters of 1/90000 s (ISO/IEC 13818-1 §2.4.3.7); they wrap after 26.5 h. */
export const WRAP_TICKS = 2 ** 33;

/** The value modulo 2^33, in [0, 2^33). */
export const wrapTicks = (ticks: number): number => {
  const rest = ticks % WRAP_TICKS;
  return rest < 0 ? rest + WRAP_TICKS : rest;
};

/** The unwrapped time congruent to `value33` modulo 2^33 that lies nearest to `nearTicks`. */
export const unwrapTicks = (value33: number, nearTicks: number): number => {
  const ahead = wrapTicks(value33 - nearTicks);
  return nearTicks + (ahead >= WRAP_TICKS / 2 ? ahead - WRAP_TICKS : ahead);
};

/** Reads a PTS or DTS field of 5 bytes. */
export const readTimestamp = (b: Uint8Array, at: number): number =>
  ((b[at]! >> 1) & 7) * 2 ** 30 +
  ((b[at + 1]! << 22) | ((b[at + 2]! >> 1) << 15) | (b[at + 3]! << 7) | (b[at + 4]! >> 1));

/** Writes a PTS or DTS field of 5 bytes; prefix and marker bits stay. */
export const writeTimestamp = (b: Uint8Array, at: number, ticks: number): void => {
  const top = Math.floor(ticks / 2 ** 30);
  const low = ticks % 2 ** 30;
  b[at] = (b[at]! & 0xf1) | (top << 1);
  b[at + 1] = low >> 22;
  b[at + 2] = (b[at + 2]! & 1) | (((low >> 15) & 0x7f) << 1);
  b[at + 3] = (low >> 7) & 0xff;
  b[at + 4] = (b[at + 4]! & 1) | ((low & 0x7f) << 1);
};

/** Reads the 33-bit base of a PCR field of 6 bytes. */
export const readPcrBase = (b: Uint8Array, at: number): number =>
  (b[at]! * 2 ** 24 + ((b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!)) * 2 + (b[at + 4]! >> 7);

/** Writes the 33-bit base of a PCR field; its 27 MHz extension stays. */
export const writePcrBase = (b: Uint8Array, at: number, ticks: number): void => {
  const high = Math.floor(ticks / 2);
  b[at] = Math.floor(high / 2 ** 24);
  b[at + 1] = (high >> 16) & 0xff;
  b[at + 2] = (high >> 8) & 0xff;
  b[at + 3] = high & 0xff;
  b[at + 4] = (b[at + 4]! & 0x7f) | ((ticks % 2) << 7);
};
