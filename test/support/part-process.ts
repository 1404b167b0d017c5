import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');

/** A part as a process of its own, run from the sources, with the same environment each time it is started. */
export class PartProcess {
  private child: ChildProcess | undefined;

  constructor(
    private readonly main: string,
    private readonly healthUrl: string,
    private readonly environment: NodeJS.ProcessEnv,
    /** A command that becomes the process, such as prlimit with its arguments. */
    private readonly by: readonly string[] = [],
  ) {}

  get pid(): number {
    return this.child!.pid!;
  }

  /** Starts the process and waits until it is healthy. */
  async start(): Promise<void> {
    const [command, ...args] = [...this.by, process.execPath, '-r', runner, join(root, 'src', this.main)];
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, SWARM_LOG_LEVEL: process.env.TEST_LOG ?? 'fatal', ...this.environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.child = child;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${this.main} ended with ${child.exitCode}.`);
      const healthy = await fetch(this.healthUrl).then(
        (answer) => answer.status === 200,
        () => false,
      );
      if (healthy) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the process and waits for it. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
