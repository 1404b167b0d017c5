import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/config/config';
import { writeInfluxConfig } from '../../src/launch/influx-server';
import { influxPart, nodePart, temporalPart, type PartSurroundings } from '../../src/launch/part-list';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { LOOPBACK } from '../../src/platform/addresses';
import { PartProcess, type PartOptions } from '../../src/platform/processes/part-process';
import { portsFor, type SwarmPorts, type Tools } from '../../src/setup';
import type { CellSize } from './cell';
import type { PlaneOptions } from './plane/server';

/** Thousands of gRPC servers take a while to begin. */
const PLANE_READY_MS = 180_000;

/** The processes of a cell as `npm start` runs them, but for one that stands for the data plane and all encoders. */
export interface ScaleSwarm {
  environment: Environment;
  ports: SwarmPorts;
  /** Process ids by part. */
  pids(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface ScaleSwarmOptions {
  cell: CellSize;
  portBase: number;
  tools: Tools;
  /** Absent: no collector, as where telemetry comes from elsewhere. */
  collects: boolean;
  onEvent: (text: string) => void;
}

export const startScaleSwarm = async (options: ScaleSwarmOptions): Promise<ScaleSwarm> => {
  const { cell, portBase, tools, collects } = options;
  const { temporal, influx } = tools;
  if (!('path' in temporal) || !('path' in influx))
    throw new Error('This bench needs servers of its own: unset TEMPORAL_ADDRESS and INFLUX_URL.');
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-scale-'));
  const ports = portsFor(portBase, process.env);
  const env = { ...process.env, SWARM_LOG_LEVEL: process.env.SWARM_LOG_LEVEL ?? 'warn' };
  const { environment, variables } = swarmEnvironment({ env, stateDir, ports, tools });
  const logsDir = join(stateDir, 'logs');
  await mkdir(logsDir, { recursive: true });
  const pids = new Map<string, number>();
  const surroundings: PartSurroundings = {
    ...{ environment, variables, ports, logsDir },
    hooks: {
      onEvent: ({ text }) => options.onEvent(text),
      onSpawned: (name, pid) => pids.set(name, pid),
      onEnded: (name) => pids.delete(name),
    },
  };
  const { origin, relay, source, fleet, influx: influxPort, influxBackup: backupPort } = ports;
  const planeOptions: PlaneOptions = { ...cell, ports: { origin, relay, source, fleet } };
  const url = (port: number): string => `http://${LOOPBACK}:${port}`;
  const plane: PartOptions = {
    ...nodePart(surroundings, 'plane', '../bench/scale/plane', url(fleet)),
    env: { ...variables, SCALE_PLANE: JSON.stringify(planeOptions) },
    readyLimitMs: PLANE_READY_MS,
  };
  const config = { stateDir, host: LOOPBACK, port: influxPort, backupPort, login: false };
  const parts = {
    temporal: new PartProcess(temporalPart(surroundings, temporal)),
    influxdb: new PartProcess(influxPart(surroundings, influx, await writeInfluxConfig(config))),
    plane: new PartProcess(plane),
    worker: new PartProcess(nodePart(surroundings, 'worker', 'worker', url(ports.worker))),
    ...(collects && {
      collector: new PartProcess(nodePart(surroundings, 'collector', 'collector', url(ports.collector))),
    }),
  };
  const killNow = (): void => Object.values(parts).forEach((part) => part.killNow());
  process.once('exit', killNow);
  const stop = async (): Promise<void> => {
    await Promise.all([parts.worker.stop(), parts.collector?.stop()]);
    await Promise.all([parts.temporal.stop(), parts.influxdb.stop(), parts.plane.stop()]);
    process.off('exit', killNow);
    if (process.env.SCALE_KEEP) console.log(`state kept in ${stateDir}`);
    else await rm(stateDir, { recursive: true, force: true });
  };
  try {
    await Promise.all([parts.temporal.start(), parts.influxdb.start(), parts.plane.start()]);
    await parts.worker.start();
    await parts.collector?.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { environment, ports, pids: () => pids, stop };
};
