import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Client,
  Metadata,
  credentials,
  status,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import type { RequestHandler } from 'express';
import { service as healthService } from 'grpc-health-check';
import { CONTRACT_VERSIONS, encoderContract } from '../../src/contracts/encoder/grpc-contract';
import { ROLES, type Access } from '../../src/domain';
import { serveEncoder, type EncoderMethods } from '../../src/media/encoder/grpc-server';
import { listen } from '../../src/platform/http';
import { LinkTls, useLinkTls } from '../../src/platform/links/link-tls';
import { forgetOwnIdentity, setOwnIdentity } from '../../src/platform/own-identity';
import type { Route } from '../../src/platform/route';
import { quietLog } from '../encoder/support/test-host';
import { makeCertificates } from '../support/certificates';
import { makeApiSecrets } from './support/api-secrets';
import { ask, errors, requestTo, subjects, type Subject } from './support/listeners';

/** Strangers, and people who may not, against every route of every listener and every call of every gRPC service. */

/** All that strangers may use, and the files of the page, which lead nowhere without a login. */
const PUBLIC = [
  'DELETE /api/session',
  'GET /cmaf/:id/:track/:file',
  'GET /cmaf/:id/:track/index.m3u8',
  'GET /cmaf/:id/index.m3u8',
  'GET /cmaf/:id/manifest.mpd',
  'GET /cmaf/time',
  'GET /healthz',
  'GET /hls/:id/:rendition/:file',
  'GET /hls/:id/:rendition/index.m3u8',
  'GET /hls/:id/index.m3u8',
  'GET /login',
  'GET /login/ways',
  'GET /play/:token/check/:id',
  'GET /play/:token/cmaf/:id/:track/:file',
  'GET /play/:token/cmaf/:id/:track/index.m3u8',
  'GET /play/:token/cmaf/:id/index.m3u8',
  'GET /play/:token/cmaf/:id/manifest.mpd',
  'GET /play/:token/cmaf/time',
  'GET /play/:token/hls/:id/:rendition/:file',
  'GET /play/:token/hls/:id/:rendition/index.m3u8',
  'GET /play/:token/hls/:id/index.m3u8',
  'POST /api/session',
  'POST /push/:id',
  'PUT /push/:id',
];

const PART_TOKEN = 'p'.repeat(64);
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

let secrets: Awaited<ReturnType<typeof makeApiSecrets>>;
beforeAll(async () => {
  secrets = await makeApiSecrets();
  setOwnIdentity({ partToken: PART_TOKEN });
});
afterAll(async () => {
  forgetOwnIdentity();
  await secrets.remove();
});

type Refusal = [status: number, code: string];
const UNKNOWN: Refusal = [401, 'unauthenticated'];
const FORBIDDEN: Refusal = [403, 'forbidden'];

/** What must be refused everywhere, however it is put. */
const ofStrangers = (): Record<string, Record<string, string>> => ({
  'nothing at all': {},
  'another token': bearer('x'.repeat(64)),
  'no token': { authorization: 'Bearer ' },
  'the right word in another scheme': { authorization: `Basic ${PART_TOKEN}` },
  'half of the token': bearer(PART_TOKEN.slice(0, 32)),
  'a token in the query': {},
  'a forged session': { cookie: 'swarm-0123456789ab=x.y.z; session=admin' },
});

/** Whoever is known, and may not use what asks for `access`. */
const ofOthers = (access: Access): [who: string, token: string, refusal: Refusal][] => {
  const { tokens } = secrets;
  if (access === 'part') return ROLES.map((role) => [`an API's ${role}`, tokens[role], UNKNOWN]);
  const lower = ROLES.slice(
    0,
    ROLES.findIndex((role) => role === access),
  );
  return [
    ['a part', PART_TOKEN, UNKNOWN],
    ['an expired token', tokens.expired, UNKNOWN],
    ['a token of another cell', tokens['of another cell'], FORBIDDEN],
    ...lower.map((role): [string, string, Refusal] => [`a mere ${role}`, tokens[role], FORBIDDEN]),
  ];
};

const rightFor = (access: Access): string =>
  access === 'part' ? PART_TOKEN : secrets.tokens[access === 'public' ? 'viewer' : access];

test('only these are public', async () => {
  const declared = new Set<string>();
  for (const start of Object.values(subjects)) {
    const subject = await start(secrets.variables);
    const open = subject.routes.filter(({ access, sites }) => access === 'public' && sites !== 'links');
    for (const { method, path } of open) declared.add(`${method} ${path}`);
    await subject.stop();
  }
  expect([...declared].sort()).toEqual(PUBLIC);
  // @ts-expect-error a route that does not say who may use it does not compile
  const undeclared: Route = { method: 'GET', path: '/x' };
  expect(undeclared).not.toHaveProperty('access');
});

describe.each(Object.keys(subjects))('the %s', (name) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await subjects[name]!(secrets.variables);
  });
  afterAll(() => subject?.stop());

  const guarded = (): Route[] => subject.routes.filter(({ access }) => access !== 'public');

  test('refuses strangers and those who may not, on each route, and changes nothing', async () => {
    const before = await subject.state();
    for (const route of guarded()) {
      const { method, path: declared, access } = route;
      const request = requestTo(subject, route);
      for (const [who, headers] of Object.entries(ofStrangers())) {
        const path = who === 'a token in the query' ? `${request.path}?token=${PART_TOKEN}` : request.path;
        const sent = { ...request, path, headers: { ...request.headers, ...headers } };
        expect([method, declared, who, ...(await ask(subject.url, sent))]).toEqual([
          ...[method, declared, who, ...UNKNOWN],
        ]);
      }
      for (const [who, token, refusal] of ofOthers(access)) {
        const sent = { ...request, headers: { ...request.headers, ...bearer(token) } };
        expect([method, declared, who, ...(await ask(subject.url, sent))]).toEqual([
          ...[method, declared, who, ...refusal],
        ]);
      }
    }
    expect(await subject.state()).toEqual(before);
  });

  test('refuses a page of another site that has the right token', async () => {
    const before = await subject.state();
    for (const route of guarded()) {
      const { headers, ...request } = requestTo(subject, route);
      const foreign = { origin: 'https://evil.example', ...headers, ...bearer(rightFor(route.access)) };
      expect(await ask(subject.url, { ...request, headers: foreign })).toEqual([403, 'cross-origin']);
    }
    expect(await subject.state()).toEqual(before);
  });

  test('tells strangers of its health only that it runs', async () => {
    if (!subject.routes.some(({ path }) => path === '/healthz')) return;
    const answer = await fetch(`${subject.url}/healthz`, { headers: bearer('x'.repeat(64)) });
    expect(await answer.json()).toEqual({ status: expect.any(String) });
  });

  test('lets in those who may, so that it is their identity by which the others are refused', async () => {
    for (const route of subject.routes) {
      const request = requestTo(subject, route);
      const headers = { ...request.headers, ...bearer(rightFor(route.access)) };
      const [answered] = await ask(subject.url, { ...request, headers });
      // Who pushes shows the key of a channel, which the part itself asks for.
      if (!route.path.startsWith('/push/')) expect([route.method, route.path, answered]).not.toContain(401);
      expect([route.method, route.path, answered]).not.toContain(403);
      expect([route.method, route.path, answered]).not.toContain(500);
    }
  });

  test('and none of it was an exception', () => expect(errors.splice(0)).toEqual([]));
});

describe('an encoder host', () => {
  type Call = Pick<MethodDefinition<unknown, unknown>, 'path' | 'responseStream'>;
  const called: string[] = [];
  const names = [
    'describe',
    'getTelemetry',
    'prepareSession',
    'getSession',
    'commitSession',
    'releaseSession',
  ];
  const methods = Object.fromEntries(
    names.map((name) => [name, () => (called.push(name), {})]),
  ) as unknown as EncoderMethods;
  const services: Record<string, Call>[] = [
    ...CONTRACT_VERSIONS.map((version) => encoderContract(version).service),
    healthService,
  ];

  /** The status that a call ends with, or of the first message that it gets. */
  const statusOf = (client: Client, { path, responseStream }: Call, metadata: Metadata): Promise<status> =>
    new Promise((resolve) => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      const ended = (error: ServiceError | null): void => resolve(error ? error.code : status.OK);
      const options = { deadline: Date.now() + 5_000 };
      if (!responseStream) {
        client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), metadata, options, ended);
        return;
      }
      const stream = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0), metadata, options);
      stream.on('data', () => (ended(null), stream.cancel()));
      stream.on('error', ended);
    });

  test('refuses every call of every service to strangers, and takes those of parts', async () => {
    const server = await serveEncoder(methods, { host: '127.0.0.1', port: 0, log: quietLog });
    const client = new Client(server.address, credentials.createInsecure());
    try {
      const calls: Call[] = services.flatMap((service) => Object.values(service));
      expect(calls.length).toBeGreaterThanOrEqual(2 * names.length + 2);
      for (const call of calls) {
        for (const [who, { authorization }] of Object.entries(ofStrangers())) {
          const metadata = new Metadata();
          if (authorization !== undefined) metadata.set('authorization', authorization);
          expect([call.path, who, await statusOf(client, call, metadata)]).toEqual([
            ...[call.path, who, status.UNAUTHENTICATED],
          ]);
        }
      }
      expect(called).toEqual([]);
      for (const call of calls) {
        const metadata = new Metadata();
        metadata.set('authorization', `Bearer ${PART_TOKEN}`);
        expect([call.path, await statusOf(client, call, metadata)]).toEqual([call.path, status.OK]);
      }
      expect([...new Set(called)].sort()).toEqual([...names].sort());
    } finally {
      client.close();
      await server.close();
    }
  });
});

test('nobody listens for other machines without knowing who asks, or in plain, unless that is allowed by name', async () => {
  const certificates = await makeCertificates();
  const gateless = async (host: string, log = quietLog): Promise<void> => {
    const app: RequestHandler = (_req, res) => void res.end();
    const server = await listen(app, { host, port: 0, routes: [], log });
    await server.close();
    const encoder = await serveEncoder({} as EncoderMethods, { host, port: 0, log });
    await encoder.close();
  };
  forgetOwnIdentity();
  try {
    const refusal = { code: 'bad-request', hint: expect.stringContaining('SWARM_ALLOW_STRANGERS=yes') };
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'relay.example']) {
      await expect(gateless(host)).rejects.toMatchObject(refusal);
      const encoder = serveEncoder({} as EncoderMethods, { host, port: 0, log: quietLog });
      await expect(encoder).rejects.toMatchObject(refusal);
    }
    for (const host of ['127.0.0.1', 'localhost']) await gateless(host);
    setOwnIdentity({ allowStrangers: true });
    await gateless('0.0.0.0');
    setOwnIdentity({ allowStrangers: false, partToken: PART_TOKEN });
    const inPlain = { code: 'bad-request', hint: expect.stringContaining('SWARM_ALLOW_PLAIN=yes') };
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'relay.example']) {
      await expect(gateless(host)).rejects.toMatchObject(inPlain);
      const encoder = serveEncoder({} as EncoderMethods, { host, port: 0, log: quietLog });
      await expect(encoder).rejects.toMatchObject(inPlain);
    }
    for (const host of ['127.0.0.1', 'localhost']) await gateless(host);
    const warnings: unknown[] = [];
    const log = { ...quietLog, warn: (_: object, message: string) => warnings.push(message) } as never;
    setOwnIdentity({ allowPlain: true });
    await gateless('0.0.0.0', log);
    const told = expect.stringContaining('tokens can be read on the way');
    expect(warnings).toEqual([told, told]);
    setOwnIdentity({ allowPlain: false });
    useLinkTls(await LinkTls.open(certificates.files));
    await gateless('0.0.0.0', log);
    expect(warnings).toHaveLength(2);
    // Nobody shows a secret to a listener that answers everyone alike.
    const routes: Route[] = [{ method: 'GET', path: '/x', access: 'public' }];
    const app: RequestHandler = (_req, res) => void res.end();
    const open = { host: '0.0.0.0', port: 0, callers: 'plain' as const, log: quietLog };
    await (await listen(app, { ...open, routes })).close();
    const secret: Route[] = [...routes, { method: 'GET', path: '/y', access: 'part' }];
    await expect(listen(app, { ...open, routes: secret })).rejects.toMatchObject(inPlain);
  } finally {
    forgetOwnIdentity();
    setOwnIdentity({ partToken: PART_TOKEN });
    await certificates.remove();
  }
});

test('every part takes on its identity before it listens', async () => {
  const root = join(__dirname, '..', '..', 'src');
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('main.ts'));
  const parts: string[] = [];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    if (!text.includes('runPart(')) continue;
    parts.push(file);
    expect([file, text.includes('await takeOwnIdentity(environment, log)')]).toEqual([file, true]);
  }
  expect(parts.length).toBeGreaterThanOrEqual(7);
});
