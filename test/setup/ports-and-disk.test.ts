import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { portUser, portsFor, requireDiskSpace, requireFreePorts } from '../../src/setup';

describe('ports', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  test('a taken port is refused with port, use, user and what to set', async () => {
    const wanted = [{ port, usedFor: 'relay', hint: 'set SWARM_RELAY_PORT' }];
    const refusal = requireFreePorts(wanted, '127.0.0.1');
    await expect(refusal).rejects.toThrow(`port ${port} (relay) is taken by process ${process.pid}`);
    await expect(refusal).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringMatching(/SWARM_RELAY_PORT.*--port-base/) as string,
    });
  });

  test('a port beyond the highest, and one that is meant for two parts, are refused before anything is tried', async () => {
    const encoder = { port: 65_536, usedFor: 'encoder 3', hint: 'set SWARM_ENCODER_PORT_BASE' };
    await expect(requireFreePorts([encoder], '127.0.0.1')).rejects.toMatchObject({
      code: 'bad-request',
      message: 'encoder 3 would have port 65536: the highest one is 65535.',
      hint: expect.stringContaining('SWARM_ENCODER_PORT_BASE') as string,
    });
    const api = { port, usedFor: 'api', hint: 'set SWARM_API_PORT' };
    const relay = { port, usedFor: 'relay', hint: 'set SWARM_RELAY_PORT' };
    await expect(requireFreePorts([api, relay], '127.0.0.1')).rejects.toThrow(
      `Port ${port} is meant for both api and relay.`,
    );
  });

  test('a free port passes', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const freePort = (free.address() as AddressInfo).port;
    await new Promise((resolve) => free.close(resolve));
    await requireFreePorts([{ port: freePort, usedFor: 'relay', hint: '' }], '127.0.0.1');
    expect(await portUser(freePort)).toBeNull();
  });

  test('a port that only a server on loopback takes is looked for there', async () => {
    const wanted = [{ port, usedFor: 'Temporal', hint: 'set TEMPORAL_ADDRESS', host: '127.0.0.1' }];
    await expect(requireFreePorts(wanted, '127.0.0.2')).rejects.toThrow(`port ${port} (Temporal) is taken`);
    await requireFreePorts([{ ...wanted[0]!, host: '127.0.0.2' }], '127.0.0.1');
  });

  test.each(['192.0.2.7', 'no-such-host.invalid'])('%s is refused as none of this machine', async (host) => {
    const refusal = requireFreePorts([{ port, usedFor: 'relay', hint: 'set SWARM_RELAY_PORT' }], host);
    await expect(refusal).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining(`SWARM_HOST ${host}: it is no address of this machine`) as string,
    });
  });

  test('without a base, Temporal and InfluxDB keep their usual ports; with one, all are shifted and distinct', () => {
    expect(portsFor(undefined, {})).toMatchObject({
      api: 7700,
      temporal: 7233,
      temporalUi: 8233,
      influx: 8086,
    });
    const shifted: number[] = Object.values({ ...portsFor(20_000, {}) });
    expect(Math.min(...shifted)).toBe(20_000);
    expect(Math.max(...shifted)).toBeLessThan(20_040);
    expect(new Set(shifted).size).toBe(shifted.length);
  });

  test('a variable wins over the base', () => {
    expect(portsFor(20_000, { SWARM_API_PORT: '9000' }).api).toBe(9_000);
  });

  test('a port that is none is refused with its variable', () => {
    expect(() => portsFor(undefined, { SWARM_API_PORT: '99999' })).toThrow('SWARM_API_PORT is "99999"');
    expect(() => portsFor(65_500, {})).toThrow('65500 is out of range');
  });
});

describe('disk space', () => {
  test('a nearly full disk is refused with what is left and what is needed', async () => {
    const nearlyFull = async () => ({ bavail: 100 * 1024, bsize: 1024 });
    const refusal = requireDiskSpace('/state', nearlyFull);
    await expect(refusal).rejects.toThrow('100 MiB left; 500 MiB are needed');
    await expect(refusal).rejects.toMatchObject({ hint: expect.stringContaining('--state-dir') as string });
  });

  test('blocks count with their size', async () => {
    await requireDiskSpace('/state', async () => ({ bavail: 130_000, bsize: 4096 }));
  });

  test('the disk of the temporary folder has room', async () => {
    await requireDiskSpace(tmpdir());
  });
});
