import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backUp, restore } from '../../src/backup';
import { identityOf } from '../../src/platform/processes/process-identity';
import { untilAnswer } from '../support/until';

/** Counts on in two files, the first one first; both are so large that a copy of one of them takes a while. */
const WRITER = `
  const { appendFileSync } = require('node:fs');
  for (const file of process.argv.slice(1)) appendFileSync(file, 'x'.repeat(32 * 2 ** 20) + '\\n');
  for (let n = 1; ; n += 1) for (const file of process.argv.slice(1)) appendFileSync(file, n + '\\n');
`;

const children: ChildProcess[] = [];
const start = async (program: string, args: string[]): Promise<ChildProcess> => {
  const child = spawn(program, args, { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child;
};

let work: string;
let stateDir: string;
let file: string;
let writer: ChildProcess;
let supervisor: ChildProcess;

const newestIn = (folder: string, name: string): number => {
  const end = readFileSync(join(folder, name)).subarray(-64).toString().split('\n');
  return Number(end.at(-2));
};
const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0]!;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'encoder-swarm-running-'));
  stateDir = join(work, 'state');
  file = join(work, 'safe.tar.gz');
  await mkdir(join(stateDir, 'origin', 'ch-1', 'gops'), { recursive: true });
  await writeFile(join(stateDir, 'format.json'), '{"format":1}\n');
  await writeFile(join(stateDir, 'origin', 'ch-1', 'gops', '1.ts'), 'segment');
  supervisor = await start('sleep', ['60']);
  writer = await start(process.execPath, ['-e', WRITER, join(stateDir, 'first'), join(stateDir, 'second')]);
  const record = { supervisor: identityOf(supervisor.pid!), parts: { writer: identityOf(writer.pid!) } };
  await writeFile(join(stateDir, 'run.json'), JSON.stringify(record));
  const counts = (): number => (existsSync(join(stateDir, 'second')) ? newestIn(stateDir, 'second') : NaN);
  await untilAnswer('it counts', counts, (count) => count > 0);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await rm(work, { recursive: true, force: true });
});

test('what a swarm writes while it is backed up is of one moment, and it goes on', async () => {
  const segment = join(stateDir, 'origin', 'ch-1', 'gops', '1.ts');
  const taken = await backUp({ stateDir, file, release: '0.1.0' });
  expect(taken.stoodStillMs).toBeGreaterThan(0);
  expect((await stat(segment)).nlink).toBe(1);
  // Nothing of the copy is left.
  expect(readdirSync(join(stateDir, '.backup'))).toEqual(['.lock']);
  const restored = join(work, 'restored');
  await restore({ stateDir: restored, file });
  const [first, second] = [newestIn(restored, 'first'), newestIn(restored, 'second')];
  expect(first - second).toBeGreaterThanOrEqual(0);
  expect(first - second).toBeLessThanOrEqual(1);
  expect(await readFile(join(restored, 'origin', 'ch-1', 'gops', '1.ts'), 'utf8')).toBe('segment');
  expect(readdirSync(restored)).not.toContain('.backup');
  const now = (): number => newestIn(stateDir, 'first');
  await untilAnswer('it counts on', now, (count) => count > first + 1_000);
  expect(stateOf(supervisor.pid!)).toBe('S');
}, 60_000);

test('a copy that can not be made is refused, and what stood still goes on', async () => {
  // A folder where a file is to be copied to: nobody else has this name.
  await rm(join(stateDir, 'format.json'));
  await mkdir(join(stateDir, 'format.json'));
  await expect(backUp({ stateDir, file, release: '0.1.0' })).rejects.toThrow();
  expect(existsSync(file)).toBe(false);
  const count = newestIn(stateDir, 'first');
  await untilAnswer(
    'it counts on',
    () => newestIn(stateDir, 'first'),
    (now) => now > count + 1_000,
  );
  expect(readdirSync(join(stateDir, '.backup'))).toEqual(['.lock']);
});
