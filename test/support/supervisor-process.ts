import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { until } from './until';

const root = resolve(__dirname, '..', '..');
const START_LIMIT_MS = 60_000;

/** The built `npm start` as a process of its own, with what it printed so far. */
export class SupervisorProcess {
  output = '';
  readonly ended: Promise<number | null>;

  private constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.on('data', (chunk) => (this.output += String(chunk)));
    }
    this.ended = once(process, 'close').then(([status]) => status as number | null);
  }

  static start(args: readonly string[], env: NodeJS.ProcessEnv = {}): SupervisorProcess {
    const options = { cwd: root, env: { ...process.env, ...env } };
    return new SupervisorProcess(spawn(process.execPath, ['dist/src/cli/start.js', ...args], options));
  }

  /** Waits until it prints a text; `from`: only what came after so many characters counts. */
  async says(text: string, from = 0): Promise<void> {
    await until(`"${text}" in: ${this.output}`, () => this.output.includes(text, from), START_LIMIT_MS);
  }
}

/** Processes that the swarm of a state folder runs, by part, as its run record has them. */
export const partPids = async (stateDir: string): Promise<Record<string, number>> => {
  const { parts } = JSON.parse(await readFile(join(stateDir, 'run.json'), 'utf8')) as {
    parts: Record<string, { pid: number }>;
  };
  return Object.fromEntries(Object.entries(parts).map(([name, { pid }]) => [name, pid]));
};
