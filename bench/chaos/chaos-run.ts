import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MovesWatch, moveInWords } from '../../src/acceptance/moves-watch';
import { OriginClient } from '../../src/contracts/origin';
import type { RunningSwarm } from '../../src/launch/swarm';
import { retried } from '../../src/platform/retry';
import { connectTemporal } from '../../src/temporal/client';
import { auditFence } from '../lib/fence-audit';
import type { Continuity } from './continuity';
import { measureKills } from './detection';
import type { Fault } from './faults';
import { judgeGaps, type DeclaredGap } from './gaps';
import type { InjectedFault, Injector } from './injector';
import type { Done } from './progress';
import type { ChaosFacts } from './result';
import { sabotage, type Sabotage } from './sabotage';
import { countSagas, type SagaCounts } from './sagas';
import type { Timeline } from './timeline';
import { noticedLosses, Watcher } from './watcher';
import { Workload } from './workload';

const MOVES_EVERY_MS = 2_000;
const CHECK_EVERY_MS = 60_000;
const STOP_POLL_MS = 250;
const AUDIT_PATIENCE_MS = 20_000;
/** Time that the swarm has, once all faults have ended, until all is on air and every saga is over. */
const CALM_WITHIN_MS = 120_000;
/** Part of the run after which it is sabotaged, if at all. */
const SABOTAGE_AT = 0.5;

export interface ChaosRunOptions {
  swarm: RunningSwarm;
  injector: Injector;
  continuity: Continuity;
  plan: readonly Fault[];
  lastsMs: number;
  seed: number;
  gopMs: number;
  title: string;
  sabotage: Sabotage | null;
  signal: AbortSignal;
  say: (line: string) => void;
  onProgress: (done: Done) => void;
}

type Found = Pick<
  ChaosFacts,
  | 'gaps'
  | 'fenceFaults'
  | 'sagas'
  | 'kills'
  | 'channelsOffAir'
  | 'staleTokensRefused'
  | 'publishDelaysMs'
  | 'troubles'
>;

/** Faults, workload and checks side by side on a running swarm, and what came of it. */
export class ChaosRun {
  readonly notes: { atMs: number; text: string }[] = [];
  private readonly watcher: Watcher;
  private readonly moves: MovesWatch;
  private readonly kills: { fault: InjectedFault; channels: string[] }[] = [];
  private readonly fenceFaults: string[] = [];
  private readonly gone = new Set<string>();
  private readonly troubles: string[] = [];
  private beganAtMs = Date.now();
  private endedAtMs = Date.now();
  private staleTokensRefused = 0;

  constructor(private readonly options: ChaosRunOptions) {
    const { SWARM_ORIGIN_URL, SWARM_RELAY_URL, SWARM_API_URL } = options.swarm.environment;
    // A check under way ends with its process.
    options.signal.addEventListener('abort', () => void options.continuity.stop(), { once: true });
    this.watcher = new Watcher({ originUrl: SWARM_ORIGIN_URL, relayUrl: SWARM_RELAY_URL });
    this.moves = new MovesWatch({
      apiUrl: SWARM_API_URL,
      sinceMs: Date.now() - 600_000,
      everyMs: MOVES_EVERY_MS,
      onEnded: (move) => options.say(moveInWords(move)),
    });
  }

  /** Something that belongs into the timeline. */
  note(text: string): void {
    this.notes.push({ atMs: Date.now(), text });
    this.options.say(text);
  }

  /** Called for each fault that begins: who owned what shows later how a loss was answered. */
  faultBegan(fault: InjectedFault): void {
    if (fault.kind !== 'kill encoder') return;
    const channels = this.watcher.channels.filter((c) => c.owner?.encoderId === fault.part).map((c) => c.id);
    if (channels.length > 0) this.kills.push({ fault, channels });
  }

  /** Runs to the end of the plan, or until aborted; all faults have ended then. */
  async perform(): Promise<void> {
    const { swarm, continuity, injector, plan, lastsMs, seed, signal } = this.options;
    this.beganAtMs = Date.now();
    this.watcher.start();
    this.moves.start();
    for (const { id } of swarm.channels) continuity.add(id, 0);
    const workloadEnd = new AbortController();
    const end = AbortSignal.any([signal, workloadEnd.signal]);
    const workload = new Workload({
      apiUrl: swarm.environment.SWARM_API_URL,
      channelIds: swarm.channels.map((c) => c.id),
      seed,
      interrupted: signal,
      events: {
        say: (text) => this.note(text),
        onAdded: (id) => continuity.add(id, 0),
        beforeRemoval: (id) => this.lastLookAt(id),
        onRemoved: (id) => this.gone.add(id),
      },
    }).run(end);
    const checking = this.checkNowAndThen(end);
    const progress = setInterval(() => this.tell(), 1_000);
    try {
      await this.sabotaged(end);
      for (const fault of plan) {
        await this.until(fault.atMs);
        if (signal.aborted) break;
        await injector.begin(fault);
      }
      await this.until(lastsMs);
    } finally {
      clearInterval(progress);
      workloadEnd.abort();
      await injector.endAll();
      await Promise.all([workload, checking]);
      if (signal.aborted) await Promise.all([this.watcher.stop(), this.moves.stop()]);
    }
  }

  /** Waits until the swarm has recovered, and looks at what it has done. */
  async conclude(): Promise<Found> {
    const { swarm, continuity, gopMs, injector } = this.options;
    const { environment } = swarm;
    const sagas = await this.calm();
    const channelsOffAir = await this.offAir();
    await Promise.all([this.watcher.stop(), this.moves.stop()]);
    await this.watcher.poll();
    await this.moves.read();
    this.endedAtMs = Date.now();
    this.options.say('checking the last frames from outside ...');
    await continuity.check(undefined, true);
    this.options.signal.throwIfAborted();
    for (const { id, refusals } of this.watcher.channels) {
      this.staleTokensRefused += refusals['stale-token'] ?? 0;
      await this.audit(id);
    }
    const noticed = await noticedLosses(join(environment.SWARM_STATE_DIR, 'logs', 'collector.log'));
    const faults = injector.injected;
    const jumps = faults.filter((fault) => fault.kind === 'clock origin' && fault.skipped === null);
    return {
      gaps: this.gaps(),
      fenceFaults: [...this.fenceFaults, ...this.watcher.changedEntries],
      sagas,
      kills: measureKills({ kills: this.kills, faults, noticed, ledgers: this.watcher.ledgers, gopMs }),
      channelsOffAir,
      staleTokensRefused: this.staleTokensRefused,
      // While the clock of the origin is set, its delays mean nothing.
      publishDelaysMs: [...this.watcher.ledgers.values()].flat().flatMap((entry) => {
        const isJumped = jumps.some(
          (jump) =>
            entry.seenAtMs >= jump.beganAtMs && entry.seenAtMs <= (jump.endedAtMs ?? Infinity) + 2_000,
        );
        return entry.gapReason !== undefined || isJumped ? [] : (entry.delayMs ?? []);
      }),
      troubles: this.troubles,
    };
  }

  async timeline(): Promise<Timeline> {
    const { swarm, title, gopMs, injector } = this.options;
    const { SWARM_STATE_DIR } = swarm.environment;
    return {
      beganAtMs: this.beganAtMs,
      endedAtMs: this.endedAtMs,
      title,
      gopMs,
      faults: injector.injected,
      moves: this.moves.moves(),
      ledgers: this.watcher.ledgers,
      gaps: this.gaps(),
      noticed: await noticedLosses(join(SWARM_STATE_DIR, 'logs', 'collector.log')),
      notes: this.notes,
    };
  }

  private gaps(): DeclaredGap[] {
    const { swarm, gopMs } = this.options;
    const ringGops = (swarm.environment.SWARM_RING_SECONDS * 1_000) / gopMs;
    return [...this.watcher.ledgers].flatMap(([channelId, entries]) =>
      judgeGaps({ channelId, entries, edges: this.watcher.edges.get(channelId) ?? [], ringGops }),
    );
  }

  /** Everything of a channel is checked while it is still there. */
  private async lastLookAt(channelId: string): Promise<void> {
    await this.watcher.poll();
    await this.audit(channelId);
    const { refusals } = this.watcher.channels.find((c) => c.id === channelId) ?? {};
    this.staleTokensRefused += refusals?.['stale-token'] ?? 0;
    // An origin that is away at this moment is waited for: what is removed can't be checked later.
    const deadline = Date.now() + CALM_WITHIN_MS;
    const seen = this.watcher.ledgers.get(channelId)?.at(-1)?.gop ?? -1;
    const isOver = (): boolean => Date.now() > deadline || this.options.signal.aborted;
    while ((this.options.continuity.nextGopOf(channelId) ?? Infinity) <= seen && !isOver()) {
      await this.options.continuity.check([channelId]);
      await sleep(STOP_POLL_MS);
    }
    this.options.continuity.forget(channelId, seen);
  }

  private async audit(channelId: string): Promise<void> {
    // An origin that is away at this moment starts again.
    const compare = (): Promise<void> => this.watcher.compareAll(channelId);
    const patience = { firstMs: STOP_POLL_MS, longestMs: 1_000, patienceMs: AUDIT_PATIENCE_MS };
    await retried(compare, { ...patience, signal: this.options.signal }).catch((error: unknown) => {
      this.troubles.push(`the ledger of ${channelId} could not be read again: ${(error as Error).message}`);
    });
    this.fenceFaults.push(...auditFence(channelId, this.watcher.ledgers.get(channelId) ?? []));
  }

  private async checkNowAndThen(end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      await sleep(CHECK_EVERY_MS, undefined, { signal: end }).catch(() => undefined);
      if (!end.aborted) await this.options.continuity.check();
    }
  }

  private async sabotaged(end: AbortSignal): Promise<void> {
    const { sabotage: kind, swarm, lastsMs } = this.options;
    if (!kind) return;
    void this.until(lastsMs * SABOTAGE_AT, end).then(async () => {
      const { id } = swarm.channels[0]!;
      const { nextGop } = this.watcher.channels.find((c) => c.id === id)!;
      const { SWARM_ORIGIN_URL: originUrl, SWARM_STATE_DIR: stateDir } = swarm.environment;
      try {
        this.note(await sabotage(kind, { originUrl, stateDir, channelId: id, gop: nextGop - 2 }));
      } catch (error) {
        this.note(`SABOTAGE failed: ${(error as Error).message}`);
      }
    });
  }

  /** Until this time after the beginning, or aborted. */
  private async until(atMs: number, signal = this.options.signal): Promise<void> {
    const waitMs = this.beganAtMs + atMs - Date.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }

  private tell(): void {
    const { injector, continuity, onProgress } = this.options;
    onProgress({
      faults: injector.injected.filter((fault) => fault.skipped === null).length,
      moves: this.moves.moves().length,
      framesChecked: continuity.totals.framesChecked,
      elapsedMs: Date.now() - this.beganAtMs,
    });
  }

  /** Waits for every saga to end. @returns all of them */
  private async calm(): Promise<SagaCounts> {
    const { environment } = this.options.swarm;
    const deadline = Date.now() + CALM_WITHIN_MS;
    this.options.say('all faults have ended; waiting until every saga is over ...');
    for (;;) {
      try {
        const temporal = await connectTemporal(environment);
        try {
          const sagas = await countSagas(temporal.client);
          if (sagas.running === 0 || Date.now() > deadline) return sagas;
        } finally {
          await temporal.close();
        }
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await sleep(1_000, undefined, { signal: this.options.signal });
    }
  }

  /** Channels that do not publish two GOPs more within the time limit. */
  private async offAir(): Promise<string[]> {
    const { SWARM_ORIGIN_URL } = this.options.swarm.environment;
    const deadline = Date.now() + CALM_WITHIN_MS;
    const read = (): Promise<{ id: string; nextGop: number }[]> =>
      new OriginClient(SWARM_ORIGIN_URL).channels().catch(() => []);
    const wanted = new Map<string, number>();
    for (;;) {
      const now = await read();
      for (const { id, nextGop } of now) if (!wanted.has(id)) wanted.set(id, nextGop + 2);
      const off = this.options.swarm.channels
        .map(({ id }) => id)
        .filter((id) => {
          const channel = now.find((c) => c.id === id);
          return !channel || channel.nextGop < (wanted.get(id) ?? Infinity);
        });
      if (off.length === 0 || Date.now() > deadline) return off;
      await sleep(500, undefined, { signal: this.options.signal });
    }
  }
}
