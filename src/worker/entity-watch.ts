import type { Client } from '@temporalio/client';
import type { OriginClient } from '../contracts/origin';
import { SwarmError, swarmControl, swarmWorkflowId, type ChannelWorkflowState } from '../domain';
import { deadlinesMs } from '../observation/deadlines';
import type { Logger } from '../platform/logger';
import { Backoff, pause } from '../platform/retry';
import type { EndedRun } from '../temporal/ended-run';
import { EndedWorkflows, type EndedWorkflow } from '../temporal/ended-workflows';
import { carriedChannel, carriedVersions, startVersionsRun, type OwnerOf } from '../temporal/taken-up';
import { AGAIN, LOOK_MS, SOUND_AFTER_MS } from './watch-pace';

/** A server that is frozen must not hold up the watch. */
const UPDATE_MS = 30_000;

export interface EntityWatchOptions {
  client: Client;
  cell: string;
  ownerOf: OwnerOf;
  /** @throws where the cell is another swarm's, or the server does not answer */
  requireOwnCell: () => Promise<void>;
  signal: AbortSignal;
  log: Logger;
  lookMs?: number;
}

/** Who owns a channel; null where the origin does not know it. @throws SwarmError where it does not answer */
export const ownerAt = async (
  origin: Pick<OriginClient, 'channel'>,
  channelId: string,
): ReturnType<OwnerOf> => {
  try {
    return await origin.channel(channelId, { timeoutMs: deadlinesMs.owners });
  } catch (error) {
    if (error instanceof SwarmError && error.code === 'unknown-channel') return null;
    throw error;
  }
};

interface Try {
  backoff: Backoff;
  atMs: number;
  nextAtMs: number;
}

/**
 * Starts the workflows of channels, and that of the versions, again where somebody terminated them or they failed, with
 * what they knew. One that was cancelled was asked to end, and stays so. Several workers of a cell may do so: Temporal
 * begins one run. Ends when the signal is aborted; never throws.
 */
export const watchEntities = async (options: EntityWatchOptions): Promise<void> => {
  const { client, cell, signal, log, lookMs = LOOK_MS } = options;
  const ended = new EndedWorkflows(cell);
  const tries = new Map<string, Try>();
  while (!signal.aborted) {
    try {
      const ends = (await ended.read(client)).filter(({ status }) => status !== 'CANCELLED');
      if (ends.length > 0) await options.requireOwnCell();
      forgetSound(tries, ends);
      const due = ends.filter(({ workflowId }) => isDue(tries, workflowId, lookMs));
      await Promise.all(due.map((end) => takeUp(options, end)));
    } catch (error) {
      if (!signal.aborted) log.warn({ cause: (error as Error).message }, 'workflows can not be looked after');
    }
    await pause(lookMs, signal);
  }
};

/** One at fault keeps none of the others waiting. */
const takeUp = async (options: EntityWatchOptions, end: EndedWorkflow): Promise<void> => {
  const { signal, log } = options;
  const { kind, workflowId, runId, channelId, status } = end;
  try {
    const isTakenUp =
      kind === 'channel' && channelId !== undefined
        ? await takeUpChannel(options, { channelId, workflowId, runId })
        : await takeUpVersions(options, end);
    if (isTakenUp) log.error({ workflowId, runId, status }, 'a workflow had ended; it was started again');
    else log.debug({ workflowId }, 'it runs by now, or its channel is none of the swarm');
  } catch (error) {
    const cause = (error as Error).message;
    if (!signal.aborted)
      log.warn({ workflowId, status, cause }, 'a workflow has ended, and could not be started again');
  }
};

const takeUpVersions = async (
  { client, cell, signal }: EntityWatchOptions,
  end: EndedWorkflow,
): Promise<true> => {
  await startVersionsRun(client, cell, await carriedVersions(client, end, { signal }));
  return true;
};

/** @returns false where the swarm has no such channel */
const takeUpChannel = async (
  { client, cell, signal, ownerOf }: EntityWatchOptions,
  end: EndedRun & { channelId: string },
): Promise<boolean> => {
  const carried = await carriedChannel(client, end, ownerOf, { signal });
  const swarm = client.workflow.getHandle(swarmWorkflowId(cell));
  return client.withDeadline(Date.now() + UPDATE_MS, () =>
    swarm.executeUpdate<boolean, [string, ChannelWorkflowState?]>(swarmControl.takeUpChannel, {
      args: [end.channelId, carried],
    }),
  );
};

const forgetSound = (tries: Map<string, Try>, ends: readonly EndedWorkflow[]): void => {
  const nowMs = performance.now();
  for (const [id, { atMs }] of tries) {
    const isSound = nowMs - atMs > SOUND_AFTER_MS && !ends.some(({ workflowId }) => workflowId === id);
    if (isSound) tries.delete(id);
  }
};

const isDue = (tries: Map<string, Try>, workflowId: string, lookMs: number): boolean => {
  const atMs = performance.now();
  const before = tries.get(workflowId);
  if (before && atMs < before.nextAtMs) return false;
  const backoff = before?.backoff ?? new Backoff({ ...AGAIN, firstMs: lookMs });
  tries.set(workflowId, { backoff, atMs, nextAtMs: atMs + backoff.nextMs() });
  return true;
};
