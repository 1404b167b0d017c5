import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/config/config';
import type { ChannelSpec } from '../../src/domain';
import { ensureInfluxLogin, writeInfluxConfig } from '../../src/launch/influx-server';
import { influxPart, nodePart, temporalPart, type PartSurroundings } from '../../src/launch/part-list';
import { portsWanted } from '../../src/launch/ports-wanted';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { LOOPBACK } from '../../src/platform/addresses';
import { PartProcess } from '../../src/platform/processes/part-process';
import { findOrInstallTools, portsFor, requireFreePorts, type StepReporter } from '../../src/setup';
import type { StandInOptions } from './stand-in/server';

const GOP_DURATION_TICKS = 180_000;
const FRAMES_PER_SECOND = 1;
/** Longer than any storm: the whole ledger of every channel is judged. */
const RETENTION_SECONDS = '86400';

/** Small enough that a GOP is two pictures of a few hundred bytes. */
export const stormChannel = (id: string): ChannelSpec => ({
  id,
  input: { kind: 'generated' },
  region: 'eu',
  framesPerSecond: FRAMES_PER_SECOND,
  gopDurationTicks: GOP_DURATION_TICKS,
  ladder: [{ name: 'tiny', widthPx: 16, heightPx: 16, crf: 30, maxBitrateKbps: 64 }],
  viewersPerRung: [],
});

/**
 * The processes of a storm: real Temporal on file, InfluxDB, origin and worker, as `npm start` runs them; one stand-in
 * for contributions, relay, source and encoders.
 */
export interface StormSwarm {
  environment: Environment;
  encoderIds: string[];
  worker: PartProcess;
  standInUrl: string;
  stop(): Promise<void>;
}

export const startStormSwarm = async (options: {
  portBase: number;
  encoders: number;
  seed: number;
  reporter: StepReporter;
  onEvent(text: string): void;
}): Promise<StormSwarm> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-storm-'));
  const ports = portsFor(options.portBase, process.env);
  const tools = await findOrInstallTools(process.env, options.reporter);
  if (!('path' in tools.temporal) || !('path' in tools.influx)) {
    throw new Error(
      'A storm needs a Temporal and an InfluxDB of its own: unset TEMPORAL_ADDRESS and INFLUX_URL.',
    );
  }
  const encoders = Array.from({ length: options.encoders }, (_, i) => ({
    id: `enc-${i + 1}`,
    zone: i % 2 === 0 ? 'a' : 'b',
    port: ports.encoderBase + i,
  }));
  const standInUrl = `http://127.0.0.1:${ports.relay}`;
  const made = swarmEnvironment({
    env: {
      ...process.env,
      SWARM_RETENTION_SECONDS: RETENTION_SECONDS,
      SWARM_LOG_LEVEL: process.env.SWARM_LOG_LEVEL ?? 'error',
      SWARM_ENCODERS: encoders.map(({ id, port }) => `${id}=127.0.0.1:${port}`).join(','),
    },
    ...{ stateDir, ports, tools },
  });
  // Relay and source are two paths of the stand-in.
  const urls = { SWARM_RELAY_URL: `${standInUrl}/relay`, SWARM_SOURCE_URL: `${standInUrl}/source` };
  const environment: Environment = { ...made.environment, ...urls };
  await requireFreePorts(portsWanted({ ports, tools, encoders: options.encoders }), environment.SWARM_HOST);
  const logsDir = join(stateDir, 'logs');
  await mkdir(logsDir, { recursive: true });
  const surroundings: PartSurroundings = {
    environment,
    variables: { ...made.variables, ...urls },
    ports,
    logsDir,
    hooks: {
      onEvent: ({ text }) => options.onEvent(text),
      onSpawned: () => undefined,
      onEnded: () => undefined,
    },
  };
  const standIn: StandInOptions = {
    host: '127.0.0.1',
    port: ports.relay,
    encoders,
    gopDurationTicks: GOP_DURATION_TICKS,
    framesPerSecond: FRAMES_PER_SECOND,
    ffmpegPath: environment.FFMPEG,
    seed: options.seed,
  };
  const standInPart = nodePart(surroundings, 'media-stand-in', '../bench/storm/stand-in', standInUrl);
  const workerUrl = `http://127.0.0.1:${ports.worker}`;
  const parts = {
    temporal: new PartProcess(temporalPart(surroundings, tools.temporal)),
    influxdb: new PartProcess(
      influxPart(
        surroundings,
        tools.influx,
        await writeInfluxConfig({
          stateDir,
          host: LOOPBACK,
          port: ports.influx,
          backupPort: ports.influxBackup,
          login: true,
        }),
      ),
    ),
    standIn: new PartProcess({
      ...standInPart,
      env: { ...surroundings.variables, STORM_STAND_IN: JSON.stringify(standIn) },
    }),
    origin: new PartProcess(nodePart(surroundings, 'origin', 'media/origin', environment.SWARM_ORIGIN_URL)),
    worker: new PartProcess({
      ...nodePart(surroundings, 'worker', 'worker', workerUrl),
      // It is the storm that ends it: restarted at once.
      restartDelayMs: () => 50,
    }),
  };
  const killNow = (): void => Object.values(parts).forEach((part) => part.killNow());
  process.once('exit', killNow);
  const stop = async (): Promise<void> => {
    await parts.worker.stop();
    await Promise.all([parts.standIn.stop(), parts.origin.stop()]);
    await Promise.all([parts.temporal.stop(), parts.influxdb.stop()]);
    process.off('exit', killNow);
    if (process.env.STORM_KEEP) console.log(`state kept in ${stateDir}`);
    else await rm(stateDir, { recursive: true, force: true });
  };
  try {
    await Promise.all(
      [parts.temporal, parts.influxdb, parts.standIn, parts.origin].map((part) => part.start()),
    );
    await ensureInfluxLogin(environment.INFLUX_URL, stateDir);
    await parts.worker.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { environment, encoderIds: encoders.map((e) => e.id), worker: parts.worker, standInUrl, stop };
};
