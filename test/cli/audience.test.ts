import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RunningApi } from '../../src/api/server';
import type { FakeSwarm } from '../api/fake-swarm';
import { startFakeApi } from '../api/running-api';
import { until } from '../support/until';
import { runCli, type CliRun } from './run-cli';

let api: RunningApi & { swarm: FakeSwarm };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-audience-'));
  api = await startFakeApi();
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const env = () => ({ SWARM_API_URL: api.url, SWARM_STATE_DIR: folder });
const run = (...args: string[]): Promise<CliRun> => runCli(['audience', ...args], { env: env() });

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
/** A line of nginx, some seconds ago. */
const line = (secondsAgo: number, viewer: string, channel = 'ch-1'): string => {
  const [date = '', time = ''] = new Date(Date.now() - secondsAgo * 1_000).toISOString().split('T');
  const [year, month, day] = date.split('-');
  const at = `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
  return `10.0.0.1 - - [${at}] "GET /hls/${channel}/180p/1.ts?CMCD=sid%3D%22${viewer}%22 HTTP/1.1" 200 9 "-" "x"\n`;
};
const lines = (fromSecondsAgo: number, toSecondsAgo: number, viewers: readonly string[]): string => {
  let text = '';
  for (let ago = fromSecondsAgo; ago >= toSecondsAgo; ago -= 2)
    text += viewers.map((viewer) => line(ago, viewer)).join('');
  return text;
};

test('list: whom the origin sees', async () => {
  api.swarm.audience.viewers.push({ channelId: 'ch-1', rendition: '180p', region: 'eu', viewers: 12 });
  expect((await run('list')).stdout).toMatch(/ch-1 +180p +eu +12/);
  api.swarm.audience.viewers.length = 0;
  expect((await run('list')).stdout).toBe('Nobody watches at this origin.\n');
});

test('import: logs in any order, packed or not, become history; a dry run writes nothing', async () => {
  const [early, late] = [join(folder, 'a.log.gz'), join(folder, 'b.log')];
  await writeFile(early, gzipSync(lines(120, 61, ['one', 'two'])));
  await writeFile(
    late,
    `# a comment\nno request\n${lines(60, 30, ['one', 'two', 'three'])}${line(30, 'x', 'old')}`,
  );
  const dry = await run('import', late, early, '--dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('Nothing is written (--dry-run).');
  expect(api.swarm.imported).toEqual([]);

  const told = await run('import', late, early, '--networks', '10.0.0.0/8=eu', '--json');
  expect(told.code).toBe(0);
  expect(JSON.parse(told.stdout)).toMatchObject({
    unread: 2,
    tooOld: 0,
    channels: [{ id: 'ch-1', most: 3 }],
  });
  const viewers = api.swarm.imported.map((row) => [row.channelId, row.region, row.viewers]);
  expect(new Set(viewers.map((row) => row.join()))).toEqual(new Set(['ch-1,eu,2', 'ch-1,eu,3']));
});

test.each([
  ['a file that is not there', 'nosuch.log', 'can not be read'],
  ['a file without requests', 'empty.log', 'None of the 1 lines is a request'],
])('import: %s is refused', async (_name, file, cause) => {
  await writeFile(join(folder, 'empty.log'), 'nothing here\n');
  const told = await run('import', join(folder, file));
  expect(told.code).toBe(2);
  expect(told.stderr).toContain(cause);
});

test('wrong options are refused by name', async () => {
  const told = await run('import', 'x', '--networks', 'eu');
  expect(told).toMatchObject({ code: 2, stderr: expect.stringContaining('names no network and its region') });
  expect((await run('import', 'x', '--region', 'No!')).code).toBe(2);
});

test('follow: lines as they come, over a rotation, until it is interrupted', async () => {
  const file = join(folder, 'access.log');
  await writeFile(file, lines(300, 200, ['before']));
  const hook = join(__dirname, 'typescript-hook.cjs');
  const main = join(__dirname, '..', '..', 'src', 'cli', 'main.ts');
  const args = ['-r', hook, main, 'audience', 'follow', file, '--every', '1s'];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env() }, stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit');
  try {
    await until('it follows', () => said.includes('Counting viewers'));
    await appendFile(file, `no request\n${lines(60, 36, ['one', 'two'])}`);
    await until('two are counted', () => api.swarm.imported.some(({ viewers }) => viewers === 2));
    await rename(file, `${file}.1`);
    await writeFile(file, lines(34, 20, ['one', 'two', 'three']));
    await until('three are counted', () => api.swarm.imported.some(({ viewers }) => viewers === 3));
    expect(said).toContain('A line is no request');
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toEqual([0, null]);
  // What was there before it began is not counted again.
  expect(Math.max(...api.swarm.imported.map(({ viewers }) => viewers))).toBe(3);
});
