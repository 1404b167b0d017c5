/** Tells all who wait that something has changed: they look what it was. */
export class ChangeSignal {
  private readonly waiting = new Set<() => void>();

  tell(): void {
    const told = [...this.waiting];
    this.waiting.clear();
    for (const wake of told) wake();
  }

  /** Resolves at the next change, or when the signal is aborted. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
