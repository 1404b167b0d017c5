import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeInfluxConfig } from '../../src/launch/influx-server';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { forgetOwnIdentity, partAuthorization, setOwnIdentity } from '../../src/platform/own-identity';
import { awaitGrpcServing } from '../../src/platform/processes/readiness';
import { portsFor } from '../../src/setup';
import { startHost } from '../encoder/support/test-host';

const ports = portsFor(17_000, {});
const variablesFor = (host: string, temporal: object) =>
  swarmEnvironment({
    ...{ env: { SWARM_HOST: host }, stateDir: '/state', ports },
    tools: { temporal, influx: { path: 'i' }, ffmpeg: { ffmpegPath: 'ffmpeg' } } as never,
  }).variables;
const own = { path: 'temporal' };
const elsewhere = { address: 'temporal.example:7233', namespace: 'default' };

test('parts that listen on every address of both kinds are reached by the one of IPv4', () => {
  expect(variablesFor('::', own)).toMatchObject({
    ...{ SWARM_HOST: '::', SWARM_ORIGIN_URL: 'http://127.0.0.1:17002', INFLUX_URL: 'http://127.0.0.1:17035' },
    ...{ TEMPORAL_ADDRESS: '127.0.0.1:17033', no_proxy: '127.0.0.1,localhost' },
  });
});

test('one address alone is for the parts: the servers that a swarm brings along stay on loopback', () => {
  expect(variablesFor('::1', own)).toMatchObject({
    ...{ SWARM_RELAY_URL: 'http://[::1]:17001', INFLUX_URL: 'http://127.0.0.1:17035' },
    ...{ TEMPORAL_ADDRESS: '127.0.0.1:17033', TEMPORAL_UI_URL: 'http://127.0.0.1:17034' },
  });
  expect(variablesFor('fd00::7', elsewhere)).toMatchObject({
    ...{ SWARM_RELAY_URL: 'http://[fd00::7]:17001', SWARM_API_URL: 'http://[fd00::7]:17000' },
    ...{ TEMPORAL_ADDRESS: 'temporal.example:7233', no_proxy: '127.0.0.1,localhost,fd00::7' },
  });
});

test.each([
  ['0:0:0:0:0:0:0:1', '::1', 'http://[::1]:17001'],
  ['[::1]', '::1', 'http://[::1]:17001'],
  ['0', '0.0.0.0', 'http://127.0.0.1:17001'],
  ['::0', '::', 'http://127.0.0.1:17001'],
  ['::ffff:127.0.0.1', '::ffff:7f00:1', 'http://[::ffff:7f00:1]:17001'],
  [' Encoders.example. ', 'encoders.example', 'http://encoders.example:17001'],
])('SWARM_HOST=%j is %s', (given, host, relay) => {
  expect(variablesFor(given, own)).toMatchObject({ SWARM_HOST: host, SWARM_RELAY_URL: relay });
});

test.each(['fe80::1%eth0', '[fe80::1%25eth0]', '*', '10.0.0.7:7700', 'http://10.0.0.7'])(
  'SWARM_HOST=%s is refused by its own name alone',
  (host) => {
    const refused = (): unknown => variablesFor(host, own);
    expect(refused).toThrow(/^Bad environment: SWARM_HOST: /);
    expect(refused).not.toThrow(/_URL/);
  },
);

test.each([
  ['::', '[::]:8086'],
  ['::1', '[::1]:8086'],
  ['127.0.0.1', '127.0.0.1:8086'],
])('InfluxDB is told to listen on %s', async (host, address) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'ipv6-'));
  try {
    const file = await writeInfluxConfig({ stateDir, host, port: 8086, backupPort: 8088, login: true });
    expect(await readFile(file, 'utf8')).toContain(`[http]\n  bind-address = "${address}"\n`);
  } finally {
    await rm(stateDir, { recursive: true });
  }
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.family === 'IPv6');

(hasIpv6 ? describe : describe.skip)('on a machine with IPv6', () => {
  beforeAll(() => setOwnIdentity({ partToken: 'p'.repeat(64), allowPlain: true }));
  afterAll(forgetOwnIdentity);

  test.each(['::1', '::'])('an encoder host that listens on %s is reached by its address', async (host) => {
    const encoder = await startHost({ host });
    try {
      const signal = AbortSignal.timeout(5_000);
      await awaitGrpcServing(encoder.host.address, '', signal, partAuthorization());
      expect(await encoder.client.describe({ deadlineMs: 5_000 })).toMatchObject({ capacityUnits: 6 });
    } finally {
      await encoder.stop();
    }
  });
});
