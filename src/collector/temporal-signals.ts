import type { Environment } from '../config/config';
import { swarmControl, swarmWorkflowId } from '../domain';
import type { SignalSender } from './signal-queue';

/** Sends the sentinel's events to the swarm workflow of this cell. Loads the Temporal client only when called. */
export const connectSignals = async (environment: Environment): Promise<SignalSender> => {
  const { connectTemporal } = await import('../temporal/client');
  const temporal = await connectTemporal(environment);
  const swarm = temporal.client.workflow.getHandle(swarmWorkflowId(environment.SWARM_CELL));
  return {
    send: (event) => swarm.signal(swarmControl[event.signal], event.payload),
    close: () => temporal.close(),
  };
};
