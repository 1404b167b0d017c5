import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { originRoutes } from '../../src/contracts/origin';
import type { Route } from '../../src/platform/route';
import { startFakeApi } from '../api/running-api';
import { RunningOrigin } from '../origin/support/running-origin';
import {
  ask,
  errors,
  pathOf,
  requestTo as requestToSubject,
  subjects,
  type Asked,
  type Subject,
} from './support/listeners';

/** A page of another site, and a name that leads to this machine, against every route that any part declares. */

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

  const requestTo = (route: Route): Asked => requestToSubject(subject, route);

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
  const withGuard = [];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    if (/\bcreate(Secure)?Server\b|\bapp\.listen\b/.test(text)) listening.push(file);
    if (/\bcreateLinkServer\(/.test(text)) withGuard.push(file);
  }
  // rtsp-redirect.ts speaks no HTTP (test/source/hidden-addresses.test.ts). ports.ts asks whether a port is free, and
  // closes at once.
  expect(listening.sort()).toEqual([
    'media/source/rtsp-redirect.ts',
    'platform/links/server.ts',
    'setup/ports.ts',
  ]);
  expect(withGuard).toEqual(['platform/http.ts']);
});
