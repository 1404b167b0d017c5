import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import {
  WorkflowIdConflictPolicy,
  defineSearchAttributeKey,
  type SearchAttributePair,
} from '@temporalio/common';
import { taskQueueOf } from '../config/config';
import {
  searchAttributeNames,
  swarmControl,
  swarmWorkflowId,
  type SwarmProgress,
  type SwarmRules,
  type SwarmWorkflowInput,
} from '../domain';
import { argumentsOfRun, askEndedRun, latestRun, type AskOptions } from './ended-run';
import { readSwarmChannels } from './swarm-channels';

/** How the run of a cell's swarm ended: it is meant to run for as long as the cell exists. */
export type SwarmEndStatus = 'TERMINATED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED' | 'COMPLETED';

export interface SwarmEnd {
  status: SwarmEndStatus;
  runId: string;
  closedAtMs: number;
  /** See ownerMemo. */
  memo: Record<string, unknown>;
}

/**
 * Whether a swarm that ended is that of this state folder, and so to be gone on with. One that an earlier release started
 * names no owner, and is anyone's; and who has no state folder is held back from none.
 */
export const isOwn = ({ memo }: Pick<SwarmEnd, 'memo'>, installationId: string | null): boolean =>
  memo.installationId === undefined || installationId === null || memo.installationId === installationId;

/** What a run of the swarm is given. */
export interface SwarmStart {
  input: SwarmWorkflowInput;
  /** The channels, where there are many. */
  packed?: Uint8Array;
  memo?: Record<string, unknown>;
}

const ENDS: readonly string[] = ['TERMINATED', 'FAILED', 'TIMED_OUT', 'CANCELLED', 'COMPLETED'];

/** A long list would be too much for a payload. As in the workflow, which packs it for its next run. */
const PLAIN_CHANNELS_AT_MOST_BYTES = 256 * 1024;
const GZIP_LEVEL = 1;

export const cellAttribute = (cell: string): SearchAttributePair[] => [
  { key: defineSearchAttributeKey(searchAttributeNames.cell, 'KEYWORD'), value: cell },
];

/** Null while a swarm of the cell runs, and where none ever did that the server remembers. */
export const readSwarmEnd = async (client: Client, cell: string): Promise<SwarmEnd | null> => {
  const latest = await latestRun(client, swarmWorkflowId(cell));
  if (!latest || !ENDS.includes(latest.status.name)) return null;
  const { status, runId, closeTime, memo = {} } = latest;
  return { status: status.name as SwarmEndStatus, runId, closedAtMs: closeTime?.getTime() ?? 0, memo };
};

/**
 * What a new run goes on with in place of one that ended: its channels, cordons, policy and the number of its last
 * cycle. Read from the ended run itself; where no worker can, as it was when that run began.
 * @throws what the server threw
 */
export const carryOn = async (
  client: Client,
  cell: string,
  end: SwarmEnd,
  options: AskOptions = {},
): Promise<SwarmStart> => {
  const run = { workflowId: swarmWorkflowId(cell), runId: end.runId };
  const [began, packedAtItsBegin] = (await argumentsOfRun(client, run)) as [SwarmWorkflowInput, Uint8Array?];
  const { memo } = end;
  const { cycleSeconds } = began;
  const told = await askEndedRun<SwarmStart>(
    client,
    run,
    async (query) => {
      const { channelsRevision: _, ...rules } = await query<SwarmRules>(swarmControl.rules);
      const progress = await query<SwarmProgress>(swarmControl.progress);
      const { channels } = await readSwarmChannels(query);
      const carried = { cell, ...rules, ...progress };
      const rest = { cell, cycleSeconds, policy: rules.policy };
      const plain = JSON.stringify(channels);
      if (plain.length <= PLAIN_CHANNELS_AT_MOST_BYTES)
        return { input: { ...rest, carried: { ...carried, channels } }, memo };
      return { input: { ...rest, carried }, packed: gzipSync(plain, { level: GZIP_LEVEL }), memo };
    },
    options,
  );
  return told ?? { input: began, ...(packedAtItsBegin && { packed: packedAtItsBegin }), memo };
};

/** Begins a run, unless one is there by now. */
export const startSwarmRun = async (
  client: Client,
  cell: string,
  { input, packed, memo }: SwarmStart,
): Promise<void> => {
  await client.workflow.start('swarm', {
    workflowId: swarmWorkflowId(cell),
    taskQueue: taskQueueOf(cell),
    args: packed ? [input, packed] : [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    typedSearchAttributes: cellAttribute(cell),
    staticSummary: `swarm of cell ${cell}`,
    ...(memo && { memo }),
    workflowTaskTimeout: '5 seconds',
  });
};
