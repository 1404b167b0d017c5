import type { Duration } from '@temporalio/common';
import { CancellationScope, condition, log } from '@temporalio/workflow';
import type { Chore } from '../../src/domain';
import { causeOf } from '../kit/failures';
import { retryFor6h } from '../kit/steps';

/**
 * What must happen in the end, however long the part at fault is away. No handler carries it out: a run of the swarm
 * could not end before it, and its history has a bound. It is handed on instead, and begun again by the next run.
 */
export class Chores {
  private readonly chores: Chore[];
  /** Of each that was begun in this run, the last one of a channel; settled, it tells what became of it. */
  private readonly ends = new Map<string, Promise<void>>();

  /** @param onDone of each that was carried out */
  constructor(
    carried: readonly Chore[],
    private readonly onDone: (chore: Chore) => void,
  ) {
    this.chores = [...carried];
  }

  /** Those that are not done yet, for the next run. */
  get left(): readonly Chore[] {
    return this.chores;
  }

  isAt(channelId: string): boolean {
    return this.chores.some((chore) => chore.channelId === channelId);
  }

  /** What an earlier run has left. */
  resume(): void {
    for (const chore of this.chores) this.carryOut(chore);
  }

  /** Begins one, if there is none of this channel already. */
  begin(chore: Chore): void {
    if (this.isAt(chore.channelId)) return;
    this.chores.push(chore);
    this.carryOut(chore);
  }

  /**
   * Waits for the one of a channel, but not longer than the limit: it goes on by itself.
   * @returns whether it is done
   * @throws what it failed with
   */
  async done(channelId: string, limit: Duration): Promise<boolean> {
    const summary = `${channelId} is taken back`;
    if (!(await condition(() => !this.isAt(channelId), limit, { summary }))) return false;
    await this.ends.get(channelId);
    return true;
  }

  private carryOut(chore: Chore): void {
    const end = CancellationScope.nonCancellable(() => stepOf(chore)).finally(() => {
      this.chores.splice(this.chores.indexOf(chore), 1);
    });
    this.ends.set(chore.channelId, end);
    end.then(
      () => this.onDone(chore),
      (error: unknown) => {
        log.error('what had to happen did not', { ...chore, cause: causeOf(error).message });
      },
    );
  }
}

const stepOf = (chore: Chore): Promise<void> => {
  const { channelId } = chore;
  return chore.kind === 'unregister'
    ? retryFor6h.unregisterChannel.executeWithOptions({ summary: `undo the start of ${channelId}` }, [
        { channelId, keepAt: chore.keepAt },
      ])
    : retryFor6h.removeChannel.executeWithOptions({ summary: `take ${channelId} off air, forget it` }, [
        { channelId, requestId: chore.requestId },
      ]);
};
