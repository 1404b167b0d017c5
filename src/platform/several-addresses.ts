/** Addresses of which any will do, such as those of replicas. The one that answered last is asked first. */
export class SeveralAddresses {
  private at = 0;

  /** @param all one at least */
  constructor(readonly all: readonly string[]) {}

  get current(): string {
    return this.all[this.at]!;
  }

  /** Goes on to the next one, unless somebody else has left this one already. */
  leave(address: string): void {
    if (this.current === address) this.at = (this.at + 1) % this.all.length;
  }

  /**
   * Asks the current address, and each of the others in turn as long as none answers.
   * @param isAway whether a failure means that another one should be asked
   * @throws the last failure
   */
  async ask<T>(call: (address: string) => Promise<T>, isAway: (error: unknown) => boolean): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const address = this.current;
      try {
        return await call(address);
      } catch (error) {
        if (!isAway(error)) throw error;
        this.leave(address);
        if (tries >= this.all.length) throw error;
      }
    }
  }
}
