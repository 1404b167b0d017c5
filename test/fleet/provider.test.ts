import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readEnvironment } from '../../src/config/config';
import { createFleetProvider } from '../../src/fleet/create-provider';

const providerOf = (env: NodeJS.ProcessEnv) => createFleetProvider(readEnvironment(env));

describe('a static fleet', () => {
  const provider = providerOf({
    SWARM_ENCODERS: 'enc-1=10.0.0.1:7710, enc-2=encoder-2:7710,enc-3=[::1]:7711',
  });

  test('lists what the variable names', async () => {
    const encoders = await provider.list();
    expect(encoders.map(({ id, grpcAddress, pid }) => [id, grpcAddress, pid])).toEqual([
      ['enc-1', '10.0.0.1:7710', null],
      ['enc-2', 'encoder-2:7710', null],
      ['enc-3', '[::1]:7711', null],
    ]);
  });

  test('can neither grow nor shrink, and says so', async () => {
    expect(provider.canProvision).toBe(false);
    await expect(provider.provision('r')).rejects.toMatchObject({ code: 'at-capacity-limit' });
    await expect(provider.deprovision('enc-1')).rejects.toMatchObject({ code: 'conflict' });
    const build = { buildId: 'b', executablePath: '/usr/bin/ffmpeg', digest: '0'.repeat(64) };
    await expect(provider.setBuild('enc-1', build, 'r')).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('FFMPEG') as string,
    });
  });

  test.each(['enc-1', 'enc-1=host', 'enc-1=host:port', 'ENC=host:1', 'enc-1=a:1=b:2', 'enc-1=a:1,,'])(
    '"%s" is refused with the entry at fault',
    (list) => expect(() => providerOf({ SWARM_ENCODERS: list })).toThrow('SWARM_ENCODERS holds'),
  );
});

describe('a local fleet', () => {
  test('that does not answer is unavailable', async () => {
    await expect(providerOf({ SWARM_FLEET_URL: 'http://127.0.0.1:1' }).list()).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  test('that answers garbage is refused, not believed', async () => {
    const server = createServer((_, res) => res.end('[{"id": "enc-1", "grpcAddress": 7}]')).listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(providerOf({ SWARM_FLEET_URL: `http://127.0.0.1:${port}` }).list()).rejects.toThrow(
      'fleet agent',
    );
    server.close();
  });
});
