import { hostname } from 'node:os';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { SwarmError, channelWorkflowId, searchAttributeNames, swarmWorkflowId } from '../domain';
import { isOwn } from './swarm-run';

/** Which state folder a cell's swarm belongs to. */
export interface CellOwner {
  /** See installationId. */
  installationId: string;
  /** For the message to another one. */
  stateDir: string;
}

/** What `swarm/<cell>` keeps in its memo of its owner; a run of it hands the memo on to the next. */
export const ownerMemo = ({ installationId, stateDir }: CellOwner): Record<string, string> => ({
  installationId,
  stateDir: `${hostname()}:${stateDir}`,
});

/**
 * Makes sure that the cell of a Temporal server is not another swarm's, before anything polls its task queue: workers
 * of two swarms on one queue would each act on their own relay and origin. A swarm that an earlier release started
 * has no owner in its memo, and is anyone's.
 *
 * @throws SwarmError conflict
 */
export const requireOwnCell = async (client: Client, cell: string, owner: CellOwner): Promise<void> => {
  const workflowId = swarmWorkflowId(cell);
  let memo: Record<string, unknown>;
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    if (description.status.name !== 'RUNNING') return;
    memo = description.memo ?? {};
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return;
    throw error;
  }
  if (isOwn({ memo }, owner.installationId)) return;
  throw new SwarmError(
    'conflict',
    `Cell ${cell} of this Temporal server belongs to another swarm, with its state in ${String(memo.stateDir)}.`,
    `Give this one a namespace of its own (TEMPORAL_NAMESPACE), or a cell of its own (SWARM_CELL) with channels of other names. If the other one is gone for ever, with its worker, terminate ${workflowId} in Temporal first.`,
  );
};

/**
 * Makes sure that a channel is not one of another cell: their workflows have the same id, and what is asked of this one
 * would be done to that.
 *
 * @throws SwarmError channel-exists
 */
export const requireOwnChannel = async (client: Client, cell: string, channelId: string): Promise<void> => {
  let other: string | undefined;
  try {
    const { status, typedSearchAttributes } = await client.workflow
      .getHandle(channelWorkflowId(channelId))
      .describe();
    if (status.name !== 'RUNNING') return;
    other =
      typedSearchAttributes.get(defineSearchAttributeKey(searchAttributeNames.cell, 'KEYWORD')) ?? undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return;
    throw error;
  }
  if (other === undefined || other === cell) return;
  throw new SwarmError(
    'channel-exists',
    `There is a channel ${channelId} already, in cell ${other} of the same Temporal namespace.`,
    'Choose another id: those of channels are unique over all cells of a namespace. Or give this cell a namespace of its own (TEMPORAL_NAMESPACE).',
  );
};
