import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import {
  Client,
  Metadata,
  credentials,
  status,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { CONTRACT_VERSIONS, encoderContract } from '../../src/contracts/encoder/grpc-contract';
import { serveEncoder, type EncoderMethods } from '../../src/media/encoder/grpc-server';
import { listen } from '../../src/platform/http';
import { linkFetch, linkRequest } from '../../src/platform/links/client';
import { channelCredentials } from '../../src/platform/links/grpc';
import { LinkTls, useLinkTls } from '../../src/platform/links/link-tls';
import { forgetOwnIdentity, setOwnIdentity } from '../../src/platform/own-identity';
import { HEALTH_ROUTE } from '../../src/platform/route';
import { quietLog } from '../encoder/support/test-host';
import { makeCertificates, type Certificates } from '../support/certificates';
import { until } from '../support/until';
import { makeApiSecrets } from './support/api-secrets';
import { errors, requestTo, subjects, type Asked, type Subject } from './support/listeners';

/** Who is not of this swarm, against every route of every listener and every call of gRPC, with links encrypted. */

const PART_TOKEN = 'p'.repeat(64);
/** Browsers, players, senders and the command line show no certificate: they are known by a token or key, or nobody asks. */
const FOR_PEOPLE = ['api', 'players', 'pushes'];

let certificates: Certificates;
let secrets: Awaited<ReturnType<typeof makeApiSecrets>>;
beforeAll(async () => {
  [certificates, secrets] = await Promise.all([makeCertificates(), makeApiSecrets()]);
});
afterAll(async () => {
  await Promise.all([certificates.remove(), secrets.remove()]);
});
beforeEach(async () => {
  setOwnIdentity({ partToken: PART_TOKEN });
  useLinkTls(await LinkTls.open(certificates.files));
});
afterEach(() => forgetOwnIdentity());

/** What a stranger shows and trusts; he has even got hold of the right token. */
const strangers = (): Record<string, object | 'plain'> => {
  const { own, expired, foreign } = certificates.pem;
  return {
    'in plain': 'plain',
    'without a certificate': { ca: own.ca },
    'with one of another authority': { ...foreign, ca: own.ca },
    'with one that has expired': expired,
  };
};

/** The status that is answered, or why nothing is. */
const asked = (
  url: string,
  { method, path, headers, body }: Asked,
  shown: object | 'plain',
): Promise<number | string> =>
  new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...length, ...headers }, agent: false as const };
    const sent =
      shown === 'plain'
        ? plainRequest(url.replace('https:', 'http:') + path, options)
        : secureRequest(url + path, { ...options, ...shown });
    sent.on('response', (answer) => {
      resolve(answer.statusCode!);
      answer.destroy();
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.setTimeout(5_000, () => sent.destroy(new Error('no answer')));
    sent.end(body);
  });

const REFUSED = expect.stringMatching(/^(ECONNRESET|EPIPE|ERR_SSL_\w+)$/);

test.each(Object.keys(subjects))('the %s: nothing is answered to who is not of this swarm', async (name) => {
  const subject: Subject = await subjects[name]!(secrets.variables);
  try {
    const before = await subject.state();
    const isForPeople = FOR_PEOPLE.includes(name);
    for (const route of subject.routes) {
      const request = requestTo(subject, route);
      const token = isForPeople ? secrets.tokens.admin : PART_TOKEN;
      const sent = { ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } };
      for (const [who, shown] of Object.entries(strangers())) {
        if (isForPeople && shown !== 'plain') continue;
        expect([route.method, route.path, who, await asked(subject.url, sent, shown)]).toEqual([
          ...[route.method, route.path, who, REFUSED],
        ]);
      }
      if (route.access === 'public' || route.method === 'GET') {
        const shown = isForPeople ? { ca: certificates.pem.own.ca } : certificates.pem.own;
        expect([route.path, await asked(subject.url, sent, shown)]).toEqual([route.path, expect.any(Number)]);
      }
    }
    if (!isForPeople) expect(await subject.state()).toEqual(before);
    expect(errors.splice(0)).toEqual([]);
  } finally {
    await subject.stop();
  }
});

describe('an encoder host', () => {
  const called: string[] = [];
  const names = Object.keys(encoderContract(CONTRACT_VERSIONS[0]).service);
  const methods = Object.fromEntries(
    names.map((name) => [name[0]!.toLowerCase() + name.slice(1), () => (called.push(name), {})]),
  ) as unknown as EncoderMethods;

  const statusOf = (client: Client, path: string): Promise<status> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${PART_TOKEN}`);
      const asIs = (bytes: Buffer): Buffer => bytes;
      const options = { deadline: Date.now() + 5_000 };
      const ended = (error: ServiceError | null): void => resolve(error ? error.code : status.OK);
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), metadata, options, ended);
    });

  test('answers no call of who is not of this swarm', async () => {
    const server = await serveEncoder(methods, { host: '127.0.0.1', port: 0, log: quietLog });
    const { own, expired, foreign } = certificates.pem;
    const ssl = (ca: string, shown?: { cert: string; key: string }) =>
      credentials.createSsl(
        Buffer.from(ca),
        shown ? Buffer.from(shown.key) : null,
        shown ? Buffer.from(shown.cert) : null,
      );
    const callers = {
      'in plain': credentials.createInsecure(),
      'without a certificate': ssl(own.ca),
      'with one of another authority': ssl(own.ca, foreign),
      'with one that has expired': ssl(own.ca, expired),
      'of another swarm, which trusts that one alone': ssl(foreign.ca, foreign),
    };
    type Call = Pick<MethodDefinition<unknown, unknown>, 'path' | 'responseStream'>;
    const services: Record<string, Call>[] = [
      ...CONTRACT_VERSIONS.map((version) => encoderContract(version).service),
      healthService,
    ];
    const paths = services
      .flatMap((service) => Object.values(service))
      .filter(({ responseStream }) => !responseStream)
      .map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(2 * 6);
    try {
      for (const [who, credential] of Object.entries(callers)) {
        const client = new Client(server.address, credential);
        for (const path of paths)
          expect([who, path, await statusOf(client, path)]).toEqual([who, path, status.UNAVAILABLE]);
        client.close();
      }
      expect(called).toEqual([]);
      const part = new Client(server.address, channelCredentials());
      for (const path of paths) expect([path, await statusOf(part, path)]).toEqual([path, status.OK]);
      part.close();
      expect(called.length).toBeGreaterThanOrEqual(6);
    } finally {
      await server.close();
    }
  });
});

test('callers that connect and say nothing keep nobody out, and are bounded', async () => {
  const most = 4;
  const server = await listen((_req, res) => void res.end(), {
    ...{ host: '127.0.0.1', port: 0, routes: [HEALTH_ROUTE], log: quietLog },
    ...{ limits: { maxConnections: most }, whenFull: 'idlest-goes' },
  });
  const silent = Array.from({ length: 3 * most }, () => connect(server.port, '127.0.0.1'));
  try {
    const closed = new Set<unknown>();
    for (const socket of silent) socket.on('close', () => closed.add(socket)).on('error', () => undefined);
    await until('all but the bound are closed', () => closed.size >= 2 * most);
    const url = `https://127.0.0.1:${server.port}`;
    const health = { method: 'GET', path: '/healthz', headers: {} };
    // Handshakes that fail take no place for longer.
    for (let i = 0; i < 3 * most; i++)
      expect(await asked(url, health, { ca: certificates.pem.own.ca })).toEqual(REFUSED);
    expect(await asked(url, health, certificates.pem.own)).toBe(200);
    expect(closed.size).toBeLessThan(3 * most);
  } finally {
    for (const socket of silent) socket.destroy();
    await server.close();
  }
});

test('a part asks no server but one of its own authority, and no part in plain', async () => {
  const subject = await subjects.relay!();
  try {
    const url = `${subject.url}/healthz`;
    expect((await linkFetch(url)).status).toBe(200);
    await expect(linkFetch(url.replace('https:', 'http:'))).rejects.toMatchObject({ code: 'bad-request' });
    const refusal = { code: 'bad-request', hint: expect.stringContaining('https://') };
    expect(() => linkRequest(url.replace('https:', 'http:'), {})).toThrow(
      expect.objectContaining(refusal) as Error,
    );
    useLinkTls(await LinkTls.open(certificates.foreignFiles));
    const cause = expect.objectContaining({ code: expect.stringMatching(/CERT|SIGNATURE/) });
    await expect(linkFetch(url)).rejects.toMatchObject({ cause });
    const request = linkRequest(url, { agent: false });
    request.end();
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => request.once('error', resolve));
    expect(error.code).toMatch(/CERT|SIGNATURE/);
  } finally {
    await subject.stop();
  }
});
