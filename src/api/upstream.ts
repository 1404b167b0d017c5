import type { Environment } from '../config/config';
import { encoderClientFor } from '../contracts/encoder/client';
import { readStorageReports } from '../contracts/health';
import { OriginClient } from '../contracts/origin';
import { SourceClient } from '../contracts/source';
import { createFleetProvider } from '../fleet/create-provider';
import { createTelemetryStore } from '../telemetry/create-store';
import { TemporalCalls } from '../temporal/calls';
import { TemporalOrchestration } from './orchestration';
import type { ApiPorts } from './ports';
import { createRolloutsPort } from './rollouts-port';
import { createVersionsPort } from './versions-port';

const DEADLINE_MS = 2_000;

/** The real parts of the swarm that this environment names. Nothing is connected before it is needed. */
export const createPorts = (environment: Environment): ApiPorts => {
  const { SWARM_RELAY_URL: relayUrl, SWARM_ORIGIN_URL: originUrl } = environment;
  const { SWARM_SOURCE_URL: sourceUrl, SWARM_CELL: cell } = environment;
  const origin = new OriginClient(originUrl);
  const source = new SourceClient(sourceUrl);
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
  return {
    orchestration,
    versions: createVersionsPort(cell, calls),
    rollouts: createRolloutsPort(cell, calls),
    origin: {
      channels: () => origin.channels({ timeoutMs: DEADLINE_MS }),
      ledgerEntry: async (channelId, gop) =>
        (await origin.ledger(channelId, gop, gop + 1, { timeoutMs: DEADLINE_MS }))[0] ?? null,
    },
    source: {
      channels: () => source.channels({ timeoutMs: DEADLINE_MS }),
    },
    storage: () => readStorageReports({ source: sourceUrl, relay: relayUrl, origin: originUrl }),
    fleet: createFleetProvider(environment),
    encoder: {
      describe: (address) => encoderClientFor(address).describe({ deadlineMs: DEADLINE_MS }),
      telemetry: (address) => encoderClientFor(address).telemetry({ deadlineMs: DEADLINE_MS }),
    },
    telemetry: store,
    close: async () => {
      await Promise.allSettled([orchestration.close(), store.close()]);
    },
  };
};
