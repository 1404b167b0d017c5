/** A process of a Temporal cluster. Each has an address of its own, as on a host of its own. */
export interface RoleHost {
  name: 'frontend' | 'history-1' | 'history-2' | 'matching' | 'internal-worker';
  /** As `temporal-server start --service` takes it. */
  service: 'frontend' | 'history' | 'matching' | 'worker';
  /** Of the loopback network, all of which is this machine. */
  ip: string;
  grpcPort: number;
  /** Where the hosts of the cluster find one another. */
  membershipPort: number;
}

export interface ClusterLayout {
  databasePort: number;
  hosts: readonly RoleHost[];
  /** For TEMPORAL_ADDRESS. */
  address: string;
}

/** Ports from the base on that a cluster takes. */
export const CLUSTER_PORTS = 11;

const ROLES: readonly Pick<RoleHost, 'name' | 'service' | 'ip'>[] = [
  { name: 'frontend', service: 'frontend', ip: '127.0.0.1' },
  { name: 'history-1', service: 'history', ip: '127.0.0.2' },
  { name: 'history-2', service: 'history', ip: '127.0.0.3' },
  { name: 'matching', service: 'matching', ip: '127.0.0.4' },
  { name: 'internal-worker', service: 'worker', ip: '127.0.0.5' },
];

/** Where each process of a cluster listens: [portBase, portBase + CLUSTER_PORTS). Pure. */
export const clusterLayout = (portBase: number): ClusterLayout => {
  const hosts = ROLES.map((role, i) => ({
    ...role,
    grpcPort: portBase + 1 + 2 * i,
    membershipPort: portBase + 2 + 2 * i,
  }));
  const [frontend] = hosts;
  return { databasePort: portBase, hosts, address: `${frontend!.ip}:${frontend!.grpcPort}` };
};
