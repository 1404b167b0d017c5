/**
 * When a made-up contribution seals its GOPs: one after the other from `bornAtMs` on, whatever happens elsewhere. Each
 * channel's moments are shifted against those of the others, as real ones are.
 */
export class GopClock {
  constructor(
    private readonly bornAtMs: number,
    readonly gopMs: number,
  ) {}

  sealedAtMs(channelId: string, gop: number): number {
    return this.bornAtMs + this.shiftMs(channelId) + (gop + 1) * this.gopMs;
  }

  /** -1 before the first. */
  lastSealed(channelId: string, nowMs = Date.now()): number {
    return Math.max(-1, Math.floor((nowMs - this.bornAtMs - this.shiftMs(channelId)) / this.gopMs) - 1);
  }

  private shiftMs(channelId: string): number {
    return hashOf(channelId) % this.gopMs;
  }
}

/** FNV-1a, 32 bits. */
export const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
};
