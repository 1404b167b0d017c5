import { join } from 'node:path';
import {
  SwarmError,
  policySchema,
  swarmControl,
  swarmWorkflowId,
  type ChannelSpec,
  type SwarmWorkflowState,
} from '../domain';
import type { LocalFleet } from '../fleet/local-fleet';
import type { FoundProgram, StepReporter, Tools } from '../setup';
import { MAX_LOCAL_ENCODERS } from '../setup';
import { writeInfluxConfig } from './influx-server';
import { entryOf, influxPart, nodePart, temporalPart, type PartSurroundings } from './part-list';
import type { Parts } from './parts';
import { awaitGrpcServing } from '../platform/processes/readiness';

export interface LaunchOptions {
  surroundings: PartSurroundings;
  parts: Parts;
  tools: Tools;
  encoders: readonly { id: string; zone: string }[];
  encoderCapacityUnits: number;
  channels: readonly ChannelSpec[];
  cycleSeconds: number | undefined;
  reporter: StepReporter;
}

const MAX_SESSIONS_PER_ENCODER = 8;
const MAX_ENCODERS = 8;

/** For promises that are awaited together further down: a failure before that must not count as unhandled. */
const awaitedLater = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  return promise;
};

/** Shows the start of one part. */
const show = (o: LaunchOptions, name: string, started: Promise<unknown>, where: string): Promise<unknown> =>
  awaitedLater(
    o.reporter.step(
      name,
      () => started,
      () => where,
    ),
  );

const startNodePart = (o: LaunchOptions, name: string, entry: string, url: string): Promise<unknown> =>
  show(o, name, o.parts.start(nodePart(o.surroundings, name, entry, url)), url);

const startTemporal = async (o: LaunchOptions): Promise<void> => {
  const { temporal } = o.tools;
  if (!('path' in temporal)) return;
  const started = o.parts.start(temporalPart(o.surroundings, temporal));
  await show(o, 'temporal', started, o.surroundings.environment.TEMPORAL_UI_URL);
};

const startInflux = async (o: LaunchOptions): Promise<void> => {
  const { influx } = o.tools;
  if (!('path' in influx)) return;
  const { environment, ports } = o.surroundings;
  const start = async (program: FoundProgram): Promise<void> => {
    const configFile = await writeInfluxConfig({
      stateDir: environment.SWARM_STATE_DIR,
      host: environment.SWARM_HOST,
      port: ports.influx,
      backupPort: ports.influxBackup,
    });
    await o.parts.start(influxPart(o.surroundings, program, configFile));
  };
  await show(o, 'influxdb', start(influx), environment.INFLUX_URL);
};

/** Starts the encoder hosts, and the agent that others ask for more of them. */
const startFleet = async (o: LaunchOptions): Promise<LocalFleet> => {
  // Imported only now: other parts load meanwhile.
  const [{ LocalFleet: Fleet }, { startFleetAgent }, { createLogger }] = await Promise.all([
    import('../fleet/local-fleet'),
    import('../fleet/agent'),
    import('../platform/logger'),
  ]);
  const { environment, variables, ports, logsDir, hooks, rig } = o.surroundings;
  const { SWARM_HOST: host } = environment;
  const fleet = new Fleet({
    host,
    portBase: ports.encoderBase,
    region: o.channels[0]?.region ?? 'eu',
    zones: [...new Set(o.encoders.map((e) => e.zone))],
    capacityUnits: o.encoderCapacityUnits,
    maxSessions: MAX_SESSIONS_PER_ENCODER,
    maxEncoders: Math.min(MAX_LOCAL_ENCODERS, Math.max(MAX_ENCODERS, o.encoders.length)),
    command: process.execPath,
    args: [entryOf('media/encoder')],
    env: variables,
    logsDir,
    buildsFile: join(environment.SWARM_STATE_DIR, 'fleet-builds.json'),
    membersFile: join(environment.SWARM_STATE_DIR, 'fleet-members.json'),
    ...(rig && { rig }),
    awaitServing: (address, signal) => awaitGrpcServing(address, '', signal),
    ...hooks,
  });
  o.parts.fleet = fleet;
  // What was added to an earlier run carries channels that the others may have no room for.
  const asked = new Set(o.encoders.map(({ id }) => id));
  const all = [...o.encoders, ...fleet.added.filter(({ id }) => !asked.has(id))];
  const encoders = show(
    o,
    'encoders',
    Promise.all(all.map(({ id, zone }) => fleet.start(id, zone))),
    all.map(({ id, zone }) => `${id} (zone ${zone})`).join(', '),
  );
  const agent = await startFleetAgent({ fleet, port: ports.fleet, host, log: createLogger('fleet') });
  o.parts.closeAgent = () => agent.close();
  await encoders;
  return fleet;
};

/**
 * Has the control plane take on the channels: a swarm workflow that runs already keeps those that it has.
 * @returns all channels of the swarm
 * @throws SwarmError conflict when a channel runs with another input than the one asked for
 */
const bringOnAir = async (o: LaunchOptions): Promise<ChannelSpec[]> => {
  const { environment } = o.surroundings;
  const { connectTemporal, ensureSwarm, wakeSwarm } = await import('../temporal/client');
  const temporal = await connectTemporal(environment);
  try {
    await ensureSwarm(temporal.client, environment, {
      channels: [...o.channels],
      // Whoever starts fewer encoders than the usual floor wants no more than these.
      policy: { minEncoders: Math.min(policySchema.parse({}).minEncoders, o.encoders.length) },
      ...(o.cycleSeconds !== undefined && { cycleSeconds: o.cycleSeconds }),
    });
    await wakeSwarm(temporal.client, environment.SWARM_CELL);
    const swarm = temporal.client.workflow.getHandle(swarmWorkflowId(environment.SWARM_CELL));
    const { channels } = await swarm.query<SwarmWorkflowState>(swarmControl.state);
    refuseOtherInputs(o.channels, channels);
    return channels.sort((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
  } finally {
    await temporal.close();
  }
};

/** A generated picture is what a channel gets unasked; an input of one's own is asked for. */
const refuseOtherInputs = (asked: readonly ChannelSpec[], running: readonly ChannelSpec[]): void => {
  for (const { id, input } of asked) {
    const other = running.find((spec) => spec.id === id)?.input;
    if (input.kind !== 'url' || (other?.kind === 'url' && other.url === input.url)) continue;
    throw new SwarmError(
      'conflict',
      `Channel ${id} goes on from an earlier run with another input (${other?.kind === 'url' ? other.url : 'generated'}).`,
      `Start without this --input and remove the channel (encoder-swarm channel remove ${id}), or forget all state (npm run clean).`,
    );
  }
};

/**
 * Starts every part and brings the channels on air. Parts start side by side, in the order of what the first
 * picture waits for: on two cores it is their loading that takes the time.
 * @returns the fleet of encoder hosts, and all channels of the swarm
 * @throws SwarmError of the first part that could not be started
 */
export const launch = async (o: LaunchOptions): Promise<{ fleet: LocalFleet; channels: ChannelSpec[] }> => {
  const { environment, ports } = o.surroundings;
  const { SWARM_HOST: host } = environment;
  const temporal = awaitedLater(startTemporal(o));
  // The worker waits for Temporal by itself; it is early, as it loads the most.
  const worker = startNodePart(o, 'worker', 'worker', `http://${host}:${ports.worker}`);
  const mediaPath = [
    startNodePart(o, 'relay', 'media/relay', environment.SWARM_RELAY_URL),
    startNodePart(o, 'source', 'media/source', environment.SWARM_SOURCE_URL),
    startNodePart(o, 'origin', 'media/origin', environment.SWARM_ORIGIN_URL),
  ];
  const fleet = awaitedLater(startFleet(o));
  const influx = awaitedLater(startInflux(o));
  await Promise.all([temporal, fleet, ...mediaPath]);
  const [channels] = await Promise.all([
    o.reporter.step(
      'channels',
      () => bringOnAir(o),
      (onAir) => onAir.map((c) => c.id).join(', '),
    ),
    worker,
    influx,
  ]);
  // No picture waits for these two.
  await Promise.all([
    startNodePart(o, 'collector', 'telemetry', `http://${host}:${ports.collector}`),
    startNodePart(o, 'api', 'api', environment.SWARM_API_URL),
  ]);
  return { fleet: await fleet, channels };
};
