import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from '../support/until';
import { lives } from './stand-in-part';

const hook = join(__dirname, '../cli/typescript-hook.cjs');
const watch = join(__dirname, '../../src/platform/processes/parent-watch');

/** A shell, as npm has one, with a program below it that ends when its parent has ended. */
const startBelowShell = async (): Promise<{ shellPid: number; pid: number; ended: Promise<unknown> }> => {
  const program = `
    const { onParentEnd } = require('${watch}');
    onParentEnd(() => process.exit(0), 20);
    setInterval(() => {}, 1_000);
    console.log(process.pid);`;
  const shell = spawn('sh', ['-c', `"$0" -r "$1" -e "$2"; exit 0`, process.execPath, hook, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  return { shellPid: shell.pid!, pid: Number(line.toString()), ended: once(shell, 'exit') };
};

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a parent that is ended by %s takes its program along',
  async (signal) => {
    const { shellPid, pid, ended } = await startBelowShell();
    expect(lives(pid)).toBe(true);
    process.kill(shellPid, signal);
    await ended;
    await until('the program has ended', () => !lives(pid), 10_000);
  },
);
