import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { environmentSchema } from '../../src/config/config';
import { SourceClient, digestOfInput } from '../../src/contracts/source';
import { sourcePart } from '../../src/launch/part-list';
import { protocolArguments, type InputRules } from '../../src/media/source/input-policy';
import { sourceOptionsFrom } from '../../src/media/source/server';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RelayUnderTest } from '../relay/relay-under-test';
import { specOf } from './inputs';
import { SourceUnderTest } from './source-under-test';

const run = promisify(execFile);

let folder: string;
let rules: InputRules;
let relay: RelayUnderTest;
let source: SourceUnderTest;
let server: Server;
let port: number;
const asked: string[] = [];
const lines: string[] = [];
const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'input-policy-')));
  await mkdir(join(folder, 'inputs'));
  const clip = makeClip('ffmpeg', { seconds: 2 });
  await writeFile(join(folder, 'inputs', 'film.ts'), clip);
  await writeFile(join(folder, 'secret.ts'), clip);
  await mkdir(join(folder, 'inputs-of-others'));
  await writeFile(join(folder, 'inputs-of-others', 'film.ts'), clip);
  await symlink(join(folder, 'secret.ts'), join(folder, 'inputs', 'link.ts'));
  await writeFile(join(folder, 'h.y4m'), 'YUV4MPEG2 W32 H24 F25:1 Ip A1:1 Cmono\nFRAME\n');
  server = createServer((req, res) => {
    asked.push(req.url ?? '');
    res.end(clip);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  rules = { inputDir: join(folder, 'inputs'), networks: [], trusted: new Set() };
  relay = await RelayUnderTest.start();
  source = await SourceUnderTest.start(relay.url, { inputs: rules, log });
});
afterAll(async () => {
  await source.stop();
  await relay.stop();
  server.close();
  await rm(folder, { recursive: true });
});

const refusedInputs = (): string[] => [
  // The header of a raw picture before any file: that file on air.
  `concat:${join(folder, 'h.y4m')}|/etc/passwd`,
  `subfile,,start,0,end,0,,:${join(folder, 'secret.ts')}`,
  ...['cache:', 'crypto:', 'crypto+file:', 'async:', 'data:', 'pipe:', 'unix:', 'ftp://', 'gopher://'].map(
    (prefix) => `${prefix}${join(folder, 'secret.ts')}`,
  ),
  ...[`tcp://127.0.0.1:${port}`, 'tcp://0.0.0.0:1?listen=1', 'lavfi:testsrc', 'fd:0', 'tee:x', 'ipfs://x'],
  // Files elsewhere; whether they exist is not told.
  join(folder, 'secret.ts'),
  `file:${join(folder, 'secret.ts')}`,
  `file://${join(folder, 'secret.ts')}`,
  `FILE:${join(folder, 'secret.ts')}`,
  `file://elsewhere${join(folder, 'inputs', 'film.ts')}`,
  join(folder, 'inputs', '..', 'secret.ts'),
  join(folder, 'inputs', 'link.ts'),
  join(folder, 'inputs-of-others', 'film.ts'),
  join(folder, 'none.ts'),
  '/etc/passwd',
  '-version',
  // This machine, the network behind it, and the cloud's metadata, in all their spellings.
  ...['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0.0.0.0'].map(
    (host) => `http://${host}:${port}/x`,
  ),
  ...[
    '10.1.2.3',
    '192.168.0.1',
    '172.16.9.9',
    '100.64.0.1',
    '[fd00::1]',
    '[fe80::1]',
    '[::ffff:10.0.0.1]',
  ].map((host) => `http://${host}/x`),
  'http://169.254.169.254/latest/meta-data/',
  `srt://127.0.0.1:${port}`,
  `srt://2130706433:${port}`,
  `rtmp://10.0.0.1/live/key`,
  `rtsp://user:pw@localhost:${port}/x`,
];

test('inputs that nobody allowed are refused in the same words, nothing is opened, and the log says why', async () => {
  const client = new SourceClient(source.url);
  for (const url of refusedInputs()) {
    const refusal = {
      code: 'bad-request',
      message: expect.stringMatching(/^The input .* may not be used here\.$/) as string,
      hint: expect.stringContaining('SWARM_INPUT_DIR') as string,
    };
    await expect(source.put('bad', specOf(url))).rejects.toMatchObject(refusal);
    await expect(client.look(url)).rejects.toMatchObject(refusal);
    await expect(
      client.register({ id: 'bad', ...specOf(url) } as never, { mayBeAway: true }),
    ).rejects.toMatchObject(refusal);
    expect([url, lines.length > 0]).toEqual([url, true]);
    lines.length = 0;
  }
  expect(asked).toEqual([]);
  expect(await source.list()).toEqual([]);
});

test('the same holds for backups and slates', async () => {
  const film = join(folder, 'inputs', 'film.ts');
  for (const url of refusedInputs()) {
    const backup = { ...specOf(film), standby: { backups: [{ kind: 'url', url }] } };
    await expect(source.put('bad', backup)).rejects.toMatchObject({ code: 'bad-request' });
    const slate = { ...specOf(film), standby: { slate: { kind: 'url', url } } };
    await expect(source.put('bad', slate)).rejects.toMatchObject({ code: 'bad-request' });
  }
  expect(asked).toEqual([]);
  expect(await source.list()).toEqual([]);
  lines.length = 0;
});

test('what was allowed is opened: below the folder, in an allowed network, or named by the operator', async () => {
  const film = join(folder, 'inputs', 'film.ts');
  const elsewhere = join(folder, 'secret.ts');
  const live = `http://127.0.0.1:${port}/live`;
  expect(await source.put('film', specOf(film))).toMatchObject({ id: 'film' });
  await source.remove('film');

  const wide = { ...rules, networks: ['127.0.0.0/8'], trusted: new Set([digestOfInput(elsewhere)]) };
  const other = await SourceUnderTest.start(relay.url, { inputs: wide, log });
  try {
    await other.put('live', specOf(live));
    expect(asked).toContain('/live');
    await other.put('named', specOf(elsewhere));
    const refused = { code: 'bad-request' };
    await expect(other.put('x', specOf('http://10.0.0.1/x'))).rejects.toMatchObject(refused);
    await expect(other.put('x', specOf(join(folder, 'h.y4m')))).rejects.toMatchObject(refused);
    // Trusted is the one who named it, not what a scheme can do.
    const odd = `concat:${elsewhere}`;
    wide.trusted.add(digestOfInput(odd));
    await expect(other.put('x', specOf(odd))).rejects.toMatchObject(refused);

    // An input that a channel has goes on, whatever the rules are by now.
    wide.trusted.clear();
    wide.networks = [];
    await other.restart();
    expect((await other.list()).map(({ id }) => id).sort()).toEqual(['live', 'named']);
    await other.put('named', specOf(elsewhere));
    await expect(other.put('live', specOf(elsewhere))).rejects.toMatchObject(refused);
  } finally {
    await other.stop();
  }
});

test('on one machine, files and private networks are inputs; addresses of the link and odd schemes are not', async () => {
  const { inputs } = sourceOptionsFrom(environmentSchema.parse({}));
  const local = await SourceUnderTest.start(relay.url, { inputs: inputs!, log });
  try {
    await local.put('file', specOf(join(folder, 'secret.ts')));
    await local.put('live', specOf(`http://127.0.0.1:${port}/local`));
    for (const url of [
      'http://169.254.169.254/',
      'http://[fe80::1]/',
      'http://0.0.0.0/',
      `concat:${folder}/x`,
    ])
      await expect(local.put('x', specOf(url))).rejects.toMatchObject({ code: 'bad-request' });
  } finally {
    await local.stop();
  }
});

test('ffmpeg itself is kept to the protocols of the scheme', async () => {
  expect(protocolArguments('srt://example.org:9000', false)).toEqual(['-protocol_whitelist', 'srt']);
  expect(protocolArguments('https://example.org/x.m3u8', false)[1]).not.toMatch(/file|udp|rtp/);
  expect(protocolArguments('/film.mp4', false)[1]).toBe('file,crypto,data');
  const hidden = `subfile,,start,0,end,0,,:${join(folder, 'secret.ts')}`;
  const probe = (args: string[]) => run('ffprobe', ['-v', 'error', ...args, '-i', hidden]);
  await probe([]);
  await expect(probe(protocolArguments(hidden, false))).rejects.toMatchObject({
    stderr: expect.stringMatching(/not on whitelist/i) as string,
  });
});

test('the words of ffmpeg go to the log alone', async () => {
  lines.length = 0;
  const missing = join(folder, 'inputs', 'none.ts');
  await expect(source.put('bad', specOf(missing))).rejects.toMatchObject({
    code: 'input-not-video',
    message: `The input ${missing} can't be opened, or holds nothing that ffmpeg reads.`,
  });
  expect(lines.join()).toContain('No such file');
});

test('what is named at the launcher is trusted, without telling its secrets; the rules are strict where others reach it', () => {
  const environment = environmentSchema.parse({ SWARM_STATE_DIR: '/state' });
  const surroundings = { environment, variables: {}, logsDir: '/logs', ports: {}, hooks: {} } as never;
  const named = ['srt://example.org:9000?passphrase=c4n4ry-pw', '/films/a.mp4'];
  const { env } = sourcePart(surroundings, named);
  expect(JSON.stringify(env)).not.toContain('c4n4ry-pw');
  const { inputs } = sourceOptionsFrom(environmentSchema.parse(env));
  expect(named.map((url) => inputs?.trusted.has(digestOfInput(url)))).toEqual([true, true]);
  const rulesOf = (variables: object) =>
    sourceOptionsFrom(environmentSchema.parse({ SWARM_STATE_DIR: '/state', ...variables })).inputs;
  for (const host of ['0.0.0.0', '::', '10.0.0.7', 'relay.example'])
    expect(rulesOf({ SWARM_HOST: host })).toMatchObject({ inputDir: '/state/inputs', networks: [] });
  const local = rulesOf({});
  expect(local).toMatchObject({ inputDir: '/' });
  expect(local?.networks).toContain('127.0.0.0/8');
  const own = { SWARM_INPUT_DIR: '/films', SWARM_INPUT_NETWORKS: '' };
  expect(rulesOf(own)).toMatchObject({ inputDir: '/films', networks: [] });
  expect(() => environmentSchema.parse({ SWARM_INPUT_NETWORKS: '10.0.0.0/8,nonsense' })).toThrow(
    'SWARM_INPUT_NETWORKS',
  );
});
