import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { ApiGate } from '../../src/api/identity/api-gate';
import { startApi, type RunningApi } from '../../src/api/server';
import { environmentSchema, type Environment } from '../../src/config/config';
import type { Clock } from '../../src/platform/clock';
import { FakeSwarm } from './fake-swarm';

/**
 * The real API on a free port in front of a fake swarm. Somebody has to log in where the variables say so.
 * @param clock the machine's, unless a test has its own
 */
export const startFakeApi = async (
  swarm = new FakeSwarm(),
  variables: Record<string, string> = {},
  clock?: Clock,
): Promise<RunningApi & { swarm: FakeSwarm; environment: Environment }> => {
  // Made only if something is kept.
  const stateDir = join(tmpdir(), `fake-api-${randomUUID()}`);
  const environment = environmentSchema.parse({ SWARM_STATE_DIR: stateDir, ...variables });
  const log = pino({ level: 'silent' });
  const gate = await ApiGate.open(environment, log);
  const options = { ports: swarm.ports(), log, port: 0, ...(clock && { clock }), ...(gate && { gate }) };
  const api = await startApi(environment, options);
  const stop = (): Promise<void> => api.stop().then(() => rm(stateDir, { recursive: true, force: true }));
  return { ...api, stop, swarm, environment };
};

export interface Answer {
  status: number;
  body: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** Sends a request as no browser would: every header as given. */
export const ask = async (
  url: string,
  options: { method?: string; json?: unknown; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> => {
  const response = await fetch(url, {
    method: options.method ?? (options.json === undefined && options.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(options.json !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.json !== undefined && { body: JSON.stringify(options.json) }),
    ...(options.body !== undefined && { body: options.body }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
};
