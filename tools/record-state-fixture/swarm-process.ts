import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { useSecretsOf } from '../../src/launch/swarm-secrets';

const manifestSchema = z.looseObject({ scripts: z.looseObject({ start: z.string() }) });
const runRecordSchema = z.looseObject({
  parts: z.record(z.string(), z.looseObject({ pid: z.int().positive() })),
});

const START_LIMIT_MS = 70_000;
/** Printed once every channel is on air and every part answers. */
const STARTED = '  page ';

/** The built `npm start` of a release, as a process of its own. */
export class SwarmProcess {
  /** What it printed so far. */
  output = '';
  private isEnded = false;
  /** Exit status; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  private stopping: Promise<void> | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly stateDir: string,
    onOutput: (text: string) => void,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += String(chunk);
        onOutput(String(chunk));
      });
    }
    this.ended = once(child, 'close').then(([status]) => {
      this.isEnded = true;
      return status as number | null;
    });
  }

  /**
   * Starts the swarm of a release and waits until its channels are on air. From then on, this process may ask its parts
   * and its API.
   * @param release folder of the built release
   * @throws Error with the output where it does not come up
   */
  static async start(options: {
    release: string;
    stateDir: string;
    args: readonly string[];
    env: NodeJS.ProcessEnv;
    onOutput?: (text: string) => void;
  }): Promise<SwarmProcess> {
    const manifest = manifestSchema.parse(
      JSON.parse(await readFile(join(options.release, 'package.json'), 'utf8')),
    );
    const [, program] = /(?:^|&& exec )node (\S+)$/.exec(manifest.scripts.start) ?? [];
    if (!program) throw new Error(`"${manifest.scripts.start}" is no known way to start a release.`);
    const args = [program, ...options.args, '--state-dir', options.stateDir];
    const child = spawn(process.execPath, args, {
      cwd: options.release,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const swarm = new SwarmProcess(child, options.stateDir, options.onOutput ?? (() => undefined));
    const deadlineMs = Date.now() + START_LIMIT_MS;
    while (!swarm.output.includes(STARTED)) {
      if (swarm.isEnded || Date.now() > deadlineMs) {
        await swarm.stop().catch(() => undefined);
        throw new Error(`The swarm of ${options.release} did not start:\n${swarm.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await useSecretsOf(options.stateDir);
    return swarm;
  }

  /** Kills a part as a crash would. @param name such as "enc-1" */
  async kill(name: string): Promise<void> {
    const { parts } = runRecordSchema.parse(
      JSON.parse(await readFile(join(this.stateDir, 'run.json'), 'utf8')),
    );
    const part = parts[name];
    if (!part) throw new Error(`The run record names no ${name}.`);
    process.kill(part.pid, 'SIGKILL');
  }

  /** Ctrl-C. @throws Error where the swarm does not end well */
  stop(): Promise<void> {
    return (this.stopping ??= this.interrupt());
  }

  private async interrupt(): Promise<void> {
    if (!this.isEnded) this.child.kill('SIGINT');
    const status = await this.ended;
    if (status !== 0) throw new Error(`The swarm ended with ${status}.`);
  }
}
