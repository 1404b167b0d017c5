/** Segments that many players want at the same time: each is read once, and kept within a bound. */
export class SegmentCache {
  /** The one asked for last stands last. */
  private readonly kept = new Map<string, { bytes: number; content: Promise<Buffer> }>();
  private bytes = 0;

  /** @param mostBytes of all together; a segment of more than a quarter of it is not kept */
  constructor(private readonly mostBytes: number) {}

  /** Bytes of the segments that are kept. */
  get keptBytes(): number {
    return this.bytes;
  }

  /**
   * The content of this name, from what is kept or read now; one that can't be read is asked for anew. Nobody may write to it.
   * @returns null for one that is too long to be kept
   */
  get(name: string, bytes: number, read: () => Promise<Buffer>): Promise<Buffer> | null {
    if (bytes > this.mostBytes / 4) return null;
    const known = this.kept.get(name);
    if (known) {
      this.kept.delete(name);
      this.kept.set(name, known);
      return known.content;
    }
    const content = read();
    this.kept.set(name, { bytes, content });
    this.bytes += bytes;
    content.catch(() => this.forget(name));
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.mostBytes) break;
      this.forget(oldest);
    }
    return content;
  }

  private forget(name: string): void {
    this.bytes -= this.kept.get(name)?.bytes ?? 0;
    this.kept.delete(name);
  }
}
