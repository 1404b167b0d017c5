import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { FfmpegProcess } from '../../src/media/source/ffmpeg-process';
import { canLimit, confined, minimalEnvironment } from '../../src/platform/processes/confined';

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
  await writeFile(ffmpeg, '#!/bin/sh\necho "ffmpeg version $(env | tr "\\n" " ")"\ncat /proc/self/limits\n');
  await chmod(ffmpeg, 0o755);
});
afterAll(async () => {
  process.env = before;
  await rm(folder, { recursive: true });
});

const toldBy = async (): Promise<string> => {
  const { command, args, env } = confined(ffmpeg, ['-version']);
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
    if (starts && !source.includes('processes/confined')) others.push(file);
  }
  expect(others).toEqual([]);
});
