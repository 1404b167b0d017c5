import { SwarmError } from '../../domain';
import { monotonicMs } from '../../platform/clock';
import { withinOrNull } from '../../platform/deadline';
import type { Logger } from '../../platform/logger';
import { pause } from '../../platform/retry';
import type { ContributionSpool } from './contribution-spool';
import { Delivery } from './delivery';
import type { GopNumberFile } from './gop-number-file';
import type { RelayLink } from './relay-link';
import { SendingSignal } from './sending-signal';
import { Stretch, type StretchEntry } from './stretch';

/** What has ended is kept so long for relays that have not had it. */
const KEPT_MS = 60_000;
const MOST_STRETCHES = 32;
/** How long other relays are waited for once one has answered: a relay that starts beside the source; one of a run before. */
const FIRST_RUN_PATIENCE_MS = 3_000;
const LATER_RUN_PATIENCE_MS = 1_000;
const ASK_AGAIN_MS = 100;
/** What is sent when the channel ends may still arrive. */
const LAST_WORDS_MS = 500;

/** Where a channel goes on, and what its last input's clock (33-bit) showed there; null: there was none, or nobody knows. */
export interface ResumePoint {
  nextGop: number;
  resumeSourceTicks: number | null;
}

export interface ChannelTimelineOptions {
  id: string;
  gopDurationTicks: number;
  relays: readonly RelayLink[];
  file: GopNumberFile;
  log: Logger;
}

/**
 * The GOPs of one channel, as the source numbers them, and their way to each relay. An input is begun here and ended; each
 * relay is sent what it lacks, at its own pace, so that none holds up another.
 */
export class ChannelTimeline {
  readonly sending = new SendingSignal();
  private readonly deliveries: Delivery[];
  /** Oldest first; the last one may go on. */
  private stretches: { stretch: Stretch; endedMs: number | null }[] = [];
  /** The last one of which a GOP is complete. */
  private lastComplete: Stretch | null = null;
  /** First GOP of what begins next; null: the relays have not been asked yet. */
  private next: number | null = null;
  private unwatch: () => void = () => undefined;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: ChannelTimelineOptions) {
    const { id, gopDurationTicks, relays, log } = options;
    this.deliveries = relays.map(
      (relay) => new Delivery({ id, gopDurationTicks, relay, relays, timeline: this, log }),
    );
  }

  get gopDurationTicks(): number {
    return this.options.gopDurationTicks;
  }

  /** Why no relay is being sent anything; undefined where one is, or none has failed. */
  get error(): string | undefined {
    if (this.deliveries.some(({ isSending }) => isSending)) return undefined;
    return this.deliveries.find(({ error }) => error !== undefined)?.error;
  }

  /** Where it goes on now; null before the relays were asked. */
  get here(): ResumePoint | null {
    this.look();
    const nextGop = this.current?.nextGop ?? this.next;
    if (nextGop === null) return null;
    return { nextGop, resumeSourceTicks: this.lastComplete?.sourceTicksAt(nextGop) ?? null };
  }

  /**
   * Where the next input goes on. The first time the relays are asked, as they may know what the last run has sent.
   * @throws SwarmError unavailable, timeout, conflict: what the last relay said, where none answers
   */
  async resume(signal: AbortSignal): Promise<ResumePoint> {
    this.next ??= await this.askRelays(signal);
    return this.here!;
  }

  /** An input goes on the air with a group of its spool, which may be still to come, in place of what is on the air. */
  begin(spool: ContributionSpool, group: number): void {
    this.end();
    this.beginAt(spool, group, this.next ?? 0);
  }

  /** What was on the air has ended: the GOP that is not complete is dropped. */
  end(): void {
    this.unwatch();
    this.unwatch = () => undefined;
    this.look();
    const { current } = this;
    if (!current) return;
    current.endHere();
    this.ended(current);
    this.sending.off();
    current.spool.nudge();
  }

  /** With what to begin, so that a relay gets its next GOP; null: there is nothing for it yet. */
  entryFor(gop: number): StretchEntry | null {
    this.look();
    for (const { stretch } of this.stretches) {
      if (stretch.end && stretch.nextGop <= gop) continue;
      const entry = stretch.entryFor(Math.max(gop, stretch.fromGop));
      if (entry) return entry;
    }
    return null;
  }

  /** A relay has given numbers that this source does not know of: none of them is given again. */
  heard(nextGop: number): void {
    const { here, current } = this;
    if (!here || nextGop <= here.nextGop) return;
    const { id, log } = this.options;
    log.warn({ channel: id, nextGop, instead: here.nextGop }, 'a relay is ahead: GOP numbers are left out');
    this.end();
    this.next = nextGop;
    if (!current) return;
    const { spool } = current;
    this.beginAt(spool, spool.newest + (spool.isEmpty ? 0 : 1), nextGop);
  }

  noteSending(stretch: Stretch): void {
    if (stretch === this.current) this.sending.on();
  }

  /** Settles once something may have changed for a relay that waits. */
  untilChanged(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }

  /** Ends all that is sent; relays may still get what was. */
  async close(): Promise<void> {
    this.end();
    await Promise.all(this.deliveries.map((delivery) => delivery.stop(LAST_WORDS_MS)));
    await this.options.file.settled();
  }

  private get current(): Stretch | null {
    const last = this.stretches.at(-1);
    return last && !last.stretch.end ? last.stretch : null;
  }

  private beginAt(spool: ContributionSpool, group: number, fromGop: number): void {
    const stretch = new Stretch(spool, group, fromGop, this.gopDurationTicks);
    this.stretches.push({ stretch, endedMs: null });
    this.prune();
    this.unwatch();
    this.unwatch = spool.watch(() => this.changed());
    this.changed();
  }

  /** Takes note of what has come; what follows a jump of the clock is a stretch of its own. */
  private look(): void {
    for (let stretch = this.current; stretch; stretch = this.current) {
      const before = stretch.nextGop;
      stretch.advance();
      if (stretch.nextGop > before) {
        this.lastComplete = stretch;
        this.options.file.note(stretch.nextGop);
      }
      if (!stretch.end || stretch.jumpedToGroup === null) break;
      this.ended(stretch);
      const { id, log } = this.options;
      log.info({ channel: id, nextGop: stretch.nextGop }, 'the clock of the input jumps');
      const follower = new Stretch(
        stretch.spool,
        stretch.jumpedToGroup,
        stretch.nextGop,
        this.gopDurationTicks,
      );
      this.stretches.push({ stretch: follower, endedMs: null });
    }
  }

  private changed(): void {
    this.look();
    for (const wake of [...this.waiting]) wake();
  }

  private ended(stretch: Stretch): void {
    this.next = stretch.nextGop;
    for (const kept of this.stretches) if (kept.stretch === stretch) kept.endedMs = monotonicMs();
  }

  /** Lets go of what no relay needs any more. */
  private prune(): void {
    const nowMs = monotonicMs();
    const reached = Math.min(...this.deliveries.map((delivery) => delivery.reachedGop));
    this.stretches = this.stretches
      .filter(({ stretch, endedMs }) => {
        if (endedMs === null) return true;
        return stretch.nextGop > reached && stretch.nextGop > stretch.fromGop && nowMs - endedMs < KEPT_MS;
      })
      .slice(-MOST_STRETCHES);
  }

  private async askRelays(signal: AbortSignal): Promise<number> {
    const { id, gopDurationTicks, relays, file } = this.options;
    const recorded = await file.load();
    const answers = new Map<RelayLink, number>();
    const beganMs = monotonicMs();
    const patienceMs = recorded === null ? FIRST_RUN_PATIENCE_MS : LATER_RUN_PATIENCE_MS;
    let failure: unknown;
    const ask = async (relay: RelayLink): Promise<void> => {
      try {
        answers.set(relay, (await relay.addChannel(id, gopDurationTicks, signal)).nextGop);
      } catch (error) {
        failure = error;
      }
    };
    for (;;) {
      const leftMs = beganMs + patienceMs - monotonicMs();
      const asked = Promise.all(relays.filter((relay) => !answers.has(relay)).map(ask));
      // One that has stopped answers nothing, nor does it refuse.
      if (relays.length > 1) await withinOrNull(Math.max(0, leftMs), asked);
      if (answers.size === 0) await asked;
      if (signal.aborted) throw new SwarmError('unavailable', `${id} is stopping.`);
      const isOver = relays.length === 1 || monotonicMs() - beganMs >= patienceMs;
      if (isOver && answers.size === 0) throw failure;
      if (isOver || answers.size === relays.length) break;
      await pause(ASK_AGAIN_MS, signal);
    }
    return firstGopOf([...answers.values()], relays.length, recorded);
  }
}

/**
 * The first number that may be given. All relays know best, as the last GOP that was noted may never have reached one; unless
 * they have lost what they knew. Where one of them does not answer, it may have had all that was noted.
 */
export const firstGopOf = (answers: readonly number[], relays: number, recorded: number | null): number => {
  const known = Math.max(...answers);
  const hasAll = answers.length === relays && known >= (recorded ?? 0) - 1;
  return hasAll ? known : Math.max(known, recorded ?? 0);
};
