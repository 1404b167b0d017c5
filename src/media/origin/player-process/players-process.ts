import { fork, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import type { Damage, MediaHealth, PlayerProcessHealth } from '../../../contracts/health';
import { SwarmError, errorFromBody, type ViewerCount } from '../../../domain';
import type { Logger } from '../../../platform/logger';
import { Backoff } from '../../../platform/retry';
import { PlayerFeed, type FollowedOrigin } from './feed';
import type { FromPlayers, ListenerOptions, ToPlayers } from './messages';

/** Program of the process, and how Node is to run it. */
export interface PlayersProgram {
  path: string;
  execArgv?: string[];
}

/** Beside this file, compiled or not. */
const ownProgram: PlayersProgram = { path: join(__dirname, `main${extname(__filename)}`) };

const READY_LIMIT_MS = 30_000;
/** It only closes connections. */
const STOP_LIMIT_MS = 1_500;
/** One that takes no news for so long does not answer players either: it is ended, and started again. */
const STUCK_MS = 30_000;
const LOOK_MS = 1_000;
const ANSWER_LIMIT_MS = 1_000;
const RESTART_PAUSES = { firstMs: 50, longestMs: 5_000 };
/** One that ran for so long before it ended is started again at once. */
const STEADY_MS = 10_000;

export interface PlayersProcessOptions {
  listener: ListenerOptions;
  program?: PlayersProgram | undefined;
  log: Logger;
}

/**
 * A process of an origin that answers players in its place, so that no crowd of them is served by the event loop, the threads
 * and the heap that GOPs are published with. It is started again when it ends, and ends with the origin.
 */
export class PlayersProcess {
  private child: ChildProcess | undefined;
  /** With the port that it was given. */
  private listener: ListenerOptions;
  private feed: PlayerFeed | undefined;
  private followed: { origin: FollowedOrigin; health: () => MediaHealth } | undefined;
  private listening = false;
  private stopping = false;
  private restarts = 0;
  private readonly backoff = new Backoff(RESTART_PAUSES);
  private startedAtMs = 0;
  private ended: Promise<void> = Promise.resolve();
  private again: NodeJS.Timeout | undefined;
  private looking: NodeJS.Timeout | undefined;
  private viewers: ViewerCount[] = [];
  private questions = 0;
  private readonly asked = new Map<number, () => void>();

  constructor(private readonly options: PlayersProcessOptions) {
    this.listener = options.listener;
  }

  /** Resolves once it listens; it refuses callers with `unavailable` until it was shown an origin. @throws SwarmError as `listen` */
  async start(): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Port on which it listens. */
  get port(): number {
    return this.listener.port;
  }

  get health(): PlayerProcessHealth {
    const { listening, child, restarts } = this;
    return { state: listening ? 'up' : 'starting', pid: child?.pid ?? null, restarts };
  }

  /** What an operator is told while players are not answered. */
  get damage(): Damage[] {
    if (this.listening) return [];
    const message = `The process that answers players on port ${this.port} has ended, and is being started again.`;
    return [{ what: 'its players', message, hint: 'What is published goes on; see the log of the origin.' }];
  }

  /** From now on it tells players of this origin. */
  show(origin: FollowedOrigin, health: () => MediaHealth): void {
    this.followed = { origin, health };
    if (this.listening) this.beginFeed();
  }

  /** Players may see something new of a channel. */
  follow(channelId: string): void {
    this.feed?.follow(channelId);
  }

  /** Who watches by what it was asked; what was known last where it does not answer at once. */
  async audience(): Promise<ViewerCount[]> {
    if (this.listening) {
      const question = (this.questions += 1);
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, ANSWER_LIMIT_MS);
        this.asked.set(question, () => {
          clearTimeout(limit);
          resolve();
        });
        this.send({ kind: 'audience', question });
      });
      this.asked.delete(question);
    }
    return this.viewers;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.again);
    clearInterval(this.looking);
    this.feed?.end();
    const { child } = this;
    if (!child) return;
    this.send({ kind: 'stop' });
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.ended;
    clearTimeout(limit);
  }

  private async begin(): Promise<void> {
    const { path, execArgv = process.execArgv } = this.options.program ?? ownProgram;
    // A session of its own: where the system divides the CPU among sessions, what players take is not taken from the
    // share of the origin. It needs no group to be ended with: it ends when the channel to it closes.
    const child = fork(path, [], {
      ...{ execArgv, serialization: 'advanced', detached: true },
      stdio: ['ignore', 1, 2, 'ipc'],
    });
    this.child = child;
    this.startedAtMs = performance.now();
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.child !== child) return;
        this.child = undefined;
        resolve();
        this.afterEnd(how);
      };
      child.once('exit', (status, signal) => end(signal ?? `status ${status}`));
      child.on('error', (error) => {
        if (child.pid === undefined) end(error.message);
      });
    });
    this.send({ kind: 'listen', options: this.listener });
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => {
        child.kill('SIGKILL');
        reject(notStarted(`was not ready within ${READY_LIMIT_MS / 1000} s`));
      }, READY_LIMIT_MS);
      child.on('message', (message: FromPlayers) => {
        if (message.kind === 'listening' || message.kind === 'failed') clearTimeout(limit);
        if (message.kind === 'listening') {
          this.listener = { ...this.listener, port: message.port };
          resolve();
        } else if (message.kind === 'failed')
          reject(errorFromBody(message.error) ?? notStarted('did not listen'));
        else this.take(message);
      });
      void this.ended.then(() => {
        clearTimeout(limit);
        reject(notStarted('ended'));
      });
    });
    this.listening = true;
    if (this.followed) this.beginFeed();
  }

  private beginFeed(): void {
    this.feed?.end();
    const { origin, health } = this.followed!;
    this.feed = new PlayerFeed(origin, health, (message) => this.send(message));
  }

  private take(message: FromPlayers): void {
    if (message.kind === 'taken') this.feed?.taken();
    if (message.kind !== 'audience') return;
    this.viewers = message.viewers;
    this.asked.get(message.question)?.();
  }

  /** One that has just ended hears nothing; afterEnd sees to that. */
  private send(message: ToPlayers): void {
    if (this.child?.connected) this.child.send(message, () => undefined);
  }

  private look(): void {
    if (!this.feed || this.feed.waitsMs < STUCK_MS) return;
    this.options.log.error(`the process for players has taken nothing for ${STUCK_MS / 1000} s`);
    this.child?.kill('SIGKILL');
  }

  private afterEnd(how: string): void {
    const wasListening = this.listening;
    this.listening = false;
    this.feed?.end();
    this.feed = undefined;
    for (const resolve of this.asked.values()) resolve();
    // While it starts for the first time, start() tells the caller.
    if (this.stopping || (!wasListening && this.restarts === 0)) return;
    if (performance.now() - this.startedAtMs > STEADY_MS) this.backoff.reset();
    const pauseMs = this.backoff.nextMs();
    this.options.log.error({ how, pauseMs }, 'the process for players has ended; it is started again');
    this.restarts += 1;
    this.again = setTimeout(() => {
      this.begin().then(
        () => this.options.log.info('players are answered again'),
        // It has ended, or does: afterEnd plans the next try.
        (error: unknown) => {
          this.options.log.warn({ err: error }, 'players are not answered yet');
          this.child?.kill('SIGKILL');
        },
      );
    }, pauseMs);
  }
}

const notStarted = (what: string): SwarmError =>
  new SwarmError('unavailable', `The process for players ${what}.`, 'See the log of the origin.');
