import type { Client } from '@temporalio/client';
import { searchAttributeNames } from '../../src/domain';

/** Workflows that must end in a state that somebody can name. Cycles and forecasts are none: the next one looks again. */
const SAGAS = ['handoff', 'recovery', 'drainEncoder', 'scaleOut', 'scaleIn'];
/** Steps of others: what one could not do is answered to its caller, which undoes (scaleIn) or tells (an operator). */
const STEPS = ['drainEncoder', 'upgradeEncoder', 'synchronise'];
/** With those of rollouts. */
export const ALL_SAGAS: readonly string[] = [...SAGAS, 'rollout', 'upgradeEncoder', 'synchronise'];

export interface SagaCounts {
  /** Completed or cancelled, by type and outcome: "handoff completed". */
  outcomes: Record<string, number>;
  /** Still running, failed, timed out, or ended as unresolved; in words. */
  unresolved: string[];
  running: number;
}

/** Lists every saga that the server knows. */
export const countSagas = async (client: Client, types: readonly string[] = SAGAS): Promise<SagaCounts> => {
  const counts: SagaCounts = { outcomes: {}, unresolved: [], running: 0 };
  const query = `WorkflowType IN (${types.map((type) => `"${type}"`).join(', ')})`;
  for await (const { workflowId, runId, type, status, searchAttributes } of client.workflow.list({ query })) {
    const [outcome] = (searchAttributes[searchAttributeNames.outcome] ?? []) as string[];
    const isRunning = status.name === 'RUNNING';
    if (isRunning) counts.running += 1;
    if (status.name === 'CONTINUED_AS_NEW') continue;
    // A channel that is removed cancels its move; what it can't undo still shows as unresolved.
    const isStep = STEPS.includes(type);
    const hasEnded = ['COMPLETED', 'CANCELLED', ...(isStep ? ['FAILED'] : [])].includes(status.name);
    if (!hasEnded || (outcome === 'unresolved' && !isStep)) {
      counts.unresolved.push(`${workflowId} (${runId}) ${status.name.toLowerCase()} ${outcome ?? ''}`.trim());
    } else {
      const name = `${type} ${outcome ?? status.name.toLowerCase()}`;
      counts.outcomes[name] = (counts.outcomes[name] ?? 0) + 1;
    }
  }
  return counts;
};
