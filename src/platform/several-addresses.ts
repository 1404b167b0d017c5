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

  /**
   * For questions that change nothing: where an address has not answered for so long, the next one is asked too, and the
   * first answer counts. Whoever gave it is asked first from then on.
   * @param call ends once its signal is aborted
   * @param isAway whether a failure means that another one should be asked; all others count as the answer
   * @throws the last failure, once all have failed
   */
  askEagerly<T>(
    call: (address: string, signal: AbortSignal) => Promise<T>,
    patienceMs: number,
    isAway: (error: unknown) => boolean = () => true,
  ): Promise<T> {
    const order = [...this.all.slice(this.at), ...this.all.slice(0, this.at)];
    const over = new AbortController();
    return new Promise<T>((resolve, reject) => {
      let asked = 0;
      let failed = 0;
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        over.abort();
      };
      const askNext = (): void => {
        clearTimeout(timer);
        const address = order[asked];
        if (address === undefined || over.signal.aborted) return;
        asked += 1;
        timer = setTimeout(askNext, patienceMs);
        call(address, over.signal).then(
          (answer) => {
            if (over.signal.aborted) return;
            this.at = this.all.indexOf(address);
            settle();
            resolve(answer);
          },
          (error: unknown) => {
            failed += 1;
            if (failed < order.length && isAway(error)) askNext();
            else if (!over.signal.aborted) {
              settle();
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
        );
      };
      askNext();
    });
  }
}
