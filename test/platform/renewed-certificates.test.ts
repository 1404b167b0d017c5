import { once } from 'node:events';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { cheapChannel } from '../../bench/lib/data-plane';
import { issueCertificate, renewCertificate } from '../../src/certificates';
import { RelayClient } from '../../src/contracts/relay';
import { replaceFile } from '../../src/platform/durable-file';
import { listen } from '../../src/platform/http';
import { linkFetch, linkRequest } from '../../src/platform/links/client';
import { LinkTls, tlsFilesOf, useLinkTls } from '../../src/platform/links/link-tls';
import { forgetOwnIdentity } from '../../src/platform/own-identity';
import { HEALTH_ROUTE } from '../../src/platform/route';
import { quietLog } from '../encoder/support/test-host';
import { filesIn, makeCertificates, shownAt, type Certificates } from '../support/certificates';
import { startDataPlane } from '../support/data-plane';
import { until } from '../support/until';

let certificates: Certificates;
beforeEach(async () => {
  certificates = await makeCertificates();
});
afterEach(async () => {
  forgetOwnIdentity();
  await certificates.remove();
});

const LOOK_EVERY_MS = 20;

test('files that can not be used change nothing, and the log tells once', async () => {
  const told: string[] = [];
  const log = {
    error: ({ err }: { err: Error }) => told.push(err.message),
    info: (_: object, message: string) => told.push(message),
    warn: () => undefined,
  };
  const has = (words: string): boolean => told.some((message) => message.includes(words));
  const { files, pem } = certificates;
  const tls = await LinkTls.open(files, { log: log as never, lookEveryMs: LOOK_EVERY_MS });
  useLinkTls(tls);
  const app = (_: unknown, res: { end(): void }): void => void res.end();
  const server = await listen(app as never, {
    host: '127.0.0.1',
    port: 0,
    routes: [HEALTH_ROUTE],
    log: quietLog,
  });
  try {
    const first = await shownAt(server.port, pem.own);
    // A key without its certificate, a certificate of another authority, none at all, nonsense.
    await replaceFile(files.own.key, pem.foreign.key);
    await until('the key is refused', () => has('is not its key'));
    await replaceFile(files.own.certificate, pem.foreign.cert);
    await until('the authority is refused', () => has('is not of the authority'));
    await rm(files.own.certificate);
    await until('the file is missed', () => has('ENOENT'));
    await replaceFile(files.own.certificate, 'nonsense');
    await until('nonsense is refused', () => has('holds no certificate'));
    expect((await shownAt(server.port, pem.own)).serialNumber).toBe(first.serialNumber);
    expect((await linkFetch(`https://127.0.0.1:${server.port}/healthz`)).status).toBe(200);
    expect(new Set(told).size).toBe(told.length);
    await replaceFile(files.own.certificate, pem.own.cert);
    await renewCertificate(certificates.authority, 'own', { days: 1 });
    await until('the new ones are taken on', () => has('new certificates are in use'));
    const second = await shownAt(server.port, pem.own);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect((await linkFetch(`https://127.0.0.1:${server.port}/healthz`)).status).toBe(200);
  } finally {
    await server.close();
  }
});

test('files that are replaced one after the other are no fault', async () => {
  const told: string[] = [];
  const log = { ...quietLog, error: ({ err }: { err: Error }) => told.push(err.message) };
  const { authority, files, pem } = certificates;
  const tls = await LinkTls.open(files, { log: log, lookEveryMs: 3_600_000 });
  try {
    const renewed = await issueCertificate(authority, { name: 'next', part: 'machine', hosts: [], days: 1 });
    await copyFile(filesIn(renewed.folder).own.key, files.own.key);
    await tls.look();
    expect(told).toEqual([]);
    expect(tls.own.key).toBe(pem.own.key);
    await writeFile(files.own.certificate, '-----BEGIN CERT');
    await tls.look();
    expect(told).toEqual([]);
    await tls.look();
    await tls.look();
    expect(told).toEqual([expect.stringContaining('holds no certificate')]);
    await copyFile(filesIn(renewed.folder).own.certificate, files.own.certificate);
    await tls.look();
    expect(tls.own.key).not.toBe(pem.own.key);
    expect(told).toHaveLength(1);
  } finally {
    tls.close();
  }
});

/** Real source, relay, encoder host and origin, each a process of its own, that know nothing but SWARM_TLS_DIR. */
test('certificates are replaced while a channel is on air: new connections get the new ones, old ones go on', async () => {
  const { folder, pem } = certificates;
  useLinkTls(await LinkTls.open(tlsFilesOf({ SWARM_TLS_DIR: folder })!, { lookEveryMs: LOOK_EVERY_MS }));
  const { plane, stop } = await startDataPlane({ variables: { SWARM_TLS_DIR: folder } });
  const answers: IncomingMessage[] = [];
  try {
    const { environment } = plane;
    for (const url of [plane.relayUrl, plane.originUrl, plane.playerUrl, environment.SWARM_SOURCE_URL])
      expect(url).toMatch(/^https:/);
    await plane.putOnAir(cheapChannel('ch-1'), 'enc-1');
    await plane.published('ch-1', 2);
    const ports = [plane.relayUrl, plane.originUrl, plane.playerUrl, environment.SWARM_SOURCE_URL].map(
      (url) => Number(new URL(url).port),
    );
    const encoderPort = Number(plane.encoder('enc-1').address.split(':')[1]);
    const shown = (): Promise<string[]> =>
      Promise.all([
        ...ports.map(async (port) => (await shownAt(port, pem.own)).serialNumber),
        shownAt(encoderPort, pem.own, 'h2').then(({ serialNumber }) => serialNumber),
      ]);
    const before = await shown();
    expect(new Set(before).size).toBe(1);

    const { nextGop } = await plane.channel('ch-1');
    const feed = linkRequest(`${new RelayClient(plane.relayUrl).feedUrl('ch-1')}?from_gop=${nextGop - 1}`, {
      agent: false,
    });
    feed.end();
    const [answer] = (await once(feed, 'response')) as [IncomingMessage];
    answers.push(answer);
    let feedBytes = 0;
    answer.on('data', (chunk: Buffer) => (feedBytes += chunk.length));
    const healths: boolean[] = [];
    const endWatch = plane.encoder('enc-1').watchHealth((serving) => healths.push(serving));
    await until('the health is known', () => healths.length > 0);

    await renewCertificate(certificates.authority, 'own', { days: 1 });
    await until('all listeners show the new certificate', async () => {
      const now = await shown();
      return new Set(now).size === 1 && now[0] !== before[0];
    });
    const bytesThen = feedBytes;
    const renewedAt = (await plane.channel('ch-1')).nextGop;
    await plane.published('ch-1', renewedAt + 3);
    expect(answer.destroyed).toBe(false);
    expect(feedBytes).toBeGreaterThan(bytesThen);
    expect(healths).toEqual([true]);
    endWatch();
    const report = await plane.verify(['ch-1']);
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
  } finally {
    for (const answer of answers) answer.destroy();
    await stop();
  }
}, 120_000);
