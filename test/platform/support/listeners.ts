import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { loginRoutes } from '../../../src/api/login-routes';
import { pageRoutes } from '../../../src/api/pages';
import { apiRoutes } from '../../../src/api/serve';
import { startCollector } from '../../../src/collector';
import { environmentSchema } from '../../../src/config/config';
import { fleetRoutes } from '../../../src/contracts/fleet';
import { originRoutes, playerRoutes } from '../../../src/contracts/origin';
import { relayRoutes } from '../../../src/contracts/relay';
import { pushRoutes, sourceRoutes } from '../../../src/contracts/source';
import { channelWithDefaults } from '../../../src/domain/default-channels';
import { startFleetAgent } from '../../../src/fleet/agent';
import type { LocalFleet } from '../../../src/fleet/local-fleet';
import { clipRoutes, serveClip } from '../../../src/media/probe/clip-server';
import { startSource } from '../../../src/media/source';
import { linkScheme } from '../../../src/platform/links/link-tls';
import { HEALTH_ROUTE, routesBelow, type Route } from '../../../src/platform/route';
import { startFakeApi } from '../../api/running-api';
import { RunningOrigin } from '../../origin/support/running-origin';
import { RelayUnderTest } from '../../relay/relay-under-test';

/** Each HTTP listener of the program, in this process, with all routes that it declares. */

/** What the parts logged as errors. */
export const errors: unknown[] = [];
const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });

export interface Subject {
  url: string;
  routes: readonly Route[];
  /** Bodies that would be taken, by method and path; others are `{}`. */
  sound?: Record<string, unknown>;
  state(): unknown;
  stop(): Promise<unknown>;
}

const digest = 'a'.repeat(64);

/** @param apiVariables environment of the API */
export const subjects: Record<string, (apiVariables?: Record<string, string>) => Promise<Subject>> = {
  async api(variables = {}) {
    const api = await startFakeApi(undefined, variables);
    const { swarm, url } = api;
    return {
      ...{ url, stop: () => api.stop(), state: () => swarm.snapshot() },
      routes: [HEALTH_ROUTE, ...routesBelow('/api', apiRoutes), ...loginRoutes, ...pageRoutes()],
      sound: {
        'POST /api/channels': channelWithDefaults('news'),
        'POST /api/versions': { id: 'x', source: { kind: 'path', path: '/bin/true' } },
      },
    };
  },
  async origin() {
    const origin = await RunningOrigin.start();
    const { client } = origin;
    await client.register('ch-1');
    await client.own('ch-1', 0, 'a', 0);
    return {
      url: client.url,
      routes: originRoutes,
      // What once took a channel off the air for good.
      sound: {
        'POST /channels/:id/own': {
          ...{ requestId: 'a', expectToken: 1, owner: null, fromGop: 1e9, gapReason: 'x' },
        },
        'POST /channels/:id/gaps': { token: 1, fromGop: 0, toGop: 1e9, reason: 'x' },
        'PUT /channels/:id': { gopDurationTicks: 180_000, framesPerSecond: 25 },
      },
      state: async () => [await client.channel('ch-1'), await client.ledger('ch-1')],
      stop: () => origin.stop(),
    };
  },
  async players() {
    const origin = await RunningOrigin.start();
    await origin.client.register('ch-1');
    return {
      ...{ url: origin.playerUrl, routes: playerRoutes, stop: () => origin.stop() },
      state: () => origin.client.channel('ch-1'),
    };
  },
  async relay() {
    const relay = await RelayUnderTest.start();
    await relay.put('ch-1', 90_000);
    return {
      ...{ url: relay.url, routes: relayRoutes, state: () => relay.info('ch-1'), stop: () => relay.stop() },
      sound: { 'PUT /channels/:id': { gopDurationTicks: 90_000 } },
    };
  },
  async source() {
    const stateDir = await mkdtemp(join(tmpdir(), 'cross-site-'));
    const tools = { ffmpeg: '/no/such/ffmpeg', ffprobe: '/no/such/ffprobe', relayUrl: 'http://127.0.0.1:9' };
    const source = await startSource({ host: '127.0.0.1', port: 0, stateDir, ...tools, log });
    const { input, framesPerSecond, gopDurationTicks } = channelWithDefaults('ch-1');
    return {
      ...{ url: `${linkScheme()}://127.0.0.1:${source.port}`, routes: sourceRoutes },
      sound: {
        'PUT /channels/:id': { input, framesPerSecond, gopDurationTicks },
        'POST /channels/:id/switch': { input: 'auto', requestedBy: 'nina' },
      },
      state: async () => (await readdir(stateDir, { recursive: true })).sort(),
      stop: () => source.stop().then(() => rm(stateDir, { recursive: true })),
    };
  },
  async pushes() {
    const stateDir = await mkdtemp(join(tmpdir(), 'cross-site-'));
    const tools = { ffmpeg: '/no/such/ffmpeg', ffprobe: '/no/such/ffprobe', relayUrl: 'http://127.0.0.1:9' };
    const source = await startSource({ host: '127.0.0.1', port: 0, pushPort: 0, stateDir, ...tools, log });
    return {
      ...{ url: `${linkScheme()}://127.0.0.1:${source.pushPort}`, routes: pushRoutes },
      state: async () => (await readdir(stateDir, { recursive: true })).sort(),
      stop: () => source.stop().then(() => rm(stateDir, { recursive: true })),
    };
  },
  async 'fleet agent'() {
    const asked: unknown[] = [];
    const note = (...args: unknown[]) => (asked.push(args), Promise.resolve({}));
    const fleet = { list: () => [], provision: note, deprovision: note, setBuild: note };
    const options = { fleet: fleet as unknown as LocalFleet, port: 0, host: '127.0.0.1', log };
    const agent = await startFleetAgent(options);
    return {
      ...{ url: `${linkScheme()}://127.0.0.1:${agent.port}`, routes: fleetRoutes, state: () => [...asked] },
      sound: {
        'POST /encoders': { requestId: 'r' },
        'PUT /encoders/:id/build': {
          ...{ requestId: 'r', build: { buildId: 'x', executablePath: '/bin/true', digest } },
        },
      },
      stop: () => agent.close(),
    };
  },
  async 'clip server'() {
    const taken: unknown[] = [];
    const where = { listenOn: '127.0.0.1', reachableAs: '127.0.0.1' };
    const clip = { feed: Buffer.alloc(188) } as never;
    const server = await serveClip({ clip, ...where, onGop: (gop) => taken.push(gop) });
    return {
      ...{ url: server.originUrl, routes: clipRoutes, state: () => [...taken], stop: () => server.close() },
    };
  },
  async collector() {
    const environment = environmentSchema.parse({
      SWARM_AUDIENCE_ANCHOR: 'off',
      INFLUX_URL: 'http://127.0.0.1:9',
    });
    const none = { canProvision: false, list: () => Promise.resolve([]) } as never;
    const collector = await startCollector({
      environment,
      log: pino({ level: 'silent' }),
      port: 0,
      fleet: none,
    });
    const url = `${linkScheme()}://127.0.0.1:${collector.port}`;
    return { url, routes: [HEALTH_ROUTE], state: () => null, stop: () => collector.stop() };
  },
};

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** As a browser would send it, with any Host. @returns status and code of the refusal */
export const ask = (
  base: string,
  { method, path, headers, body }: Asked,
): Promise<[number, string | undefined]> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...length, ...headers }, agent: false };
    const sent = request(base + path, options, (res) => {
      let text = '';
      res.on('data', (chunk) => (text += String(chunk)));
      const end = (): void => {
        const isJson = res.headers['content-type']?.includes('json') && text !== '';
        resolve([res.statusCode!, isJson ? JSON.parse(text).error?.code : undefined]);
      };
      // Some answers have no end.
      if (res.statusCode! < 400) res.destroy();
      res.on('close', end);
    });
    sent.on('error', reject);
    sent.setTimeout(5_000, () => sent.destroy(new Error('no answer')));
    sent.end(body);
  });

export const pathOf = ({ path }: Route): string =>
  path.replace('/:id/own', '/ch-1/own').replace(/[:*]\w+/g, (name) => (name === ':gop' ? '0' : 'ch-1'));

/** A request that the subject would take, but for who sends it. */
export const requestTo = ({ sound }: Subject, route: Route): Asked => {
  const { method } = route;
  const base = { method, path: pathOf(route) };
  if (method === 'GET') return { ...base, headers: {} };
  const body = JSON.stringify(sound?.[`${method} ${route.path}`] ?? {});
  const type = route.body === 'media' ? 'video/mp2t' : 'application/json';
  return { ...base, headers: { 'content-type': type }, body };
};
