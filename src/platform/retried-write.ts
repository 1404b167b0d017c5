const RETRY_MS = 1_000;

/**
 * A small record that is written as soon as the disk takes it: at once where it can be, else again each second, with
 * what is to be written by then. For what must not stop its owner.
 */
export class RetriedWrite {
  private retry: NodeJS.Timeout | null = null;

  /** @param write throws the file system's error; always writes what is true at that moment */
  constructor(private readonly write: () => void) {}

  /** Never throws. */
  now(): void {
    this.cancel();
    try {
      this.write();
    } catch {
      this.retry = setTimeout(() => this.now(), RETRY_MS).unref();
    }
  }

  cancel(): void {
    if (this.retry) clearTimeout(this.retry);
    this.retry = null;
  }
}
