import { stringify } from 'yaml';
import type { ClusterLayout, RoleHost } from './layout';

export const DATABASES = { main: 'temporal', visibility: 'temporal_visibility' } as const;
export const DATABASE_USER = 'temporal';

/** Never changed for a database once it has been used. */
const HISTORY_SHARDS = 8;
/** Two databases, five processes: within the 100 connections that PostgreSQL takes unasked. */
const CONNECTIONS = 14;

const store = (layout: ClusterLayout, password: string, databaseName: string): object => ({
  sql: {
    pluginName: 'postgres12',
    databaseName,
    connectAddr: `127.0.0.1:${layout.databasePort}`,
    connectProtocol: 'tcp',
    user: DATABASE_USER,
    password,
    maxConns: databaseName === DATABASES.main ? CONNECTIONS : 3,
    maxIdleConns: databaseName === DATABASES.main ? CONNECTIONS : 3,
    maxConnLifetime: '1h',
  },
});

const rpcOf = ({ ip, grpcPort, membershipPort }: RoleHost): object => ({
  ...{ grpcPort, membershipPort, bindOnIP: ip },
});

/**
 * Configuration of one process of a cluster, as `temporal-server` reads it (config.Config of go.temporal.io/server): YAML.
 * Everything that is not said is as the server has it: no tuning, as a server of somebody else's would have none. Pure.
 * @param options.dynamicConfigFile path; the file is read every 10 s
 */
export const serverConfig = (options: {
  layout: ClusterLayout;
  host: RoleHost;
  password: string;
  dynamicConfigFile: string;
}): string => {
  const { layout, host, password, dynamicConfigFile } = options;
  return stringify({
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: HISTORY_SHARDS,
      datastores: {
        main: store(layout, password, DATABASES.main),
        visibility: store(layout, password, DATABASES.visibility),
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: host.ip } },
    // The others have to be named as well, or they are not looked for.
    services: Object.fromEntries([...layout.hosts, host].map((each) => [each.service, { rpc: rpcOf(each) }])),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: layout.address },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: layout.address },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '10s' },
  });
};
