import type { Client } from '@temporalio/client';
import { policySchema, swarmControl, swarmWorkflowId } from '../../src/domain';

/** Has the planner keep the size of a fleet in bounds: a bench that counts on its encoders is not about scaling. */
export const keepEncoders = async (
  client: Client,
  cell: string,
  { least, most }: { least: number; most: number },
): Promise<void> => {
  const policy = policySchema.parse({ minEncoders: least, maxEncoders: most });
  await client.workflow
    .getHandle(swarmWorkflowId(cell))
    .executeUpdate(swarmControl.setPolicy, { args: [policy] });
};
