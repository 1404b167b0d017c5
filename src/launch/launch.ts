import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { NewChannel } from '../channels/new-channel';
import { ownNamesOf, type Environment } from '../config/config';
import { policySchema, redacted, swarmWorkflowId, type ChannelSpec } from '../domain';
import type { LocalFleet } from '../fleet/local-fleet';
import { LOOPBACK, connectableHost, hostAndPort } from '../platform/addresses';
import { linkScheme } from '../platform/links/link-tls';
import { partAuthorization } from '../platform/own-identity';
import { awaitGrpcServing } from '../platform/processes/readiness';
import { loadOrCreateSecret } from '../platform/secret-file';
import type { FoundProgram, StepReporter, Tools } from '../setup';
import { MAX_LOCAL_ENCODERS } from '../setup';
import { influxPasswordFile } from '../telemetry/influx-login';
import type { CellOwner } from '../temporal/cell-owner';
import { readSwarmChannels } from '../temporal/swarm-channels';
import { channelsFromInputs } from './channels-from-inputs';
import { ensureInfluxLogin, writeInfluxConfig } from './influx-server';
import {
  codecPart,
  entryOf,
  etcdPart,
  influxPart,
  nodePart,
  originReplicaPart,
  relayReplicaPart,
  sourcePart,
  temporalPart,
  type PartSurroundings,
} from './part-list';
import type { Parts } from './parts';
import { etcdName, relayName, replicaName, type ReplicaSet } from './replicas';

export interface LaunchOptions {
  surroundings: PartSurroundings;
  parts: Parts;
  tools: Tools;
  /** Absent: one origin, which keeps ownership itself. */
  replicas: ReplicaSet | undefined;
  encoders: readonly { id: string; zone: string }[];
  encoderCapacityUnits: number | 'measured';
  channels: readonly ChannelSpec[];
  cycleSeconds: number | undefined;
  /** Which state folder this is, to the Temporal server. */
  owner: CellOwner;
  reporter: StepReporter;
}

const MAX_SESSIONS_PER_ENCODER = 8;
const MAX_ENCODERS = 8;
/**
 * Cores of this machine that are not promised to encoder hosts: what the other parts of a swarm take, or, on a small
 * machine, three quarters.
 */
const OTHER_PARTS_CORES = 0.8;
const LEAST_SHARE_FOR_ENCODERS = 0.25;
const DESCRIBE_MS = 2_000;

/** For promises that are awaited together further down: a failure before that must not count as unhandled. */
const awaitedLater = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  return promise;
};

/** Shows the start of one part. */
const show = (
  options: LaunchOptions,
  name: string,
  started: Promise<unknown>,
  where: string,
): Promise<unknown> =>
  awaitedLater(
    options.reporter.step(
      name,
      () => started,
      () => where,
    ),
  );

const startNodePart = (options: LaunchOptions, name: string, entry: string, url: string): Promise<unknown> =>
  show(options, name, options.parts.start(nodePart(options.surroundings, name, entry, url)), url);

const startSource = (options: LaunchOptions): Promise<unknown> => {
  const named = options.channels.flatMap(({ input }) => (input.kind === 'url' ? [input.url] : []));
  const { SWARM_SOURCE_URL: url } = options.surroundings.environment;
  return show(options, 'source', options.parts.start(sourcePart(options.surroundings, named)), url);
};

/** The one origin; or several with etcd, which need one another only when they are asked for something. */
const startOrigins = async (options: LaunchOptions, urlOf: (port: number) => string): Promise<unknown> => {
  const { surroundings, replicas, parts } = options;
  const { SWARM_ORIGIN_URL } = surroundings.environment;
  if (!replicas) return startNodePart(options, 'origin', 'media/origin', SWARM_ORIGIN_URL);
  const at = [...replicas.ports.keys()];
  const members = at.map((i) => parts.start(etcdPart(surroundings, replicas, i)));
  const origins = replicas.ports.map(({ origin }, i) =>
    parts.start(originReplicaPart(surroundings, replicas, i, urlOf(origin))),
  );
  return Promise.all([
    show(options, 'etcd', Promise.all(members), at.map(etcdName).join(', ')),
    show(options, 'origins', Promise.all(origins), at.map(replicaName).join(', ')),
  ]);
};

/** The one relay; or several, each of which is sent the same. */
const startRelays = (options: LaunchOptions, urlOf: (port: number) => string): Promise<unknown> => {
  const { surroundings, replicas, parts } = options;
  if (!replicas)
    return startNodePart(options, 'relay', 'media/relay', surroundings.environment.SWARM_RELAY_URL);
  const relays = replicas.relayPorts.map((port, i) =>
    parts.start(relayReplicaPart(surroundings, replicas, i, urlOf(port))),
  );
  return show(
    options,
    'relays',
    Promise.all(relays),
    [...replicas.relayPorts.keys()].map(relayName).join(', '),
  );
};

const startTemporal = async (options: LaunchOptions): Promise<void> => {
  const { temporal } = options.tools;
  if (!('path' in temporal)) return;
  const started = options.parts.start(temporalPart(options.surroundings, temporal));
  const codec = codecPart(options.surroundings);
  if (codec) await show(options, 'codec', options.parts.start(codec), "for Temporal's page");
  await show(options, 'temporal', started, options.surroundings.environment.TEMPORAL_UI_URL);
};

const startInflux = async (options: LaunchOptions): Promise<void> => {
  const { influx } = options.tools;
  if (!('path' in influx)) return;
  const { environment, ports } = options.surroundings;
  const start = async (program: FoundProgram): Promise<void> => {
    const configFile = await writeInfluxConfig({
      stateDir: environment.SWARM_STATE_DIR,
      host: LOOPBACK,
      port: ports.influx,
      backupPort: ports.influxBackup,
      login: true,
    });
    await options.parts.start(influxPart(options.surroundings, program, configFile));
    await ensureInfluxLogin(environment.INFLUX_URL, environment.SWARM_STATE_DIR);
  };
  await show(options, 'influxdb', start(influx), redacted(environment.INFLUX_URL));
};

/** Cores that each of so many encoder hosts on this machine has for itself. */
export const coresOfEach = (hosts: number, cores = availableParallelism()): number =>
  Math.max(LEAST_SHARE_FOR_ENCODERS * cores, cores - OTHER_PARTS_CORES) / hosts;

/** Encode units of the roomiest host. */
const roomiestOf = async (options: LaunchOptions, fleet: LocalFleet): Promise<number> => {
  if (options.encoderCapacityUnits !== 'measured') return options.encoderCapacityUnits;
  const { EncoderClient } = await import('../contracts/encoder/client');
  const described = await Promise.all(
    fleet.list().map(async ({ grpcAddress }) => {
      const client = new EncoderClient(grpcAddress);
      try {
        return (await client.describe({ deadlineMs: DESCRIBE_MS, waitForReady: true })).capacityUnits;
      } finally {
        client.close();
      }
    }),
  );
  return Math.max(...described);
};

const sessionsDirOf = ({ SWARM_STATE_DIR }: Environment): string => join(SWARM_STATE_DIR, 'sessions');

/** Whether hosts have sessions of an earlier run to go on with. */
const haveSessions = async (environment: Environment): Promise<boolean> =>
  (await readdir(sessionsDirOf(environment)).catch(() => [])).length > 0;

/** Starts the encoder hosts, and the agent that others ask for more of them. */
const startFleet = async (options: LaunchOptions): Promise<LocalFleet> => {
  // Imported only now: other parts load meanwhile.
  const [{ LocalFleet: Fleet }, { MemberRecords }, { startFleetAgent }, { createLogger }] = await Promise.all(
    [
      import('../fleet/local-fleet'),
      import('../fleet/member-records'),
      import('../fleet/agent'),
      import('../platform/logger'),
    ],
  );
  const { environment, variables, ports, logsDir, hooks, rig } = options.surroundings;
  const { SWARM_HOST: host } = environment;
  const membersFile = join(environment.SWARM_STATE_DIR, 'fleet-members.json');
  // What was added to an earlier run carries channels that the others may have no room for.
  const asked = new Set(options.encoders.map(({ id }) => id));
  const all = [...options.encoders, ...new MemberRecords(membersFile).all.filter(({ id }) => !asked.has(id))];
  const given = options.encoderCapacityUnits;
  const fleet = new Fleet({
    host,
    portBase: ports.encoderBase,
    region: options.channels[0]?.region ?? 'eu',
    zones: [...new Set(options.encoders.map((e) => e.zone))],
    capacityUnits: given === 'measured' ? { cores: coresOfEach(all.length) } : given,
    maxSessions: MAX_SESSIONS_PER_ENCODER,
    // All cores have been shared out where hosts measure themselves: one more would promise them twice.
    maxEncoders:
      given === 'measured'
        ? all.length
        : Math.min(MAX_LOCAL_ENCODERS, Math.max(MAX_ENCODERS, options.encoders.length)),
    command: process.execPath,
    args: [entryOf('media/encoder')],
    env: variables,
    logsDir,
    logMaxBytes: environment.SWARM_LOG_MIB * 2 ** 20,
    buildsFile: join(environment.SWARM_STATE_DIR, 'fleet-builds.json'),
    membersFile,
    sessionsDir: sessionsDirOf(environment),
    ...(rig && { rig }),
    awaitServing: (address, signal) => awaitGrpcServing(address, '', signal, partAuthorization()),
    ...hooks,
  });
  options.parts.fleet = fleet;
  const encoders = show(
    options,
    'encoders',
    Promise.all(all.map(({ id, zone }) => fleet.start(id, zone))),
    all.map(({ id, zone }) => `${id} (zone ${zone})`).join(', '),
  );
  const agent = await startFleetAgent({
    ...{ fleet, port: ports.fleet, host, names: ownNamesOf(environment), log: createLogger('fleet') },
  });
  options.parts.closeAgent = () => agent.close();
  await encoders;
  return fleet;
};

/**
 * Has the control plane take on the channels: a swarm workflow that runs already keeps those that it has.
 * @returns all channels of the swarm
 */
const bringOnAir = async (options: LaunchOptions, fleet: LocalFleet): Promise<ChannelSpec[]> => {
  const { environment, variables } = options.surroundings;
  const [{ connectTemporal, ensureSwarm, wakeSwarm }, { SourceClient }] = await Promise.all([
    import('../temporal/client'),
    import('../contracts/source'),
  ]);
  const source = new SourceClient(environment.SWARM_SOURCE_URL);
  const temporal = await connectTemporal(environment, variables);
  try {
    const policy = policySchema.parse({});
    const limitUnits = policy.limitFraction * (await roomiestOf(options, fleet));
    const described = await channelsFromInputs(options.channels, source, limitUnits);
    const told = described.map(async ({ spec }) => ({
      ...spec,
      input: await source.keepSecretsOf(spec.input),
    }));
    await ensureSwarm(temporal.client, environment, {
      channels: await Promise.all(told),
      owner: options.owner,
      // Whoever starts fewer encoders than the usual floor wants no more than these.
      policy: { minEncoders: Math.min(policy.minEncoders, options.encoders.length) },
      ...(options.cycleSeconds !== undefined && { cycleSeconds: options.cycleSeconds }),
    });
    await wakeSwarm(temporal.client, environment.SWARM_CELL);
    const swarm = temporal.client.workflow.getHandle(swarmWorkflowId(environment.SWARM_CELL));
    const { channels } = await readSwarmChannels((name, ...args) => swarm.query(name, ...args));
    for (const line of [...notesOf(described, channels), ...otherInputs(options.channels, channels)])
      options.reporter.line(`  ${line}`);
    return channels.sort((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
  } finally {
    await temporal.close();
  }
};

/** A Temporal server of one's own may serve another swarm too: it must not get a worker of this one. */
const requireOwnCellOf = async ({ surroundings, owner }: LaunchOptions): Promise<void> => {
  const { environment, variables } = surroundings;
  const [{ connectTemporal }, { requireOwnCell }] = await Promise.all([
    import('../temporal/client'),
    import('../temporal/cell-owner'),
  ]);
  const temporal = await connectTemporal(environment, variables);
  try {
    await requireOwnCell(temporal.client, environment.SWARM_CELL, owner);
  } finally {
    await temporal.close();
  }
};

/** What is printed about channels whose ladder was made from their input; not of those that go on with another one. */
const notesOf = (described: readonly NewChannel[], running: readonly ChannelSpec[]): string[] =>
  described.flatMap(({ spec, notes }) => {
    const inUse = running.find(({ id }) => id === spec.id);
    return isDeepStrictEqual(inUse?.ladder, spec.ladder) ? notes.map((note) => `${spec.id}: ${note}`) : [];
  });

/**
 * What is printed about channels that go on from an earlier run with another input than the one asked for now. A
 * generated picture is what a channel gets unasked; an input of one's own is asked for.
 */
const otherInputs = (asked: readonly ChannelSpec[], running: readonly ChannelSpec[]): string[] =>
  asked.flatMap(({ id, input }) => {
    const other = running.find((spec) => spec.id === id)?.input;
    if (input.kind !== 'url' || (other?.kind === 'url' && redacted(other.url) === redacted(input.url)))
      return [];
    const now = other?.kind === 'url' ? redacted(other.url) : 'the generated picture';
    return [
      `${id} goes on from an earlier run with another input than --input: ${now}. To change it: ` +
        `npx encoder-swarm channel update ${id} --input URL.`,
    ];
  });

/**
 * Starts every part and brings the channels on air. Parts start side by side, in the order of what the first
 * picture waits for: on two cores it is their loading that takes the time. On the state of an earlier run the media path
 * comes first, as it needs nobody.
 * @returns the fleet of encoder hosts, and all channels of the swarm
 * @throws SwarmError of the first part that could not be started
 */
export const launch = async (
  options: LaunchOptions,
): Promise<{ fleet: LocalFleet; channels: ChannelSpec[] }> => {
  const { environment, ports } = options.surroundings;
  const url = (port: number): string =>
    `${linkScheme()}://${hostAndPort(connectableHost(environment.SWARM_HOST), port)}`;
  if (!('path' in options.tools.temporal)) await requireOwnCellOf(options);
  // Parts read it when they start.
  if ('path' in options.tools.influx)
    await loadOrCreateSecret(influxPasswordFile(environment.SWARM_STATE_DIR));
  const startMediaPath = async (): Promise<LocalFleet> => {
    const parts = [startRelays(options, url), startSource(options), startOrigins(options, url)];
    const [fleet] = await Promise.all([startFleet(options), ...parts]);
    return fleet;
  };
  // Where hosts go on by themselves, pictures wait for nothing else: the control plane loads while the first GOP comes in.
  const resumed = (await haveSessions(environment)) ? await startMediaPath() : null;
  const temporal = awaitedLater(startTemporal(options));
  // The worker waits for Temporal by itself; it is early, as it loads the most.
  const worker = startNodePart(options, 'worker', 'worker', url(ports.worker));
  const mediaPath = resumed ?? awaitedLater(startMediaPath());
  const influx = awaitedLater(startInflux(options));
  const [fleet] = await Promise.all([mediaPath, temporal]);
  const [channels] = await Promise.all([
    options.reporter.step(
      'channels',
      () => bringOnAir(options, fleet),
      (onAir) => onAir.map((c) => c.id).join(', '),
    ),
    worker,
    influx,
  ]);
  // No picture waits for these two.
  await Promise.all([
    startNodePart(options, 'collector', 'collector', url(ports.collector)),
    startNodePart(options, 'api', 'api', environment.SWARM_API_URL),
  ]);
  return { fleet, channels };
};
