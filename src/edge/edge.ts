import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SwarmError } from '../domain';
import { connectableHost, hostAndPort } from '../platform/addresses';
import { PartProcess, growingDelayMs, type PartEvent } from '../platform/processes/part-process';
import { awaitHttpOk } from '../platform/processes/readiness';
import { temporaryFolder } from '../platform/temporary-folder';
import { nginxConfig } from './nginx-config';

export interface EdgeOptions {
  nginx: string;
  host: string;
  port: number;
  /** Origins with the same channels, as `http://host:port`. */
  origins: readonly string[];
  /** Absent: a folder of this run, which is removed at the end. */
  cacheDir?: string;
  cacheMiB: number;
  accessLog?: string;
  onEvent: (event: PartEvent) => void;
}

export interface Edge {
  url: string;
  logFile: string;
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;

/** What may stand in a configuration of nginx as it is. */
const PLAIN_PATH = /^[^"\\$\n]+$/;

const originOf = (url: string): URL => {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === 'http:' && parsed.pathname === '/' && !parsed.search && !parsed.username)
    return parsed;
  throw new SwarmError(
    'bad-request',
    `${url} is not the address of an origin.`,
    'Write it as http://HOST:PORT, without a path. Between networks, let a tunnel or a proxy add TLS.',
  );
};

const requirePlain = (what: string, path: string): string => {
  if (PLAIN_PATH.test(path)) return path;
  throw new SwarmError(
    'bad-request',
    `${what} ${JSON.stringify(path)} can not stand in the configuration of nginx.`,
    'Choose a path without quotes, backslashes, dollar signs and line breaks.',
  );
};

/**
 * Starts an edge: a cache before one or more origins, which players use instead.
 * @throws SwarmError bad-request for an address or path that can't be used; unavailable when it does not start
 */
export const startEdge = async (options: EdgeOptions): Promise<Edge> => {
  const { host, port, cacheMiB, accessLog } = options;
  const origins = options.origins.map(originOf);
  const [first] = origins;
  if (!first) throw new SwarmError('bad-request', 'No origin was named.', 'Name at least one.');
  const given = options.cacheDir === undefined ? null : requirePlain('The folder', resolve(options.cacheDir));
  const log = accessLog === undefined ? undefined : requirePlain('The log', resolve(accessLog));
  if (given !== null) await mkdir(given, { recursive: true });
  const folder = given ?? (await temporaryFolder('encoder-swarm-edge-'));
  // Started as root, nginx works as another user.
  if (given === null) await chmod(folder, 0o755);
  const remove = async (): Promise<void> => {
    if (given === null) await rm(folder, { recursive: true, force: true });
  };

  const configFile = join(folder, 'nginx.conf');
  const logFile = join(folder, 'edge.log');
  await writeFile(
    configFile,
    nginxConfig({
      ...{ listen: { host, port }, folder, cacheMiB, originHost: first.host },
      origins: origins.map(({ hostname, port: number }) => `${hostname}:${number || '80'}`),
      ...(log !== undefined && { accessLog: log }),
    }),
  );
  const url = `http://${hostAndPort(connectableHost(host), port)}`;
  const nginx = new PartProcess({
    name: 'nginx',
    command: options.nginx,
    args: ['-p', folder, '-c', configFile, '-e', 'stderr'],
    env: { PATH: process.env.PATH },
    logFile,
    awaitReady: (signal) => awaitHttpOk(`${url}/healthz`, signal),
    readyLimitMs: READY_LIMIT_MS,
    stopLimitMs: STOP_LIMIT_MS,
    restartDelayMs: growingDelayMs,
    onEvent: options.onEvent,
    onSpawned: () => undefined,
    onEnded: () => undefined,
  });
  try {
    await nginx.start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url,
    logFile,
    stop: async () => {
      await nginx.stop();
      await remove();
    },
  };
};
