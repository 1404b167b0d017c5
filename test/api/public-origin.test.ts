import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { statusAt } from '../../src/api/public-origin';
import { environmentSchema, ownNamesOf } from '../../src/config/config';
import { originFor } from '../../src/config/public-origin';
import type { Status } from '../../src/contracts/api';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { whereToLook } from '../../src/launch/where-to-look';
import { addressesOfMachine, isLoopback } from '../../src/platform/addresses';
import { PlaySigner } from '../../src/playback';
import { portsFor } from '../../src/setup';
import { startFakeApi } from './running-api';

type Api = Awaited<ReturnType<typeof startFakeApi>>;

interface Answer {
  status: number;
  policy: string;
  /** Up to the end of the first event of a stream. */
  text: string;
}

/** Asks as a machine elsewhere does: under a name of its own for this one. */
const askAs = (api: Api, host: string, path: string, more: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port: api.port, path, headers: { ...more, host } },
      (response) => {
        let text = '';
        const end = (): void => {
          request.destroy();
          const policy = String(response.headers['content-security-policy'] ?? '');
          resolve({ status: response.statusCode ?? 0, policy, text });
        };
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (/event: status\ndata: .*\n\n/.test(text)) end();
        });
        response.on('end', end);
      },
    );
    request.on('error', reject);
  });

describe('where players reach the origin', () => {
  const at = (variables: Record<string, string>, host?: string): string =>
    originFor(environmentSchema.parse(variables))(host);

  test.each([
    ['on this machine', {}, '127.0.0.1:7700', 'http://127.0.0.1:7702'],
    ['by localhost', {}, 'localhost:7700', 'http://127.0.0.1:7702'],
    ['without a Host header', {}, undefined, 'http://127.0.0.1:7702'],
    ['by what is no host', {}, 'a b', 'http://127.0.0.1:7702'],
    ['from elsewhere', {}, '10.77.0.1:7700', 'http://10.77.0.1:7702'],
    ['by an address of IPv6', {}, '[fd00::7]:7700', 'http://[fd00::7]:7702'],
    ['of another machine', { SWARM_ORIGIN_URL: 'http://media:7702' }, '10.77.0.1', 'http://media:7702'],
    [
      'at the port of players',
      { SWARM_PLAYER_URL: 'http://127.0.0.1:7707' },
      '10.77.0.1:7700',
      'http://10.77.0.1:7707',
    ],
    ['as configured', { SWARM_PUBLIC_ORIGIN_URL: 'https://cdn.example' }, '10.77.0.1', 'https://cdn.example'],
  ])('%s', (_, variables, host, expected) => {
    expect(at(variables, host)).toBe(expected);
  });
});

test('a status that names the origin as it is reached is handed on as it is', async () => {
  const [here, elsewhere] = ['http://127.0.0.1:7702', 'http://10.77.0.1:7702'];
  const channels = [{ id: 'ch-1', playlistUrl: `${here}/hls/ch-1/index.m3u8` }];
  const status = { urls: { origin: here }, channels } as Status;
  const unsigned = PlaySigner.unsigned();
  expect(await statusAt(status, here, unsigned)).toBe(status);
  expect((await statusAt(status, elsewhere, unsigned)).channels[0]!.playlistUrl).toMatch(elsewhere);
  const keys = await mkdtemp(join(tmpdir(), 'play-keys-'));
  let nowMs = Date.now();
  const signer = await PlaySigner.of(keys, () => nowMs);
  const signed = await statusAt(status, here, signer);
  expect(signed.channels[0]!.playlistUrl).toMatch(`${here}/play/`);
  // No address is a reason to have no status.
  await rm(join(keys, '1'));
  nowMs += 5_000;
  expect((await statusAt(status, here, signer)).channels).toEqual(channels);
  await rm(keys, { recursive: true });
});

describe('an API that is asked from elsewhere', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startFakeApi(undefined, {
      SWARM_PUBLIC_API_URL: 'https://swarm.example',
      SWARM_HOST_NAMES: 'https://further.example:8443/swarm, müller.example.',
    });
  });
  afterAll(() => api.stop());

  test.each(['/api/status', '/api/channels', '/api/status/stream'])(
    'names the origin there: %s',
    async (path) => {
      const elsewhere = await askAs(api, '10.77.0.1:7700', path);
      expect(elsewhere.text).toContain('"playlistUrl":"http://10.77.0.1:7702/hls/ch-1/index.m3u8"');
      expect(elsewhere.text).not.toContain('127.0.0.1:7702');
      const here = await askAs(api, '127.0.0.1:7700', path);
      expect(here.text).toContain('"playlistUrl":"http://127.0.0.1:7702/hls/ch-1/index.m3u8"');
    },
  );

  test('its page may load from there', async () => {
    expect((await askAs(api, '10.77.0.1:7700', '/')).policy).toContain(
      "connect-src 'self' http://10.77.0.1:7702",
    );
  });

  test('is served under its public name, and refuses others with what to set', async () => {
    // In any form of the same name.
    for (const name of [
      'swarm.example',
      'swarm.example.',
      'Swarm.Example:443',
      'further.example',
      'xn--mller-kva.example',
    ])
      expect([name, (await askAs(api, name, '/api/status')).status]).toEqual([name, 200]);
    // A proxy may ask by the address of the API, on behalf of the page.
    const fromPage = { origin: 'https://swarm.example', 'sec-fetch-site': 'same-origin' };
    expect((await askAs(api, '127.0.0.1:7700', '/api/status', fromPage)).status).toBe(200);
    for (const origin of ['http://swarm.example', 'https://swarm.example:8443', 'https://further.example']) {
      const other = await askAs(api, '127.0.0.1:7700', '/api/status', { ...fromPage, origin });
      expect([origin, other.status]).toEqual([origin, 403]);
    }
    const refused = await askAs(api, 'other.example', '/api/status');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('SWARM_PUBLIC_API_URL');
  });
});

const startedWith = (env: NodeJS.ProcessEnv) => {
  const tools = { temporal: { path: 't' }, influx: { path: 'i' }, ffmpeg: { ffmpegPath: 'ffmpeg' } } as never;
  return swarmEnvironment({ env, stateDir: '/state', ports: portsFor(20_000, {}), tools }).environment;
};

test('npm start takes SWARM_API_URL for the public one, and asks its own API where it listens', () => {
  expect(startedWith({ SWARM_API_URL: 'http://swarm.example.test' })).toMatchObject({
    SWARM_API_URL: 'http://127.0.0.1:20000',
    SWARM_PUBLIC_API_URL: 'http://swarm.example.test',
  });
});

test('but not one of this machine, which the command line was given', () => {
  for (const url of ['http://127.0.0.1:7700', 'http://localhost:7700'])
    expect(startedWith({ SWARM_API_URL: url })).not.toHaveProperty('SWARM_PUBLIC_API_URL');
});

describe('what the start says to other machines', () => {
  const said = (env: NodeJS.ProcessEnv): Promise<string> => whereToLook(startedWith(env), [], 'ticket');

  test('is nothing where it listens on this machine alone', async () => {
    expect(await said({})).not.toMatch(/elsewhere|told to play/);
  });

  test('are its name and addresses, under which it is served', async () => {
    const env = { SWARM_HOST: '0.0.0.0' };
    expect(await said(env)).toContain([hostname(), ...addressesOfMachine()].join(', '));
    expect(ownNamesOf(startedWith(env))).toContain(hostname());
    expect(ownNamesOf(startedWith({}))).not.toContain(hostname());
    // The loopback is no address for others.
    expect(addressesOfMachine().filter(isLoopback)).toEqual([]);
  });

  test('is where a public API has them play, until that is set', async () => {
    const env = { SWARM_PUBLIC_API_URL: 'https://tv.example' };
    expect(await said(env)).toContain('https://tv.example is told to play from http://tv.example:20007.');
    expect(await said({ ...env, SWARM_PUBLIC_ORIGIN_URL: 'https://play.example' })).not.toContain(
      'told to play',
    );
  });
});
