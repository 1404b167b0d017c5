import pino from 'pino';
import { startApi, type RunningApi } from '../../src/api/server';
import { environmentSchema, type Environment } from '../../src/config/config';
import type { Clock } from '../../src/platform/clock';
import { FakeSwarm } from './fake-swarm';

/** The real API on a free port in front of a fake swarm. @param clock the machine's, unless a test has its own */
export const startFakeApi = async (
  swarm = new FakeSwarm(),
  variables: Record<string, string> = {},
  clock?: Clock,
): Promise<RunningApi & { swarm: FakeSwarm; environment: Environment }> => {
  const environment = environmentSchema.parse(variables);
  const log = pino({ level: 'silent' });
  const api = await startApi(environment, { ports: swarm.ports(), log, port: 0, ...(clock && { clock }) });
  return { ...api, swarm, environment };
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
