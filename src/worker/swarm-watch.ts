import type { Client } from '@temporalio/client';
import type { Logger } from '../platform/logger';
import { Backoff, pause } from '../platform/retry';
import { carryOn, isOwn, readSwarmEnd, startSwarmRun, type SwarmEnd } from '../temporal/swarm-run';
import { AGAIN, LOOK_MS, SOUND_AFTER_MS } from './watch-pace';

export interface SwarmWatchOptions {
  client: Client;
  cell: string;
  /** Which state folder this worker belongs to; see CellOwner. */
  installationId: () => Promise<string | null>;
  signal: AbortSignal;
  log: Logger;
  lookMs?: number;
}

/** Whether a swarm that ended is to be started again. One that was cancelled was asked to end: it stays so until somebody starts it. */
export const isToRun = (end: SwarmEnd, installationId: string | null): boolean =>
  end.status !== 'CANCELLED' && isOwn(end, installationId);

/**
 * Starts the swarm's workflow again when somebody terminated it or it failed, with the channels, cordons and policy that
 * it had. Several workers of a cell may do so: Temporal begins one run. Ends when the signal is aborted; never throws.
 */
export const watchSwarm = async (options: SwarmWatchOptions): Promise<void> => {
  const { client, cell, signal, log, lookMs = LOOK_MS } = options;
  const backoff = new Backoff(AGAIN);
  let startedAtMs = -Infinity;
  while (!signal.aborted) {
    let nextMs = lookMs;
    try {
      const end = await readSwarmEnd(client, cell);
      if (!end && performance.now() - startedAtMs > SOUND_AFTER_MS) backoff.reset();
      if (end && isToRun(end, await options.installationId())) {
        const { status, runId } = end;
        log.error({ cell, status, runId }, 'the workflow of the swarm has ended; it is started again');
        await startSwarmRun(client, cell, await carryOn(client, cell, end, { signal }));
        startedAtMs = performance.now();
        nextMs = Math.max(lookMs, backoff.nextMs());
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ cause: (error as Error).message }, 'the swarm can not be looked after');
    }
    await pause(nextMs, signal);
  }
};
