import type { EncodedGop } from './types';

/** GOPs that wait for their publication, bounded: the oldest give way. */
export class HeldGops {
  private readonly gops = new Map<number, EncodedGop>();
  private bytes = 0;

  get(gop: number): EncodedGop | undefined {
    return this.gops.get(gop);
  }

  /** Keeps a GOP, in place of an earlier encode of it. */
  put(gop: EncodedGop): void {
    this.delete(gop.gop);
    this.gops.set(gop.gop, gop);
    this.bytes += bytesOf(gop);
  }

  delete(gop: number): void {
    const held = this.gops.get(gop);
    if (!held) return;
    this.gops.delete(gop);
    this.bytes -= bytesOf(held);
  }

  /** Lets go of all GOPs before one. */
  deleteBefore(gop: number): void {
    for (const held of [...this.gops.keys()]) if (held < gop) this.delete(held);
  }

  /** Lets the oldest go until what is left is within both limits; the newest always stays. */
  trim(maxGops: number, maxBytes: number): void {
    while (this.gops.size > 1 && (this.gops.size > maxGops || this.bytes > maxBytes)) {
      this.delete(Math.min(...this.gops.keys()));
    }
  }

  clear(): void {
    this.gops.clear();
    this.bytes = 0;
  }
}

const bytesOf = (gop: EncodedGop): number => gop.segments.reduce((sum, s) => sum + s.segment.length, 0);
