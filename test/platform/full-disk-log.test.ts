import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SmallDisk } from '../support/small-disk';
import { until } from '../support/until';

const root = resolve(__dirname, '..', '..');

/** A part as a process of its own whose standard streams go to a file on a small disk. */
let disk: SmallDisk | undefined;
let part: ChildProcess;
let file: string;

beforeEach(async () => {
  disk = SmallDisk.mount(256 * 1024);
  if (!disk) return;
  file = join(disk.path, 'part.log');
  const fd = openSync(file, 'a');
  part = fork(join(__dirname, 'logging-part.ts'), {
    execArgv: ['-r', join(root, 'test', 'origin', 'support', 'run-typescript.cjs')],
    stdio: ['ignore', fd, fd, 'ipc'],
    env: { ...process.env, SWARM_LOG_LEVEL: 'info' },
  });
  closeSync(fd);
  await once(part, 'message');
});
afterEach(() => {
  if (!disk) return;
  part.kill('SIGKILL');
  disk.unmount();
});

const ask = async (lines: number, text: string, thenThrow = false): Promise<void> => {
  part.send({ lines, text, thenThrow });
  await once(part, 'message');
};
interface LogRecord {
  msg: string;
  dropped?: number;
}
/** Whole lines: what went out in part before the disk was full is there as well. */
const records = (): LogRecord[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LogRecord];
      } catch {
        return [];
      }
    });

test('a part whose log is on a full disk works on, and tells afterwards how many lines were dropped', async () => {
  if (!disk) return;
  await ask(10, 'before');
  disk.fill();
  for (let i = 0; i < 5; i += 1) await ask(500, 'while it was full');
  disk.free();
  const told = () => records().find(({ dropped }) => dropped !== undefined);
  await until('the number is told', () => told() !== undefined);
  await ask(1, 'after');
  const messages = records().map(({ msg }) => msg);
  expect(messages.filter((msg) => msg === 'before')).toHaveLength(10);
  // What did not wait was dropped: each line is in one of the two.
  expect(messages.filter((msg) => msg === 'while it was full').length + told()!.dropped!).toBe(2_500);
  expect(messages.at(-1)).toBe('after');
});

test('SIGTERM is obeyed on a full disk', async () => {
  if (!disk) return;
  disk.fill();
  await ask(2_000, 'full');
  const ended = once(part, 'exit');
  part.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('an error that nobody caught ends the process on a full disk too', async () => {
  if (!disk) return;
  disk.fill();
  const ended = once(part, 'exit');
  await ask(2_000, 'full', true);
  expect(await ended).toEqual([1, null]);
});
