import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Crowd, CrowdReport } from './gathering';

const COMPILED = join(__dirname, 'main.js');
/** Beside this file when it is compiled itself, else (under jest) in dist/. */
const ENTRY = existsSync(COMPILED)
  ? COMPILED
  : resolve(__dirname, '..', '..', '..', 'dist', 'bench', 'overload', 'crowd', 'main.js');

/** A crowd in a process of its own: a session of its own too, so that the system weighs it as it weighs each part. */
export class CrowdProcess {
  private constructor(private readonly child: ChildProcess) {}

  /** Resolves once it has loaded; it does nothing before `go`. */
  static async start(crowd: Crowd): Promise<CrowdProcess> {
    const child = fork(ENTRY, [JSON.stringify(crowd)], { detached: true });
    const started = new CrowdProcess(child);
    await started.next();
    return started;
  }

  go(): void {
    this.child.send('go');
  }

  async end(): Promise<CrowdReport> {
    const report = this.next();
    this.child.send('end');
    return (await report) as CrowdReport;
  }

  /** Ends it whatever it does. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown): void => {
        this.child.off('exit', onExit);
        resolve(message);
      };
      const onExit = (code: number | null): void => {
        this.child.off('message', onMessage);
        reject(new Error(`the crowd ended with ${code}`));
      };
      this.child.once('message', onMessage).once('exit', onExit);
    });
  }
}
