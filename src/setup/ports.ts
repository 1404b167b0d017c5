import { createServer } from 'node:net';
import { SwarmError } from '../domain';
import { portUser } from './port-user';

export const DEFAULT_PORT_BASE = 7700;
const HIGHEST_PORT = 65_535;
/** Ports above the base that a swarm may take. */
export const PORTS_IN_A_BASE = 40;
/** Encoder hosts that fit between the first encoder port and the servers' ports. */
export const MAX_LOCAL_ENCODERS = 20;

/** Every port that a swarm of this machine listens on. */
export interface SwarmPorts {
  api: number;
  relay: number;
  origin: number;
  /** Of the origin, for players. */
  player: number;
  source: number;
  /** Of the source, for contributions that are sent by HTTP. */
  push: number;
  fleet: number;
  collector: number;
  worker: number;
  /** Of the codec server, where payloads are encrypted. */
  codec: number;
  /** First of MAX_LOCAL_ENCODERS. */
  encoderBase: number;
  temporal: number;
  temporalUi: number;
  influx: number;
  influxBackup: number;
}

const fromVariable = (env: NodeJS.ProcessEnv, name: string, otherwise: number): number => {
  const value = env[name];
  if (value === undefined || value === '') return otherwise;
  const port = Number(value);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new SwarmError('bad-request', `${name} is "${value}", which is no port.`, 'Use 1 to 65535.');
};

/**
 * The ports of a swarm. Without a base, Temporal and InfluxDB keep their well-known ports; with one, all ports
 * lie in [base, base + 40), so that swarms run side by side. Variables win over both.
 */
export const portsFor = (portBase: number | undefined, env: NodeJS.ProcessEnv): SwarmPorts => {
  const base = portBase ?? DEFAULT_PORT_BASE;
  if (!Number.isInteger(base) || base < 1024 || base > 65_535 - PORTS_IN_A_BASE) {
    throw new SwarmError('bad-request', `Port base ${base} is out of range.`, 'Use 1024 to 65495.');
  }
  const wellKnown = (port: number, offset: number): number => (portBase === undefined ? port : base + offset);
  return {
    api: fromVariable(env, 'SWARM_API_PORT', base),
    relay: fromVariable(env, 'SWARM_RELAY_PORT', base + 1),
    origin: fromVariable(env, 'SWARM_ORIGIN_PORT', base + 2),
    source: fromVariable(env, 'SWARM_SOURCE_PORT', base + 3),
    fleet: fromVariable(env, 'SWARM_FLEET_PORT', base + 4),
    collector: fromVariable(env, 'SWARM_COLLECTOR_PORT', base + 5),
    worker: fromVariable(env, 'SWARM_WORKER_PORT', base + 6),
    player: fromVariable(env, 'SWARM_PLAYER_PORT', base + 7),
    codec: fromVariable(env, 'SWARM_CODEC_PORT', base + 8),
    push: fromVariable(env, 'SWARM_PUSH_PORT', base + 9),
    encoderBase: fromVariable(env, 'SWARM_ENCODER_PORT_BASE', base + 10),
    temporal: wellKnown(7233, 33),
    temporalUi: wellKnown(8233, 34),
    influx: wellKnown(8086, 35),
    influxBackup: base + 36,
  };
};

/** A port about to be used, for what, and what to set to get another one. */
export interface PortWanted {
  port: number;
  /** Where; default: where all parts listen. */
  host?: string;
  usedFor: string;
  hint: string;
}

/** The code of the error with which it can't be listened there; null where it can. */
const whyNot = (port: number, host: string): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });

const NO_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT', 'EINVAL']);

/** @throws SwarmError bad-request where nothing can listen on this host */
const requireOwnHost = (host: string, faults: readonly (string | null)[]): void => {
  const fault = faults.find((code) => code !== null && NO_ADDRESS.has(code));
  if (!fault) return;
  throw new SwarmError(
    'bad-request',
    `Nothing can listen on SWARM_HOST ${host}: it is no address of this machine (${fault}).`,
    'Use a name or an address of this machine, or 0.0.0.0 or :: for all of them.',
  );
};

/** What to do about a port that has no setting of its own. */
export const SHIFT_ALL_PORTS = 'start with --port-base N to shift all ports';

/** @throws SwarmError bad-request where two of them are one, or one is none */
const requireDistinct = (wanted: readonly PortWanted[]): void => {
  for (const [i, { port, usedFor, hint }] of wanted.entries()) {
    if (port > HIGHEST_PORT) {
      throw new SwarmError(
        'bad-request',
        `${usedFor} would have port ${port}: the highest one is ${HIGHEST_PORT}.`,
        `Leave room for all: ${hint}.`,
      );
    }
    const other = wanted.slice(0, i).find((each) => each.port === port);
    if (other) {
      throw new SwarmError(
        'bad-request',
        `Port ${port} is meant for both ${other.usedFor} and ${usedFor}.`,
        `Give each its own: ${other.hint}, or ${hint}.`,
      );
    }
  }
};

const hintsOf = (wanted: readonly PortWanted[]): string =>
  [...new Set([...wanted.map(({ hint }) => hint), SHIFT_ALL_PORTS])].join(', or ');

/**
 * @throws SwarmError unavailable that names each taken port, who uses it, and what to set; bad-request where `host` is none
 * of this machine
 */
export const requireFreePorts = async (wanted: readonly PortWanted[], host: string): Promise<void> => {
  requireDistinct(wanted);
  const faults = await Promise.all(wanted.map(({ port, host: own = host }) => whyNot(port, own)));
  requireOwnHost(
    host,
    faults.filter((_, i) => wanted[i]?.host === undefined),
  );
  const refused = wanted.find((_, i) => faults[i] === 'EACCES');
  if (refused) {
    throw new SwarmError(
      'bad-request',
      `Port ${refused.port} (${refused.usedFor}) may not be used by this account.`,
      `Use one from 1024 on: ${hintsOf([refused])}.`,
    );
  }
  const taken = wanted.filter((_, i) => faults[i] !== null);
  if (taken.length === 0) return;
  const users = await Promise.all(taken.map(({ port }) => portUser(port)));
  const words = taken.map(({ port, usedFor }, i) => {
    const user = users[i];
    return `port ${port} (${usedFor}) is taken${user ? ` by process ${user.pid} (${user.command.slice(0, 80)})` : ''}`;
  });
  throw new SwarmError(
    'unavailable',
    `On ${host}: ${words.join('; ')}.`,
    `Stop what uses it, or ${hintsOf(taken)}.`,
  );
};
