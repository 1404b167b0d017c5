import { ViewerRegions } from '../../audience';
import { ownNamesOf, readEnvironment } from '../../config/config';
import { playKeysFolder } from '../../config/players';
import { replicationOf } from '../../config/shared-origins';
import { relayUrlsOf } from '../../config/shared-relays';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { takeOwnIdentity } from '../../platform/own-identity';
import { startOrigin } from './start';

const log = createLogger('origin');

runPart(log, async () => {
  const environment = readEnvironment();
  await takeOwnIdentity(environment, log);
  const replication = replicationOf(environment);
  return startOrigin({
    host: environment.SWARM_HOST,
    port: environment.SWARM_ORIGIN_PORT,
    playerPort: environment.SWARM_PLAYER_PORT,
    players: 'own-process',
    plainPlayers: environment.SWARM_PLAYER_TLS === 'off',
    stateDir: environment.SWARM_STATE_DIR,
    names: ownNamesOf(environment),
    relayUrl: environment.SWARM_RELAY_URL,
    relayUrls: relayUrlsOf(environment),
    replication: replication && { ...replication, cell: environment.SWARM_CELL },
    playKeysFolder: playKeysFolder(environment),
    audience: {
      regions: ViewerRegions.parse(environment.SWARM_VIEWER_NETWORKS),
      proxies: environment.SWARM_VIEWER_PROXIES,
    },
    partialMs: environment.SWARM_PARTIAL_SEGMENT_MS,
    limits: {
      retentionMs: environment.SWARM_RETENTION_SECONDS * 1000,
      retentionBytes: environment.SWARM_RETENTION_MIB * 2 ** 20,
      totalBytes: environment.SWARM_ORIGIN_DISK_MIB ? environment.SWARM_ORIGIN_DISK_MIB * 2 ** 20 : null,
      memoryBytes: environment.SWARM_ORIGIN_MEMORY_MIB ? environment.SWARM_ORIGIN_MEMORY_MIB * 2 ** 20 : null,
      openFiles: environment.SWARM_OPEN_FILES ?? null,
    },
    log,
  });
});
