import { writeFile } from 'node:fs/promises';
import {
  connect as connectHttp2,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { NativeConnection } from '@temporalio/worker';
import { readEnvironment } from '../../src/config/config';
import { connectTemporal } from '../../src/temporal/client';
import { temporalOptions } from '../../src/temporal/options';
import { registerSearchAttributes } from '../../src/temporal/search-attributes';
import { makeCertificates, type Certificates } from '../support/certificates';
import { startTemporal } from '../workflows/support/temporal';

/** Temporal's development server knows no TLS: a proxy before it does, and asks for a certificate. */
let certificates: Certificates;
let proxy: Server;
let temporal: Awaited<ReturnType<typeof startTemporal>>;
/** Names of those who came in. */
const peers: string[] = [];
beforeAll(async () => {
  [certificates, temporal] = await Promise.all([makeCertificates(), startTemporal()]);
  const [host, port] = temporal.address.split(':');
  const { ca, cert, key } = certificates.pem.own;
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] };
  proxy = createServer(options, (socket) => {
    peers.push(String(socket.getPeerCertificate().subject.CN));
    const server = connect(Number(port), host);
    socket.pipe(server).pipe(socket);
    for (const each of [socket, server]) each.on('error', () => (socket.destroy(), server.destroy()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
}, 60_000);
afterAll(async () => {
  proxy?.close();
  await temporal?.teardown();
  await certificates?.remove();
});

const address = (): string => `127.0.0.1:${(proxy.address() as AddressInfo).port}`;

/** Connects as the parts do, with these variables: client and worker. */
const connected = async (variables: Record<string, string>): Promise<void> => {
  const environment = readEnvironment({ TEMPORAL_ADDRESS: address() });
  const client = await connectTemporal(environment, variables);
  await client.close();
  const { namespace: _, ...options } = await temporalOptions(environment, variables);
  await (await NativeConnection.connect(options)).close();
};

test('client and worker show their certificate, and check that of the server', async () => {
  const { folder, files, foreignFiles } = certificates;
  const own = {
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: files.ca,
    TEMPORAL_TLS_CLIENT_CERT_PATH: join(folder, 'certificate.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: join(folder, 'key.pem'),
  };
  await connected(own);
  expect(peers.splice(0)).toEqual(['own', 'own']);
  const refused: Record<string, string>[] = [
    {},
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: files.ca },
    { ...own, TEMPORAL_TLS_SERVER_CA_CERT_PATH: foreignFiles.ca },
    { ...own, TEMPORAL_TLS_SERVER_NAME: 'other.example' },
  ];
  await Promise.all(
    refused.map((variables) => expect(connected(variables)).rejects.toMatchObject({ code: 'unavailable' })),
  );
  expect(peers).toEqual([]);
  const missing = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'none.pem') };
  await expect(connected(missing)).rejects.toMatchObject({ code: 'bad-request' });
}, 60_000);

test('an API key comes from a file, and brings encryption with it', async () => {
  const environment = readEnvironment({ TEMPORAL_ADDRESS: 'swarm.tmprl.cloud:7233' });
  const file = join(certificates.folder, 'api-key');
  await writeFile(file, 'key-of-temporal-cloud\n');
  expect(await temporalOptions(environment, { TEMPORAL_API_KEY_FILE: file })).toEqual({
    ...{ address: 'swarm.tmprl.cloud:7233', namespace: 'default' },
    ...{ apiKey: 'key-of-temporal-cloud', tls: true },
  });
  expect(await temporalOptions(environment, { TEMPORAL_API_KEY: 'k' })).toMatchObject({
    apiKey: 'k',
    tls: true,
  });
  expect(await temporalOptions(environment, { TEMPORAL_TLS: 'true' })).toHaveProperty('tls');
  expect(await temporalOptions(environment, {})).not.toHaveProperty('tls');
  const none = temporalOptions(environment, { TEMPORAL_API_KEY_FILE: `${file}.none` });
  await expect(none).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringContaining('ENOENT'),
  });
});

/** Temporal Cloud, as far as it takes API keys: TLS, and each call with the key. */
const startKeyProxy = async (
  key: string,
): Promise<{ address: string; calls: string[]; close: () => void }> => {
  const { cert, key: privateKey } = certificates.pem.own;
  const upstream = connectHttp2(`http://${temporal.address}`);
  const calls: string[] = [];
  const server = createSecureServer({ cert, key: privateKey });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    calls.push(String(headers['temporal-namespace'] ?? ''));
    stream.on('error', () => undefined);
    if (headers.authorization !== `Bearer ${key}`) {
      const refusal = {
        'grpc-status': '16',
        'grpc-message': 'no such key',
        'content-type': 'application/grpc',
      };
      stream.respond({ ':status': 200, ...refusal }, { endStream: true });
      return;
    }
    const { authorization: _, ':authority': __, ...rest } = headers;
    const call = upstream.request(rest);
    let trailers: IncomingHttpHeaders = {};
    call.on('error', () => stream.close());
    call.on('response', (answer) => stream.respond(answer, { waitForTrailers: true }));
    call.on('trailers', (found: IncomingHttpHeaders) => {
      trailers = found;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.pipe(call);
    call.pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const session of [...sessions, upstream]) session.destroy();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, calls, close };
};

test('client and worker show the API key with each call, on a link that is encrypted', async () => {
  const cloud = await startKeyProxy('key-of-this-swarm');
  try {
    const file = join(certificates.folder, 'key-of-cloud');
    await writeFile(file, 'key-of-this-swarm\n');
    const variables = {
      TEMPORAL_API_KEY_FILE: file,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.files.ca,
    };
    const environment = readEnvironment({ TEMPORAL_ADDRESS: cloud.address });
    const connected = await connectTemporal(environment, variables);
    const { client } = connected;
    const { namespace, ...options } = await temporalOptions(environment, variables);
    expect(options).toMatchObject({ apiKey: 'key-of-this-swarm', tls: expect.anything() });
    const connection = await NativeConnection.connect(options);
    try {
      const listed = [];
      for await (const run of client.workflow.list({ query: 'WorkflowType = "none"' })) listed.push(run);
      expect(listed).toEqual([]);
      await registerSearchAttributes(connection, namespace);
    } finally {
      await connection.close();
      await connected.close();
    }
    await writeFile(file, 'another-key\n');
    await expect(connectTemporal(environment, variables)).rejects.toMatchObject({ code: 'unavailable' });
    expect(cloud.calls.length).toBeGreaterThan(3);
  } finally {
    cloud.close();
  }
}, 60_000);

test('search attributes that may not be added are named', async () => {
  const denied = Object.assign(new Error('denied'), { code: 7 });
  const asked: string[] = [];
  const operatorService = (list: () => Promise<object>) =>
    ({
      listSearchAttributes: list,
      addSearchAttributes: async () => {
        asked.push('add');
        throw denied;
      },
    }) as unknown as NativeConnection['operatorService'];
  const some = operatorService(async () => ({ customAttributes: { SwarmCell: 2 } }));
  await expect(registerSearchAttributes({ operatorService: some }, 'a.b')).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(/SwarmChannel, SwarmEncoder/),
  });
  const none = operatorService(() => Promise.reject(denied));
  await registerSearchAttributes({ operatorService: none }, 'a.b');
  expect(asked).toEqual(['add']);
});
