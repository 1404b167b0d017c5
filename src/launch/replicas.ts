import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError, idSchema } from '../domain';
import { LOOPBACK, hostAndPort } from '../platform/addresses';
import { makeDirectoryDurably, replaceFile } from '../platform/durable-file';
import { REPLICAS_FOLDER } from '../platform/state-folder';
import { SHIFT_ALL_PORTS, type FoundProgram, type PortWanted, type SwarmPorts } from '../setup';

/** How many origins, and members of etcd, there can be on one machine. With more than one there are two relays. */
export const REPLICAS = [1, 3] as const;
export type Replicas = (typeof REPLICAS)[number];

/** The ports of one origin of several, and of the member of etcd beside it. */
export interface ReplicaPorts {
  origin: number;
  player: number;
  etcdClient: number;
  etcdPeer: number;
}

/** What a swarm of this machine with several origins has beside the others. */
export interface ReplicaSet {
  etcd: FoundProgram;
  ports: readonly ReplicaPorts[];
  /** Of each relay. */
  relayPorts: readonly number[];
}

/** The first relay has the port, and the folder, of a relay that is alone: its numbers and GOPs go on. */
export const relayPortsFor = ({ relay, api: base }: SwarmPorts): number[] => [relay, base + 38];

export const relayName = (at: number): string => `relay-${at + 1}`;

/** The first origin has the ports of an origin that is alone. */
export const replicaPortsFor = ({ origin, player, api: base }: SwarmPorts): ReplicaPorts[] => [
  { origin, player, etcdClient: base + 40, etcdPeer: base + 43 },
  { origin: base + 30, player: base + 32, etcdClient: base + 41, etcdPeer: base + 44 },
  { origin: base + 31, player: base + 37, etcdClient: base + 42, etcdPeer: base + 45 },
];

export const replicaName = (at: number): string => `origin-${at + 1}`;

/** The member of etcd beside it. */
export const etcdName = (at: number): string => `etcd-${at + 1}`;

/** What every part is told of the origins and relays. */
export const replicaVariables = (
  { ports, relayPorts }: Pick<ReplicaSet, 'ports' | 'relayPorts'>,
  urlOf: (port: number) => string,
): NodeJS.ProcessEnv => ({
  SWARM_RELAY_PEERS: relayPorts.map((port, at) => `${relayName(at)}=${urlOf(port)}`).join(','),
  SWARM_ORIGIN_PEERS: ports.map(({ origin }, at) => `${replicaName(at)}=${urlOf(origin)}`).join(','),
  SWARM_OWNERSHIP_STORE: `etcd://${ports.map(({ etcdClient }) => hostAndPort(LOOPBACK, etcdClient)).join(',')}`,
});

export const replicaPortsWanted = ({
  ports,
  relayPorts,
}: Pick<ReplicaSet, 'ports' | 'relayPorts'>): PortWanted[] => [
  // That of the first one is counted with the other parts.
  ...relayPorts.slice(1).map((port, i) => ({ port, usedFor: relayName(i + 1), hint: SHIFT_ALL_PORTS })),
  ...ports.flatMap(({ origin, player, etcdClient, etcdPeer }, at): PortWanted[] => {
    const hint = SHIFT_ALL_PORTS;
    const peerHint =
      'end what uses it, as the members of etcd keep the ports of their first start; a new state folder takes others with --port-base N';
    const further = [
      { port: origin, usedFor: replicaName(at), hint },
      { port: player, usedFor: `players of ${replicaName(at)}`, hint },
    ];
    return [
      // Those of the first one are counted with the other parts.
      ...(at === 0 ? [] : further),
      { host: LOOPBACK, port: etcdClient, usedFor: etcdName(at), hint },
      { host: LOOPBACK, port: etcdPeer, usedFor: `the peers of ${etcdName(at)}`, hint: peerHint },
    ];
  }),
];

/** Folder of the disks of replicas: each part has one of its own below it. */
export const replicasFolder = (stateDir: string): string => join(stateDir, REPLICAS_FOLDER);

const peerPortsSchema = z.array(z.int().min(1).max(65_535)).length(3);
const peerPortsFile = (stateDir: string): string => join(replicasFolder(stateDir), 'etcd-peers.json');

/**
 * With the ports by which the members of etcd know one another since their first start: their disks name them, so that
 * they find nobody on others.
 * @throws SwarmError unavailable where the file that names them can't be read
 */
export const withKnownPeerPorts = async (
  stateDir: string,
  ports: readonly ReplicaPorts[],
): Promise<ReplicaPorts[]> => {
  const path = peerPortsFile(stateDir);
  try {
    const known = peerPortsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return ports.map((own, at) => ({ ...own, etcdPeer: known[at]! }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [...ports];
    throw new SwarmError(
      'unavailable',
      `${path} does not name the three ports by which the members of etcd know one another.`,
      `Write them there as [P1, P2, P3], or restore the folder from a backup. Of a first start on the usual ports: ${JSON.stringify(ports.map(({ etcdPeer }) => etcdPeer))}.`,
    );
  }
};

/** Before the first start of etcd; the ports must be free. */
export const keepPeerPorts = async (stateDir: string, ports: readonly ReplicaPorts[]): Promise<void> => {
  const text = JSON.stringify(ports.map(({ etcdPeer }) => etcdPeer));
  await makeDirectoryDurably(replicasFolder(stateDir));
  if ((await readFile(peerPortsFile(stateDir), 'utf8').catch(() => '')) === text) return;
  await replaceFile(peerPortsFile(stateDir), text);
};

/** Arguments for a member of etcd; its folder is one of its own. */
export const etcdArguments = (stateDir: string, ports: readonly ReplicaPorts[], at: number): string[] => {
  const url = (port: number): string => `http://${hostAndPort(LOOPBACK, port)}`;
  const { etcdClient, etcdPeer } = ports[at]!;
  const cluster = ports.map((other, i) => `${etcdName(i)}=${url(other.etcdPeer)}`).join(',');
  return [
    ...['--name', etcdName(at), '--data-dir', join(replicasFolder(stateDir), etcdName(at))],
    ...['--listen-client-urls', url(etcdClient), '--advertise-client-urls', url(etcdClient)],
    ...['--listen-peer-urls', url(etcdPeer), '--initial-advertise-peer-urls', url(etcdPeer)],
    ...['--initial-cluster', cluster, '--initial-cluster-token', `encoder-swarm-${ports[0]!.etcdPeer}`],
    // Members on one machine hear one another at once: who leads is missed after a second, also where many processes share the machine.
    ...['--heartbeat-interval', '100', '--election-timeout', '1000'],
    ...['--auto-compaction-retention', '1', '--logger', 'zap', '--log-level', 'warn'],
  ];
};

/**
 * A state folder is one of a single origin, or one of replicas: its channels would begin anew as the other.
 * @throws SwarmError conflict
 */
export const requireSameKind = async (stateDir: string, replicas: Replicas): Promise<void> => {
  const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
  const alone = (await namesIn(join(stateDir, 'origin'))).filter((name) => idSchema.safeParse(name).success);
  const shared = await namesIn(replicasFolder(stateDir));
  if (replicas === 1 ? shared.length === 0 : alone.length === 0) return;
  throw new SwarmError(
    'conflict',
    replicas === 1
      ? `${stateDir} was run with --replicas 3: one origin alone has no right to its channels.`
      : `${stateDir} was run with one origin: its channels would begin anew.`,
    replicas === 1
      ? 'Start with --replicas 3, or give another --state-dir.'
      : 'Start without --replicas, or give another --state-dir.',
  );
};
