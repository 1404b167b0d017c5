import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { pageRoutes } from '../../src/api/pages';
import { apiRoutes } from '../../src/api/serve';
import { startCollector } from '../../src/collector';
import { environmentSchema } from '../../src/config/config';
import { fleetRoutes } from '../../src/contracts/fleet';
import { originRoutes, playerRoutes } from '../../src/contracts/origin';
import { relayRoutes } from '../../src/contracts/relay';
import { sourceRoutes } from '../../src/contracts/source';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { startFleetAgent } from '../../src/fleet/agent';
import type { LocalFleet } from '../../src/fleet/local-fleet';
import { clipRoutes, serveClip } from '../../src/media/probe/clip-server';
import { startSource } from '../../src/media/source';
import { HEALTH_ROUTE, routesBelow, type Route } from '../../src/platform/route';
import { startFakeApi } from '../api/running-api';
import { RunningOrigin } from '../origin/support/running-origin';
import { RelayUnderTest } from '../relay/relay-under-test';

/** A page of another site, and a name that leads to this machine, against every route that any part declares. */

const errors: unknown[] = [];
const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });

interface Subject {
  url: string;
  routes: readonly Route[];
  /** Bodies that would be taken, by method and path; others are `{}`. */
  sound?: Record<string, unknown>;
  state(): unknown;
  stop(): Promise<unknown>;
}

const digest = 'a'.repeat(64);

const subjects: Record<string, () => Promise<Subject>> = {
  async api() {
    const api = await startFakeApi();
    const { swarm, url } = api;
    return {
      ...{ url, stop: () => api.stop(), state: () => swarm.snapshot() },
      routes: [HEALTH_ROUTE, ...routesBelow('/api', apiRoutes), ...pageRoutes()],
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
      ...{ url: `http://127.0.0.1:${source.port}`, routes: sourceRoutes },
      sound: { 'PUT /channels/:id': { input, framesPerSecond, gopDurationTicks } },
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
      ...{ url: `http://127.0.0.1:${agent.port}`, routes: fleetRoutes, state: () => [...asked] },
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
    const url = `http://127.0.0.1:${collector.port}`;
    return { url, routes: [HEALTH_ROUTE], state: () => null, stop: () => collector.stop() };
  },
};

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** As a browser would send it, with any Host. @returns status and code of the refusal */
const ask = (base: string, { method, path, headers, body }: Asked): Promise<[number, string | undefined]> =>
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

const evil = 'https://evil.example';
/** What a page can have a browser send, and what no page should. */
const foreign: Record<string, Record<string, string>> = {
  'another site': { origin: evil, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
  'another site, by Origin alone': { origin: evil },
  'another port of this machine': { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
  'a page without an origin': { origin: 'null' },
  'a link or a form of another site': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  'a name that leads here': { host: 'evil.example:80' },
  'an address as a part of a name': { host: '127.0.0.1.evil.example' },
};
const wrongTypes = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  '',
  'text/json',
];

const pathOf = ({ path }: Route): string =>
  path.replace('/:id/own', '/ch-1/own').replace(/[:*]\w+/g, (name) => (name === ':gop' ? '0' : 'ch-1'));

test('a sender that is no page may leave out the type of media, as ffmpeg does', async () => {
  const relay = await subjects.relay!();
  try {
    const post = { method: 'POST', path: '/channels/ch-1/ingest', body: 'no media', headers: {} };
    expect(await ask(relay.url, post)).toEqual([422, 'input-not-video']);
  } finally {
    await relay.stop();
  }
});

describe.each(Object.keys(subjects))('the %s', (name) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await subjects[name]!();
  });
  afterAll(() => subject?.stop());

  const requestTo = (route: Route): Asked => {
    const { method } = route;
    const base = { method, path: pathOf(route) };
    if (method === 'GET') return { ...base, headers: {} };
    const body = JSON.stringify(subject.sound?.[`${method} ${route.path}`] ?? {});
    const type = route.body === 'media' ? 'video/mp2t' : 'application/json';
    return { ...base, headers: { 'content-type': type }, body };
  };

  test('refuses all that comes from elsewhere, on each route, and changes nothing', async () => {
    const before = await subject.state();
    for (const route of subject.routes.filter(({ sites }) => sites !== 'any')) {
      for (const [who, headers] of Object.entries(foreign)) {
        const asked = requestTo(route);
        const answer = await ask(subject.url, { ...asked, headers: { ...asked.headers, ...headers } });
        expect([route.method, route.path, who, ...answer]).toEqual([
          ...[route.method, route.path, who, 403, 'cross-origin'],
        ]);
      }
    }
    expect(await subject.state()).toEqual(before);
  });

  test('refuses bodies of types that a page can send unasked', async () => {
    const before = await subject.state();
    for (const route of subject.routes.filter(({ method }) => method !== 'GET')) {
      const { method, path, body } = requestTo(route);
      for (const type of [...wrongTypes, route.body === 'media' ? 'application/json' : 'video/mp2t']) {
        // ffmpeg names no type of media. A page that names none says its Origin.
        const isPage = route.body === 'media' && type === '';
        const headers = isPage
          ? foreign['another site, by Origin alone']
          : type
            ? { 'content-type': type }
            : {};
        const refused = isPage ? [403, 'cross-origin'] : [400, 'bad-request'];
        const answer = await ask(subject.url, { method, path, body: body!, headers: headers ?? {} });
        expect([method, route.path, type, ...answer]).toEqual([method, route.path, type, ...refused]);
      }
    }
    expect(await subject.state()).toEqual(before);
  });

  test('refuses what it has not declared, also from elsewhere', async () => {
    const before = await subject.state();
    for (const path of new Set(subject.routes.map(({ path }) => path))) {
      const here = subject.routes.filter((route) => route.path === path);
      for (const method of ['PUT', 'POST', 'PATCH', 'DELETE', 'TRACE']) {
        if (here.some((route) => route.method === method)) continue;
        const asked = { method, path: pathOf(here[0]!), headers: {} };
        expect([method, path, ...(await ask(subject.url, asked))]).toEqual([
          ...[method, path, 405, 'method-not-allowed'],
        ]);
      }
    }
    expect(await ask(subject.url, { method: 'GET', path: '/not/declared', headers: {} })).toEqual([
      404,
      'not-found',
    ]);
    expect(await subject.state()).toEqual(before);
  });

  test('answers the same requests of its own, so that it is the guard that refuses the others', async () => {
    for (const route of subject.routes) {
      const [status, code] = await ask(subject.url, requestTo(route));
      expect([route.method, route.path, code]).not.toContain('cross-origin');
      expect([route.method, route.path, status]).not.toContain(500);
      expect([route.method, route.path, status]).not.toContain(405);
      // Not a word of Express: the part knows the route.
      if (status === 404 && route.sites !== 'links') expect(code).toBeDefined();
    }
  });

  test('and none of it was an exception', () => expect(errors.splice(0)).toEqual([]));
});

test('players of any site, under any name, may read playlists and nothing else', async () => {
  const origin = await RunningOrigin.start();
  try {
    for (const route of originRoutes.filter(({ sites }) => sites === 'any')) {
      const [method, path] = ['GET', pathOf(route)];
      const headers = { ...foreign['another site'], host: 'cdn.example' };
      const answer = await fetch(origin.client.url + path, { headers: { origin: evil } });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      expect((await ask(origin.client.url, { method, path, headers }))[0]).not.toBe(403);
      expect((await ask(origin.client.url, { method: 'POST', path, headers }))[0]).toBe(405);
    }
  } finally {
    await origin.stop();
  }
});

test('the page may be reached by a link of another site, but not be framed or loaded by it', async () => {
  const api = await startFakeApi();
  try {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const asked = (dest: string, path = '/') =>
      ask(api.url, { method: 'GET', path, headers: { ...link, 'sec-fetch-dest': dest } });
    expect(await asked('document')).toEqual([200, undefined]);
    expect(await asked('iframe')).toEqual([403, 'cross-origin']);
    expect(await asked('document', '/api/status')).toEqual([403, 'cross-origin']);
    const { headers } = await fetch(api.url);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  } finally {
    await api.stop();
  }
});

test('a name of its own is one that the environment tells', async () => {
  const api = await startFakeApi(undefined, {
    ...{ SWARM_HOST_NAMES: 'swarm.example, other.example', SWARM_RELAY_URL: 'http://relay:7701' },
    SWARM_PUBLIC_API_URL: 'https://public.example/swarm',
  });
  try {
    const named = (host: string) => ask(api.url, { method: 'GET', path: '/healthz', headers: { host } });
    for (const name of ['swarm.example', 'OTHER.example:7700', 'relay:7701', 'public.example', '[::1]:7700'])
      expect([name, ...(await named(name))]).toEqual([name, 200, undefined]);
    expect(await named('third.example')).toEqual([403, 'cross-origin']);
  } finally {
    await api.stop();
  }
});

test('nothing of the program listens for HTTP but by the guard', async () => {
  const root = join(__dirname, '..', '..', 'src');
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const listening = [];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    if (/\bcreate(Secure)?Server\b|\bapp\.listen\b/.test(text)) listening.push(file);
  }
  // ports.ts asks whether a port is free, and closes at once.
  expect(listening.sort()).toEqual(['platform/http.ts', 'setup/ports.ts']);
});
