import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Environment } from '../config/config';
import type { ChannelSpec } from '../domain';
import type { LocalFleet } from '../fleet/local-fleet';
import { installationId } from '../platform/installation-id';
import { takeLinkTls, useLinkTls } from '../platform/links/link-tls';
import { setOwnIdentity } from '../platform/own-identity';
import type { PartEvent, PartRig } from '../platform/processes/part-process';
import { RunRecord, stateFolderRefusal } from '../platform/processes/run-record';
import { openStateFolder } from '../platform/state-folder';
import { requireKnownFormat } from '../platform/state-format';
import {
  findOrInstallEtcd,
  findOrInstallTools,
  portsFor,
  requireDiskSpace,
  requireFreePorts,
  type StepReporter,
  type SwarmPorts,
} from '../setup';
import { DiskWatch } from './disk-watch';
import { launch } from './launch';
import type { PartSurroundings } from './part-list';
import { Parts } from './parts';
import { portsWanted } from './ports-wanted';
import {
  keepPeerPorts,
  relayPortsFor,
  replicaPortsFor,
  replicaPortsWanted,
  requireSameKind,
  withKnownPeerPorts,
  type ReplicaSet,
  type Replicas,
} from './replicas';
import { swarmEnvironment } from './swarm-environment';
import { ensureSecrets } from './swarm-secrets';

export interface SwarmOptions {
  /** Folder of all local state. */
  stateDir: string;
  /** Shifts all ports to [portBase, portBase + 40). Absent: the usual ones. */
  portBase?: number;
  env: NodeJS.ProcessEnv;
  encoders: readonly { id: string; zone: string }[];
  /** Encode units of each encoder host, or what it measures of its share of this machine. */
  encoderCapacityUnits: number | 'measured';
  channels: readonly ChannelSpec[];
  /** Where the generated audience begins, see SWARM_AUDIENCE_ANCHOR; absent: as the variable says. */
  audienceAnchor?: Environment['SWARM_AUDIENCE_ANCHOR'];
  /** Origins that share the channels, each with a disk of its own; absent: one. */
  replicas?: Replicas | undefined;
  /** Wall time between control cycles; absent: the control plane's own default. */
  cycleSeconds?: number;
  reporter: StepReporter;
  /** Aborted while the swarm starts, it ends all that was started; startSwarm throws then. */
  signal?: AbortSignal;
  onEvent: (event: PartEvent) => void;
  /** Absent: the parts reach one another as they are. */
  rig?: PartRig;
}

export interface RunningSwarm {
  environment: Environment;
  fleet: LocalFleet;
  /** All channels of the swarm, also those that it goes on with from an earlier run. */
  channels: readonly ChannelSpec[];
  startedAtMs: number;
  /** Processes that were started, by part. */
  pids(): Record<string, number>;
  /** Ends all that was started, in order, and gives the state folder free. */
  stop: () => Promise<void>;
  /** Ends all that was started at once. */
  killNow: () => void;
}

const findReplicaTools = async (
  env: NodeJS.ProcessEnv,
  ports: SwarmPorts,
  { stateDir, reporter, signal }: Pick<SwarmOptions, 'stateDir' | 'reporter' | 'signal'>,
): Promise<ReplicaSet> => ({
  ports: await withKnownPeerPorts(resolve(stateDir), replicaPortsFor(ports)),
  relayPorts: relayPortsFor(ports),
  etcd: await reporter.step(
    'etcd',
    (progress) => findOrInstallEtcd({ env, progress, ...(signal && { signal }) }),
    ({ path, how }) => `${path} (${how})`,
  ),
});

/**
 * Starts a whole swarm as processes of this machine and has it bring its channels on air. Parts that end by
 * themselves are started again.
 * @throws SwarmError with cause and hint where it can't be started; nothing keeps running then
 */
export const startSwarm = async (options: SwarmOptions): Promise<RunningSwarm> => {
  const startedAtMs = Date.now();
  const stateDir = resolve(options.stateDir);
  const ports = portsFor(options.portBase, options.env);
  await requireKnownFormat(stateDir).catch((error: unknown) => {
    throw stateFolderRefusal(stateDir, 'used', error);
  });
  const record = await RunRecord.claim(stateDir);
  const parts = new Parts();
  const pids = new Map<string, number>();
  const killNow = (): void => parts.killNow();
  process.once('exit', killNow);
  let stopping: Promise<void> | null = null;
  const disk = new DiskWatch({
    folder: stateDir,
    onEvent: options.onEvent,
    // Once its log of writes was refused, InfluxDB refuses each later write, until it is started again.
    onRoomAgain: () => parts.renew('influxdb', 'as it writes nothing any more after a full disk'),
  });
  const stop = (): Promise<void> =>
    (stopping ??= parts.stop().finally(async () => {
      disk.stop();
      process.off('exit', killNow);
      useLinkTls(undefined);
      await record.release();
    }));
  const stopStarting = (): void => void stop();
  options.signal?.addEventListener('abort', stopStarting);

  try {
    options.signal?.throwIfAborted();
    const { reporter } = options;
    if (record.endedLeftovers.length > 0) {
      reporter.line(`  ended what an earlier run left: ${record.endedLeftovers.join(', ')}`);
    }
    const open = await openStateFolder(stateDir);
    if (open !== null) reporter.line(`  ${open}`);
    await requireDiskSpace(stateDir);
    const env: NodeJS.ProcessEnv = {
      ...options.env,
      ...(options.audienceAnchor && { SWARM_AUDIENCE_ANCHOR: options.audienceAnchor }),
    };
    const secrets = await ensureSecrets(stateDir, env);
    // This process asks the parts and the API of the swarm that it starts, and runs its fleet agent.
    setOwnIdentity({
      ...{ partToken: secrets.partToken, apiToken: secrets.adminToken },
      allowPlain: env.SWARM_ALLOW_PLAIN === 'yes',
    });
    await takeLinkTls(env);
    const { replicas = 1 } = options;
    await requireSameKind(stateDir, replicas);
    const [tools, replicaSet] = await Promise.all([
      findOrInstallTools(env, reporter, options.signal),
      replicas === 1 ? undefined : findReplicaTools(env, ports, options),
    ]);
    const { variables, environment } = swarmEnvironment({
      env: { ...env, ...secrets.files },
      ...{ stateDir, ports, tools, replicas: replicaSet },
    });
    await requireFreePorts(
      [
        ...portsWanted({
          ...{ ports, tools, encoders: options.encoders.length },
          codec: environment.SWARM_PAYLOAD_CODEC === 'on',
        }),
        ...(replicaSet ? replicaPortsWanted(replicaSet) : []),
      ],
      environment.SWARM_HOST,
    );
    if (replicaSet) await keepPeerPorts(stateDir, replicaSet.ports);
    record.reachedAt({ api: environment.SWARM_API_URL, relay: environment.SWARM_RELAY_URL });
    const logsDir = join(stateDir, 'logs');
    await mkdir(logsDir, { recursive: true });
    const hooks: PartSurroundings['hooks'] = {
      onEvent: options.onEvent,
      onSpawned: (name, pid) => {
        pids.set(name, pid);
        record.add(name, pid);
      },
      onEnded: (name) => {
        pids.delete(name);
        record.remove(name);
      },
    };
    const { fleet, channels } = await launch({
      surroundings: {
        environment,
        variables,
        ports,
        logsDir,
        hooks,
        ...(options.rig && { rig: options.rig }),
      },
      parts,
      tools,
      replicas: replicaSet,
      encoders: options.encoders,
      encoderCapacityUnits: options.encoderCapacityUnits,
      channels: options.channels,
      cycleSeconds: options.cycleSeconds,
      owner: { installationId: await installationId(stateDir), stateDir },
      reporter,
    });
    disk.start();
    return {
      environment,
      fleet,
      channels,
      startedAtMs,
      pids: () => Object.fromEntries(pids),
      stop,
      killNow,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stopStarting);
  }
};
