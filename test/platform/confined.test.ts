import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { FfmpegProcess } from '../../src/media/source/ffmpeg-process';
import {
  canLimit,
  confined,
  confinement,
  letConfinedRead,
  minimalEnvironment,
  runConfined,
  type Allowance,
} from '../../src/platform/processes/confined';

const run = promisify(execFile);
const secrets = {
  TEMPORAL_API_KEY: 'k',
  AWS_SECRET_ACCESS_KEY: 'k',
  SWARM_STATE_DIR: '/state',
  INFLUX_URL: 'http://admin:k@influx.example',
  NODE_OPTIONS: '--no-warnings',
};
const before = { ...process.env };
let folder: string;
let ffmpeg: string;

beforeAll(async () => {
  Object.assign(process.env, secrets);
  folder = await mkdtemp(join(tmpdir(), 'confined-'));
  ffmpeg = join(folder, 'ffmpeg');
  // Says its environment and its limits where ffmpeg would say its version.
  await writeFile(
    ffmpeg,
    '#!/bin/sh\necho "ffmpeg version $(env | tr "\\n" " ")"\n' +
      'cat /proc/self/limits /proc/self/status\nsed "s/^ */interface /" /proc/self/net/dev\n',
  );
  await chmod(ffmpeg, 0o755);
  // For another account to run it.
  await chmod(folder, 0o755);
});
afterAll(async () => {
  process.env = before;
  await rm(folder, { recursive: true });
});

const toldBy = async (allowance: Allowance = {}): Promise<string> => {
  const { command, args, env } = confined(ffmpeg, ['-version'], allowance);
  return (await run(command, args, { env })).stdout;
};
const limitOf = (told: string, name: string): string | undefined =>
  new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(told)?.[1];

test('ffmpeg gets what it needs, and no secret of the part that starts it', async () => {
  const told = await toldBy();
  for (const name of Object.keys(secrets)) expect(told).not.toContain(name);
  expect(told).toContain('PATH=');
  const proxied = { http_proxy: 'p', NO_PROXY: 'n', LC_ALL: 'C', LD_LIBRARY_PATH: 'l', lib: 'x', XPATH: 'x' };
  expect(minimalEnvironment(proxied)).toEqual({
    ...{ http_proxy: 'p', NO_PROXY: 'n', LC_ALL: 'C', LD_LIBRARY_PATH: 'l' },
  });
});

(canLimit() ? test : test.skip)('and takes no more memory, files and disk than it may', async () => {
  const told = await toldBy();
  expect(limitOf(told, 'Max address space')).toBe(String(16 * 2 ** 30));
  expect(limitOf(told, 'Max open files')).toBe('256');
  expect(limitOf(told, 'Max file size')).toBe(String(16 * 2 ** 20));
  expect(limitOf(told, 'Max core file size')).toBe('0');
});

(canLimit() ? test : test.skip)(
  'a run that ends by itself has a bound on its CPU time, a session has none',
  async () => {
    expect(limitOf(await toldBy(), 'Max cpu time')).toBe('unlimited');
    expect(limitOf(await toldBy({ cpuSeconds: 7 }), 'Max cpu time')).toBe('7');
    expect(limitOf((await runConfined(ffmpeg, [], {})).stdout, 'Max cpu time')).toBe('120');
    await expect(runConfined('sh', ['-c', 'while :; do :; done'], { cpuSeconds: 1 })).rejects.toMatchObject({
      killed: false,
      signal: expect.stringMatching(/SIGXCPU|SIGKILL/) as string,
    });
  },
);

const isolates = confinement().network === 'none';
(isolates ? test : test.skip)('what reads pipes has no network; what opens addresses has', async () => {
  const interfaces = (told: string): string[] =>
    [...told.matchAll(/^interface (\w+):/gm)].map(([, name]) => name as string);
  expect(interfaces(await toldBy())).toEqual(['lo']);
  const server = createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const reach = ['-e', `require('net').connect(${port}, '127.0.0.1').pipe(process.stdout)`];
  try {
    await expect(runConfined(process.execPath, reach, {})).rejects.toMatchObject({
      stderr: expect.stringMatching(/ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL/) as string,
    });
    expect((await runConfined(process.execPath, reach, { network: true })).stdout).toBe('reached');
  } finally {
    server.close();
  }
});

test('it can gain no rights', async () => {
  expect(await toldBy()).toMatch(/^NoNewPrivs:\s+1$/m);
});

const isRoot = process.getuid?.() === 0;
(isRoot ? test : test.skip)(
  'it runs as the account that was named, with no right of root and a bound on processes',
  async () => {
    process.env.SWARM_FFMPEG_USER = 'nobody';
    try {
      expect(confinement().user).toBe('nobody');
      const told = await toldBy();
      const nobody = (await run('id', ['-u', 'nobody'])).stdout.trim();
      expect(told).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}\\s+${nobody}$`, 'm'));
      expect(told).toMatch(/^CapEff:\s+0+$/m);
      expect(told).toMatch(/^CapBnd:\s+0+$/m);
      expect(limitOf(told, 'Max processes')).toBe('8192');
      expect(told).not.toContain('SWARM_FFMPEG_USER');
      const closed = await mkdtemp(join(tmpdir(), 'closed-'));
      const file = join(closed, '0.ts');
      await writeFile(file, 'frames', { mode: 0o600 });
      await expect(runConfined('cat', [file], {})).rejects.toMatchObject({ code: 1 });
      await letConfinedRead(closed, [file]);
      expect((await runConfined('cat', [file], {})).stdout).toBe('frames');
      await rm(closed, { recursive: true });
      process.env.SWARM_FFMPEG_USER = 'no-such-account';
      expect(() => confined(ffmpeg, [])).toThrow(
        "ffmpeg can't be run as no-such-account: there is no such account",
      );
    } finally {
      delete process.env.SWARM_FFMPEG_USER;
    }
  },
);

test('its process id is its own, and one that is not there shows as that', async () => {
  const { command, args, env } = confined('sleep', ['30']);
  const child = spawn(command, args, { env, stdio: 'ignore' });
  const comm = async (): Promise<string> => (await readFile(`/proc/${child.pid}/comm`, 'utf8')).trim();
  while ((await comm()) !== 'sleep') await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const missing = confined('/no/such/ffmpeg', []);
  await expect(run(missing.command, missing.args)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('so are all that decode what strangers send', async () => {
  const process = new FfmpegProcess(ffmpeg, []);
  let text = '';
  process.output.on('data', (chunk) => (text += String(chunk)));
  expect(await process.exited).toBe(0);
  expect(text).toContain('PATH=');
  for (const name of Object.keys(secrets)) expect(text).not.toContain(name);
  await expect(detectFfmpeg(ffmpeg)).rejects.toMatchObject({ message: expect.not.stringContaining('AWS_') });

  const root = join(__dirname, '..', '..', 'src');
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const others = [];
  for (const file of files) {
    const source = await readFile(join(root, file), 'utf8');
    const starts =
      /from 'node:child_process'/.test(source) && /ffmpeg|ffprobe/i.test(source.replace(/\/\*.*?\*\//gs, ''));
    if (starts && !source.includes('processes/confined') && !file.endsWith('processes/confined.ts'))
      others.push(file);
  }
  expect(others).toEqual([]);
});
