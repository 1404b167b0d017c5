import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../config/config';
import { playKeysFolder } from '../config/players';
import { digestOfInput } from '../contracts/source';
import { LOOPBACK, hostAndPort } from '../platform/addresses';
import { growingDelayMs, type PartOptions, type PartRig } from '../platform/processes/part-process';
import { awaitGrpcServing, awaitHttpOk } from '../platform/processes/readiness';
import type { FoundProgram, SwarmPorts } from '../setup';
import { etcdArguments, etcdName, relayName, replicaName, replicasFolder, type ReplicaSet } from './replicas';
import { TEMPORAL_HEALTH_SERVICE, temporalServerArgs } from './temporal-server';

/** What is the same for all parts of one swarm. */
export interface PartSurroundings {
  environment: Environment;
  variables: NodeJS.ProcessEnv;
  ports: SwarmPorts;
  logsDir: string;
  hooks: Pick<PartOptions, 'onEvent' | 'onSpawned' | 'onEnded'>;
  rig?: PartRig;
}

/** Compiled sources: beside this file when it is compiled itself, else (under jest) in dist/. */
const COMPILED_SOURCES = existsSync(join(__dirname, '..', 'media', 'relay', 'main.js'))
  ? join(__dirname, '..')
  : resolve(__dirname, '..', '..', 'dist', 'src');

/** Program of a part that is written in this project, as an argument for node. */
export const entryOf = (part: string): string => join(COMPILED_SOURCES, part, 'main.js');

const READY_LIMIT_MS = 30_000;

const part = (
  options: PartSurroundings,
  own: Pick<PartOptions, 'name' | 'command' | 'args' | 'awaitReady'> & Partial<PartOptions>,
): PartOptions => ({
  env: { ...options.variables, ...options.rig?.variablesOf(own.name) },
  logFile: join(options.logsDir, `${own.name}.log`),
  logMaxBytes: options.environment.SWARM_LOG_MIB * 2 ** 20,
  readyLimitMs: READY_LIMIT_MS,
  stopLimitMs: 2_500,
  restartDelayMs: growingDelayMs,
  ...options.hooks,
  ...own,
});

/** A part of this project that answers /healthz. */
export const nodePart = (
  options: PartSurroundings,
  name: string,
  entry: string,
  healthUrl: string,
): PartOptions =>
  part(options, {
    name,
    command: process.execPath,
    args: [entryOf(entry)],
    awaitReady: (signal) => awaitHttpOk(`${healthUrl}/healthz`, signal),
  });

/**
 * The source. What was named at the launcher may be an input wherever it is; what the API is given may not.
 * @param named inputs, with their secrets
 */
export const sourcePart = (options: PartSurroundings, named: readonly string[]): PartOptions => {
  const { SWARM_SOURCE_URL: url, SWARM_INPUTS_TRUSTED: trusted } = options.environment;
  const source = nodePart(options, 'source', 'media/source', url);
  const digests = [trusted, ...named.map(digestOfInput)].filter(Boolean).join(',');
  return { ...source, env: { ...source.env, SWARM_INPUTS_TRUSTED: digests } };
};

/** A member of the etcd that keeps ownership. It is asked in plain, on this machine alone. */
export const etcdPart = (options: PartSurroundings, { etcd, ports }: ReplicaSet, at: number): PartOptions =>
  part(options, {
    name: etcdName(at),
    command: etcd.path,
    args: etcdArguments(options.environment.SWARM_STATE_DIR, ports, at),
    awaitReady: (signal) =>
      awaitHttpOk(`http://${hostAndPort(LOOPBACK, ports[at]!.etcdClient)}/health`, signal),
  });

/** One of several relays, with a folder as its own disk; the first one has that of a relay that is alone. */
export const relayReplicaPart = (
  options: PartSurroundings,
  { relayPorts }: ReplicaSet,
  at: number,
  url: string,
): PartOptions => {
  const name = relayName(at);
  const relay = nodePart(options, name, 'media/relay', url);
  if (at === 0) return relay;
  const own = {
    SWARM_STATE_DIR: join(replicasFolder(options.environment.SWARM_STATE_DIR), name),
    SWARM_RELAY_PORT: String(relayPorts[at]),
  };
  return { ...relay, env: { ...relay.env, ...own } };
};

/** One of several origins, with a folder as its own disk. */
export const originReplicaPart = (
  options: PartSurroundings,
  { ports }: ReplicaSet,
  at: number,
  url: string,
): PartOptions => {
  const name = replicaName(at);
  const playKeys = playKeysFolder(options.environment);
  const origin = nodePart(options, name, 'media/origin', url);
  const own = {
    SWARM_STATE_DIR: join(replicasFolder(options.environment.SWARM_STATE_DIR), name),
    SWARM_ORIGIN_NAME: name,
    SWARM_ORIGIN_PORT: String(ports[at]!.origin),
    SWARM_PLAYER_PORT: String(ports[at]!.player),
    ...(playKeys !== null && { SWARM_PLAY_KEYS: playKeys }),
  };
  return { ...origin, env: { ...origin.env, ...own } };
};

/** Where payloads are decrypted for Temporal's page; null where they are not encrypted. */
const codecUrlOf = ({ environment, ports }: PartSurroundings): string | null =>
  environment.SWARM_PAYLOAD_CODEC === 'on' ? `http://${hostAndPort(LOOPBACK, ports.codec)}` : null;

/** The codec server; null where nothing is encrypted. */
export const codecPart = (options: PartSurroundings): PartOptions | null => {
  const url = codecUrlOf(options);
  if (url === null) return null;
  return part(options, {
    name: 'codec',
    command: process.execPath,
    args: [entryOf('cli'), 'codec-server'],
    awaitReady: (signal) => awaitHttpOk(`${url}/healthz`, signal),
  });
};

export const temporalPart = (options: PartSurroundings, program: FoundProgram): PartOptions => {
  const { SWARM_STATE_DIR: stateDir, TEMPORAL_NAMESPACE: namespace } = options.environment;
  const { temporal: port, temporalUi: uiPort } = options.ports;
  const codecUrl = codecUrlOf(options);
  return part(options, {
    name: 'temporal',
    command: program.path,
    args: temporalServerArgs({
      ...{ host: LOOPBACK, port, uiPort, namespace },
      ...(codecUrl !== null && { codecUrl }),
    }),
    cwd: stateDir,
    awaitReady: (signal) =>
      awaitGrpcServing(options.environment.TEMPORAL_ADDRESS, TEMPORAL_HEALTH_SERVICE, signal),
    // It closes its database in about 2.7 s; killed earlier, the next start has to repair the file.
    stopLimitMs: 6_000,
  });
};

export const influxPart = (
  options: PartSurroundings,
  program: FoundProgram,
  configFile: string,
): PartOptions =>
  part(options, {
    name: 'influxdb',
    command: program.path,
    args: ['-config', configFile],
    awaitReady: (signal) => awaitHttpOk(`${options.environment.INFLUX_URL}/ping`, signal),
    stopLimitMs: 4_000,
  });
