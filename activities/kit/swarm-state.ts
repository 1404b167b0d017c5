import type { Client } from '@temporalio/client';
import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../src/domain';

/** What the swarm workflow of a cell knows now. @throws what the client does; withFailures leaves it as it is */
export const swarmState = (temporal: Client, cell: string): Promise<SwarmWorkflowState> =>
  temporal.workflow.getHandle(swarmWorkflowId(cell)).query<SwarmWorkflowState>(swarmControl.state);
