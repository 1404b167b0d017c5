/** Tells those who wait for it that the relay is being sent media. */
export class SendingSignal {
  private sending = false;
  private readonly waiters = new Set<() => void>();

  get isOn(): boolean {
    return this.sending;
  }

  on(): void {
    this.sending = true;
    for (const wake of this.waiters) wake();
  }

  off(): void {
    this.sending = false;
  }

  /** @returns false where it takes longer */
  async until(limitMs: number): Promise<boolean> {
    if (this.sending) return true;
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => settle(false), limitMs);
      const settle = (value: boolean): void => {
        clearTimeout(timer);
        this.waiters.delete(wake);
        resolve(value);
      };
      const wake = (): void => settle(true);
      this.waiters.add(wake);
    });
  }
}
