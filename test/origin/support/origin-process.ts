import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../support/ports';
import { suspend } from '../../support/suspend';
import { OriginClient } from './origin-client';

const root = join(__dirname, '..', '..', '..');

/** An origin as a process of its own, on the same port and state directory each time it is started. */
export class OriginProcess {
  private child: ChildProcess | undefined;

  private constructor(
    readonly client: OriginClient,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  static async create(
    stateDir: string,
    relayUrl: string,
    more: NodeJS.ProcessEnv = {},
  ): Promise<OriginProcess> {
    const port = Number(more.SWARM_ORIGIN_PORT ?? (await freePort()));
    return new OriginProcess(new OriginClient(`http://127.0.0.1:${port}`), {
      ...process.env,
      SWARM_STATE_DIR: stateDir,
      SWARM_ORIGIN_PORT: String(port),
      SWARM_RELAY_URL: relayUrl,
      SWARM_LOG_LEVEL: 'warn',
      ...more,
    });
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** Starts the process and waits until it is healthy. */
  async start(): Promise<void> {
    const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');
    const main = join(root, 'src', 'media', 'origin', 'main.ts');
    const child = spawn(process.execPath, ['-r', runner, main], {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.child = child;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The origin ended with ${child.exitCode}.`);
      const healthy = await this.client.call('GET', '/healthz').then(
        (answer) => answer.status === 200,
        () => false,
      );
      if (healthy) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Stops the process (SIGSTOP). */
  async suspend(): Promise<void> {
    await suspend(this.child!.pid!);
  }

  /** Sends a signal to the process, if it runs. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends the process. @returns its exit code, or null if it died of the signal */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    if (!child) return null;
    this.child = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }
}
