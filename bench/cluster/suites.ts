import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childrenOf } from '../lib/kills';
import type { SuiteNews } from '../lib/told-parent';
import type { SuiteName } from './options';
import { frameCountsSchema, type SuiteRun } from './result';

const BENCHES = join(__dirname, '..');

/** Enough for two to three minutes of load on two cores. */
const HANDOFFS = 25;
const ENCODER_KILLS = 4;
const CHAOS_MINUTES = 2;

/** Arguments of each suite's bench. @param number of the suite, from 1: each has its own seed. Pure. */
export const argumentsOf = (
  name: SuiteName,
  options: { seed: number; portBase: number; reportDir: string },
): string[] => {
  const { seed, portBase, reportDir } = options;
  const own = {
    handoff: ['--handoffs', HANDOFFS, '--kills', ENCODER_KILLS],
    rollout: ['--encoders', 3, '--channels', 3, '--kills', 2],
    chaos: [
      ...['--minutes', CHAOS_MINUTES, '--channels', 3, '--encoders', 4, '--report', reportDir],
      // It is killed from here.
      ...['--without', 'kill temporal', '--without', 'stop temporal'],
    ],
  }[name];
  return [...own, '--seed', seed, '--port-base', portBase].map(String);
};

/** Workers of the swarm that a suite has started. */
const workersOf = (suitePid: number): number[] =>
  childrenOf(suitePid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join('src', 'worker', 'main.js'));
    } catch {
      return false;
    }
  });

/** A bench that runs on the cluster as a process of its own. */
export class Suite {
  readonly ended: Promise<unknown>;
  private readonly child: ChildProcess;
  private frames: SuiteRun['frames'] = null;
  private settled: Pick<SuiteRun, 'outcomes' | 'unresolved' | 'fenceFaults'> | null = null;
  private loadBeganAtMs: number | null = null;
  private loadMs = 0;

  constructor(
    private readonly options: {
      name: SuiteName;
      args: string[];
      env: NodeJS.ProcessEnv;
      say: (line: string) => void;
      onLoad: (begins: boolean) => void;
    },
  ) {
    const { name, args, env, say } = options;
    this.child = fork(join(BENCHES, name, 'main.js'), args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.read(line);
        if (line.trim() !== '') say(`    ${line}`);
      });
    }
    this.child.on('message', (news) => this.hear(news as SuiteNews));
    this.ended = once(this.child, 'close');
  }

  /** Ends the worker of its swarm with SIGKILL. @returns false while it does not run */
  killWorker(): boolean {
    const [worker] = this.child.pid === undefined ? [] : workersOf(this.child.pid);
    if (worker === undefined) return false;
    process.kill(worker, 'SIGKILL');
    return true;
  }

  /** As Ctrl-C does: it ends all that it has started. */
  interrupt(): void {
    this.child.kill('SIGINT');
  }

  outcome(): Omit<SuiteRun, 'kills'> {
    const { frames, settled, loadMs } = this;
    const none = { outcomes: {}, unresolved: ['the suite told nothing of its sagas'], fenceFaults: [] };
    return {
      ...{ name: this.options.name, ok: this.child.exitCode === 0, loadMs, frames },
      ...(settled ?? none),
    };
  }

  private hear(news: SuiteNews): void {
    if (news.kind === 'settled') {
      const { sagas, fenceFaults } = news;
      this.settled = { outcomes: sagas.outcomes, unresolved: sagas.unresolved, fenceFaults };
      return;
    }
    if (news.kind === 'load-begins') this.loadBeganAtMs = performance.now();
    else if (this.loadBeganAtMs !== null) {
      this.loadMs += performance.now() - this.loadBeganAtMs;
      this.loadBeganAtMs = null;
    } else return;
    this.options.onLoad(news.kind === 'load-begins');
  }

  private read(line: string): void {
    if (!line.startsWith('{')) return;
    try {
      const parsed = frameCountsSchema.safeParse(JSON.parse(line));
      if (parsed.success) this.frames = parsed.data;
    } catch {
      // Another line that begins so.
    }
  }
}
