import { SwarmError } from '../../domain';

interface Wait {
  gop: number;
  settle: (error?: SwarmError) => void;
}

/** Callers that wait for a GOP of one channel. They are woken by the event: nothing polls. */
export class GopWaits {
  private readonly waits = new Set<Wait>();

  /**
   * Resolves when `wake` reports a nextGop above `gop`.
   * @throws SwarmError timeout, or what `refuseAll` gives; a caller who leaves is refused with timeout too
   */
  wait(gop: number, timeoutMs: number, caller: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeOut = (): void =>
        wait.settle(
          new SwarmError('timeout', `GOP ${gop} was not published within ${timeoutMs} ms.`, 'Wait again.'),
        );
      const timer = setTimeout(timeOut, timeoutMs);
      const wait: Wait = {
        gop,
        settle: (error) => {
          clearTimeout(timer);
          caller.removeEventListener('abort', timeOut);
          this.waits.delete(wait);
          if (error) reject(error);
          else resolve();
        },
      };
      this.waits.add(wait);
      caller.addEventListener('abort', timeOut, { once: true });
    });
  }

  wake(nextGop: number): void {
    for (const wait of this.waits) if (wait.gop < nextGop) wait.settle();
  }

  refuseAll(error: SwarmError): void {
    for (const wait of this.waits) wait.settle(error);
  }
}
