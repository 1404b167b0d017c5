import { environmentSchema, readEnvironment } from '../../src/config/config';
import { linksOf, requireSecureUrls } from '../../src/config/links';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { tlsFilesOf } from '../../src/platform/links/link-tls';
import { portsFor } from '../../src/setup';

test('a folder names all files, and each can be named apart', () => {
  expect(tlsFilesOf({})).toBeUndefined();
  expect(tlsFilesOf({ SWARM_TLS_DIR: '/tls' })).toEqual({
    ca: '/tls/ca.pem',
    own: { certificate: '/tls/certificate.pem', key: '/tls/key.pem' },
  });
  expect(tlsFilesOf({ SWARM_TLS_DIR: '/tls', SWARM_TLS_CA: '/etc/ca.pem' })).toMatchObject({
    ca: '/etc/ca.pem',
    own: { key: '/tls/key.pem' },
  });
  expect(tlsFilesOf({ SWARM_TLS_CA: '/ca.pem' })).toEqual({ ca: '/ca.pem' });
});

test.each([
  { SWARM_TLS_CA: '/ca.pem', SWARM_TLS_KEY: '/key.pem' },
  { SWARM_TLS_CA: '/ca.pem', SWARM_TLS_CERTIFICATE: '/certificate.pem' },
  { SWARM_TLS_CERTIFICATE: '/certificate.pem', SWARM_TLS_KEY: '/key.pem' },
  { SWARM_TLS_KEY: '/key.pem' },
])('some of the files are refused: %j', (given) => {
  expect(() => tlsFilesOf(given)).toThrow(
    expect.objectContaining({ code: 'bad-request', hint: expect.stringContaining('SWARM_TLS_DIR') }) as Error,
  );
});

const partUrls = (environment: object): string[] =>
  Object.entries(environment)
    .filter(([name]) => /^SWARM_(API|RELAY|ORIGIN|SOURCE|FLEET|PLAYER)_URL$/.test(name))
    .map(([, url]) => String(url));

test('where links are encrypted, every URL of a part begins with https', () => {
  const plain = partUrls(readEnvironment({}));
  expect(plain.length).toBe(5);
  for (const url of plain) expect(url).toMatch(/^http:/);
  const secured = readEnvironment({ SWARM_TLS_DIR: '/tls', SWARM_RELAY_URL: 'https://relay:7701' });
  for (const url of partUrls(secured)) expect(url).toMatch(/^https:/);
  expect(secured.SWARM_RELAY_URL).toBe('https://relay:7701');
  // Servers that are no parts are as they were named.
  expect(secured.INFLUX_URL).toMatch(/^http:/);
});

test('a URL of a part that is named in plain is refused, but for players where that was asked for', () => {
  const tls = { SWARM_TLS_DIR: '/tls' };
  const names = Object.keys(environmentSchema.shape).filter((name) =>
    /^SWARM_(API|RELAY|ORIGIN|SOURCE|FLEET|PLAYER)_URL$/.test(name),
  );
  expect(names.length).toBe(6);
  for (const name of names) {
    expect(() => readEnvironment({ ...tls, [name]: 'http://10.0.0.5:7000' })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(`^Bad environment: ${name} .*Hint: `),
      }) as Error,
    );
  }
  const players = { ...tls, SWARM_PLAYER_URL: 'http://10.0.0.5:7707' };
  expect(readEnvironment({ ...players, SWARM_PLAYER_TLS: 'off' }).SWARM_PLAYER_URL).toBe(
    players.SWARM_PLAYER_URL,
  );
});

test.each([
  [{}, 'loopback'],
  [{ SWARM_TLS_DIR: '/tls', SWARM_HOST: '10.0.0.4' }, 'encrypted'],
  [{ SWARM_HOST: '0.0.0.0' }, 'plain'],
  [{ SWARM_RELAY_URL: 'http://10.0.0.5:7701' }, 'plain'],
  [{ SWARM_RELAY_URL: 'https://relay.example' }, 'loopback'],
  [{ SWARM_ENCODERS: 'enc-1=127.0.0.1:7710,enc-2=10.0.0.6:7710' }, 'plain'],
  [{ SWARM_ENCODERS: 'enc-1=127.0.0.1:7710,enc-2=[::1]:7711' }, 'loopback'],
])('links of %j are %s', (variables, links) => {
  expect(linksOf(readEnvironment(variables))).toBe(links);
});

test('an encoder host does not take a relay or an origin in plain where links are encrypted', () => {
  const urls = { ENCODER_RELAY_URL: 'https://10.0.0.4:7701', ENCODER_ORIGIN_URL: 'http://10.0.0.4:7702' };
  requireSecureUrls({}, urls);
  requireSecureUrls({ SWARM_TLS_DIR: '/tls' }, { ...urls, ENCODER_ORIGIN_URL: undefined });
  expect(() => requireSecureUrls({ SWARM_TLS_DIR: '/tls' }, urls)).toThrow(/^ENCODER_ORIGIN_URL is http/);
});

test("the settings for a Temporal of one's own do not go to the one that a swarm brings along", () => {
  const ports = portsFor(22_000, {});
  const env = { TEMPORAL_TLS: 'true', TEMPORAL_API_KEY: 'k', TEMPORAL_TLS_SERVER_NAME: 'x' };
  const program = { path: '/bin/true', how: 'test' };
  const variablesWith = (temporal: object): NodeJS.ProcessEnv => {
    const tools = { temporal, influx: program, ffmpeg: { ffmpegPath: 'ffmpeg' } } as never;
    return swarmEnvironment({ env, stateDir: '/state', ports, tools }).variables;
  };
  expect(Object.keys(variablesWith(program))).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^TEMPORAL_(TLS|API_KEY)/)]),
  );
  expect(variablesWith({ address: 'temporal.example:7233', namespace: 'default' })).toMatchObject(env);
});
