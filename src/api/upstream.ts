import type { Environment } from '../config/config';
import { createPartClients } from '../observation/part-clients';
import { createTelemetryStore } from '../telemetry/create-store';
import { TemporalCalls } from '../temporal/calls';
import { TemporalOrchestration } from './orchestration';
import type { ApiPorts } from './ports';
import { createRolloutsPort } from './rollouts-port';
import { createVersionsPort } from './versions-port';

/** The real parts of the swarm that this environment names. Nothing is connected before it is needed. */
export const createPorts = (environment: Environment): ApiPorts => {
  const { SWARM_CELL: cell } = environment;
  const store = createTelemetryStore(environment);
  // Loaded late: the API must answer its health check before the Temporal client is in memory.
  const calls = new TemporalCalls(async () =>
    (await import('../temporal/client')).connectTemporal(environment),
  );
  const orchestration = new TemporalOrchestration({
    cell,
    namespace: environment.TEMPORAL_NAMESPACE,
    uiUrl: environment.TEMPORAL_UI_URL,
    calls,
  });
  const parts = createPartClients(environment);
  return {
    orchestration,
    versions: createVersionsPort(cell, calls),
    rollouts: createRolloutsPort(cell, calls),
    parts,
    inputs: parts.source,
    telemetry: store,
    close: async () => {
      await Promise.allSettled([orchestration.close(), store.close()]);
    },
  };
};
