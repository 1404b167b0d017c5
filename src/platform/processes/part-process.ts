import { spawn, type ChildProcess } from 'node:child_process';
import { SwarmError } from '../../domain';
import { monotonicMs } from '../clock';
import { Deadline } from '../deadline';
import { DEFAULT_LOG_BYTES, PartLog, lastWordsIn } from './part-log';
import { signalGroup } from './process-identity';

export type PartState = 'starting' | 'running' | 'restarting' | 'stopped';

/** Something that people should know: a part ended by itself, or works again. */
export interface PartEvent {
  part: string;
  kind: 'crashed' | 'recovered';
  text: string;
}

export interface PartOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Folder that it runs in; absent: that of this process. */
  cwd?: string;
  logFile: string;
  /** Size at which the log is put aside; default DEFAULT_LOG_BYTES. */
  logMaxBytes?: number;
  /** Resolves once the part can work; rejects when that can't be found out. Aborted when the process ends. */
  awaitReady: (signal: AbortSignal) => Promise<void>;
  readyLimitMs: number;
  /** After SIGTERM, so long until SIGKILL. */
  stopLimitMs: number;
  /** Pause before restart number `restarts` (1 is the first). */
  restartDelayMs: (restarts: number) => number;
  onEvent: (event: PartEvent) => void;
  onSpawned: (name: string, pid: number) => void;
  onEnded: (name: string) => void;
}

/** What a test rig puts between the parts of a swarm; a swarm in earnest has none. */
export interface PartRig {
  /** Variables that a part gets in addition to those of all parts, or instead of them. @param port of an encoder host */
  variablesOf(part: string, port?: number): NodeJS.ProcessEnv;
  /** Where the other parts reach the encoder host that listens on a port. */
  encoderAddressOf(port: number): string;
}

/** Half a second, doubled up to 10 s. */
export const growingDelayMs = (restarts: number): number => Math.min(10_000, 500 * 2 ** (restarts - 1));

/** How often a log is looked at for its size. */
const LOG_LOOK_MS = 1_000;

/** A part that ran for so long before it ended begins with the shortest restart delay again. */
const STEADY_AFTER_MS = 60_000;

/**
 * One process of the swarm: started in a process group of its own (so that the terminal's Ctrl-C reaches only
 * the supervisor), logged to a file, restarted when it ends by itself, and stopped with all that it started.
 */
export class PartProcess {
  state: PartState = 'stopped';
  restarts = 0;
  /** Wall clock. */
  startedAtMs = 0;
  private startedMonotonicMs = 0;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private restartTimer: NodeJS.Timeout | null = null;
  private crashesInARow = 0;
  private wanted = false;
  /** Why it was stopped in order to be restarted. */
  private renewal: string | null = null;

  constructor(private readonly options: PartOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** Process id, or null while none runs. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /**
   * Starts the process and waits until it can work.
   * @throws SwarmError unavailable when it ends before, or is not ready in time
   */
  async start(): Promise<void> {
    this.wanted = true;
    this.state = 'starting';
    try {
      await this.spawnAndAwaitReady();
      this.state = 'running';
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** SIGTERM, SIGKILL after the limit; resolves when the process and all that it started are gone. */
  async stop(): Promise<void> {
    this.wanted = false;
    this.state = 'stopped';
    if (this.restartTimer) clearTimeout(this.restartTimer);
    const pid = this.pid;
    if (pid === null) return;
    this.child?.kill('SIGTERM');
    const limit = setTimeout(() => signalGroup(pid, 'SIGKILL'), this.options.stopLimitMs);
    await this.ended;
    clearTimeout(limit);
  }

  /** Restarts the process, for a fault that nothing else repairs. Does nothing unless it runs. */
  renew(why: string): void {
    const { child } = this;
    if (this.state !== 'running' || child?.pid === undefined) return;
    const { pid } = child;
    this.renewal = why;
    child.kill('SIGTERM');
    const limit = setTimeout(() => signalGroup(pid, 'SIGKILL'), this.options.stopLimitMs);
    void this.ended.then(() => clearTimeout(limit));
  }

  /** Ends the process and all that it started at once; for a second Ctrl-C. Does not wait. */
  killNow(): void {
    this.wanted = false;
    this.state = 'stopped';
    if (this.restartTimer) clearTimeout(this.restartTimer);
    if (this.pid !== null) signalGroup(this.pid, 'SIGKILL');
  }

  private async spawnAndAwaitReady(): Promise<void> {
    const { name, command, args, env, cwd, logFile, logMaxBytes = DEFAULT_LOG_BYTES } = this.options;
    const { readyLimitMs } = this.options;
    const log = PartLog.open(logFile, logMaxBytes);
    const child = spawn(command, args, {
      ...{ env, cwd, detached: true },
      stdio: ['ignore', log.stdio, log.stdio],
    });
    const logLooks = setInterval(() => log.keepWithinBound(), LOG_LOOK_MS).unref();
    const lifetime = new AbortController();
    this.child = child;
    this.startedAtMs = Date.now();
    this.startedMonotonicMs = monotonicMs();
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
        clearInterval(logLooks);
        log.close();
        this.child = null;
        this.options.onEnded(name);
        lifetime.abort(new SwarmError('unavailable', `${name} ended with ${how}`));
        resolve();
        this.afterEnd(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (status, signal) => end(signal ?? `status ${status}`));
    });
    if (child.pid !== undefined) this.options.onSpawned(name, child.pid);
    const deadline = new Deadline(readyLimitMs, lifetime.signal);
    try {
      await this.options.awaitReady(deadline.signal);
    } catch (error) {
      const why = lifetime.signal.aborted
        ? (lifetime.signal.reason as Error).message
        : deadline.hasPassed
          ? `${name} was not ready within ${readyLimitMs / 1000} s`
          : (error as Error).message;
      const said = lastWordsIn(logFile);
      throw new SwarmError('unavailable', `${why}${said && `: ${said}`}.`, `See ${logFile}.`);
    } finally {
      deadline.end();
    }
  }

  private afterEnd(how: string): void {
    // While it starts for the first time, start() tells the caller.
    if (!this.wanted || this.state === 'starting') return;
    if (monotonicMs() - this.startedMonotonicMs > STEADY_AFTER_MS) this.crashesInARow = 0;
    // A renewal is no crash: it waits no longer for it.
    if (this.renewal === null) this.crashesInARow += 1;
    this.state = 'restarting';
    const delayMs = this.options.restartDelayMs(this.renewal === null ? this.crashesInARow : 1);
    const end = this.renewal === null ? `ended with ${how}` : `was ended, ${this.renewal}`;
    this.renewal = null;
    const text = `${this.name} ${end}; starts again in ${delayMs / 1000} s`;
    this.options.onEvent({ part: this.name, kind: 'crashed', text });
    this.restartTimer = setTimeout(() => void this.restart(), delayMs);
  }

  private async restart(): Promise<void> {
    this.restarts += 1;
    try {
      await this.spawnAndAwaitReady();
      if (!this.wanted) return;
      this.state = 'running';
      this.options.onEvent({ part: this.name, kind: 'recovered', text: `${this.name} works again` });
    } catch {
      // Ended by itself: afterEnd has planned the next try. Merely not ready: its end does.
      if (this.wanted && this.pid !== null) signalGroup(this.pid, 'SIGKILL');
    }
  }
}
