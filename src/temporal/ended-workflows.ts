import type { Client } from '@temporalio/client';
import { channelWorkflowId, searchAttributeNames } from '../domain';
import { latestRun } from './ended-run';
import type { SwarmEndStatus } from './swarm-run';

/** A workflow that is meant to run for as long as a channel or a cell exists, and ended in another way. */
export interface EndedWorkflow {
  kind: 'channel' | 'versions';
  /** Of a channel. */
  channelId?: string;
  workflowId: string;
  runId: string;
  status: Exclude<SwarmEndStatus, 'COMPLETED'>;
}

/** By the server's names for a search; a channel that was removed has completed. */
const ENDS = ['Terminated', 'Failed', 'TimedOut', 'Canceled'];
const STATUSES: readonly string[] = ['TERMINATED', 'FAILED', 'TIMED_OUT', 'CANCELLED'];
/** Of one look, the latest first. */
const LISTED_AT_MOST = 1_000;

/** Finds the workflows of a cell's channels, and that of its versions, which ended and were not started again. */
export class EndedWorkflows {
  /** Runs that others came after: they stay in the list of the server for as long as it keeps histories. */
  private readonly overcome = new Set<string>();

  constructor(private readonly cell: string) {}

  /** @throws what the server threw */
  async read(client: Client): Promise<EndedWorkflow[]> {
    const { cell, overcome } = this;
    const statuses = ENDS.map((status) => `"${status}"`).join(', ');
    const query =
      `${searchAttributeNames.cell} = "${cell}" AND WorkflowType IN ("channel", "versions") ` +
      `AND ExecutionStatus IN (${statuses})`;
    const ended = new Map<string, { kind: EndedWorkflow['kind']; runIds: string[] }>();
    const listed = new Set<string>();
    for await (const { workflowId, runId, type } of client.workflow.list({
      query,
      pageSize: LISTED_AT_MOST,
    })) {
      listed.add(runId);
      const known = ended.get(workflowId) ?? { kind: type as EndedWorkflow['kind'], runIds: [] };
      known.runIds.push(runId);
      if (!overcome.has(runId)) ended.set(workflowId, known);
      if (listed.size >= LISTED_AT_MOST) break;
    }
    for (const runId of overcome) if (!listed.has(runId)) overcome.delete(runId);
    const ends = await Promise.all(
      [...ended].map(async ([workflowId, { kind, runIds }]) => {
        const end = await endOfWorkflow(client, workflowId, kind);
        for (const runId of runIds) if (runId !== end?.runId) overcome.add(runId);
        return end;
      }),
    );
    return ends.filter((end) => end !== null);
  }
}

/** How the latest run of a workflow ended; null where it did not, or was meant to. @throws what the server threw */
export const endOfWorkflow = async (
  client: Client,
  workflowId: string,
  kind: EndedWorkflow['kind'],
): Promise<EndedWorkflow | null> => {
  const latest = await latestRun(client, workflowId);
  if (!latest || !STATUSES.includes(latest.status.name)) return null;
  const { runId, status } = latest;
  const channelId = workflowId.slice(channelWorkflowId('').length);
  return {
    ...(kind === 'channel' ? { kind, channelId } : { kind }),
    ...{ workflowId, runId, status: status.name as EndedWorkflow['status'] },
  };
};
