import type { Readable, Writable } from 'node:stream';

/** Kept of a sender whose bytes nobody takes yet. One that sends more is cut off. */
const MOST_KEPT_BYTES = 48 * 2 ** 20;

/**
 * The bytes of a sender that connects once, from the first one on. A look at what it is and the channel read the same
 * connection: what the look has read, the channel gets too.
 */
export class Sender {
  /** Settles when it has ended, or was closed. */
  readonly ended: Promise<void>;
  private kept: Buffer[] = [];
  private bytes = 0;
  private over = false;
  private taker: Writable | null = null;
  private readonly readers = new Set<Writable>();
  private settle: () => void = () => undefined;

  constructor(
    private readonly from: Readable,
    private readonly onClose: () => void = () => undefined,
    /** What brings them, besides `from`. */
    private readonly exited: Promise<unknown> = Promise.resolve(),
  ) {
    this.ended = new Promise((resolve) => (this.settle = resolve));
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('close', () => this.finish());
    from.on('end', () => this.finish());
    from.on('error', () => this.finish());
  }

  /** It has ended, and what has brought it as well. */
  async gone(): Promise<void> {
    await Promise.all([this.ended, this.exited]);
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Gives all so far, and what follows, to one who only looks. @returns ends that */
  showTo(reader: Writable): () => void {
    for (const chunk of this.kept) reader.write(chunk);
    if (this.over) reader.end();
    this.readers.add(reader);
    return () => void this.readers.delete(reader);
  }

  /** Gives all so far, and what follows, at the pace at which it is taken. Nothing is kept from then on. */
  giveTo(taker: Writable): void {
    this.taker = taker;
    for (const chunk of this.kept) taker.write(chunk);
    this.kept = [];
    if (this.over) taker.end();
    taker.on('drain', () => this.from.resume());
    taker.on('close', () => this.close());
  }

  close(): void {
    this.onClose();
    this.from.destroy();
    this.finish();
  }

  private take(chunk: Buffer): void {
    for (const reader of this.readers) if (reader.writable) reader.write(chunk);
    if (this.taker) {
      if (this.taker.writable && !this.taker.write(chunk)) this.from.pause();
      return;
    }
    this.kept.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes > MOST_KEPT_BYTES) this.close();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    for (const reader of this.readers) reader.end();
    this.taker?.end();
    this.settle();
  }
}
