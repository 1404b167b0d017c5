import type { SourceChannel, SourceState } from '../../contracts/source';
import type { InputSwitch, InputSwitchRequest, StandbyInfo } from '../../contracts/source-standby';
import { BY_RULES, SwarmError, redacted, redactedInput, ticksOf } from '../../domain';
import { monotonicMs } from '../../platform/clock';
import type { Logger } from '../../platform/logger';
import { Backoff, pause } from '../../platform/retry';
import type { ChannelTimeline, ResumePoint } from './channel-timeline';
import { crossingTo, type Crossing } from './crossing';
import { toldState, type Feeder } from './feeder';
import type { HeldInput } from './held-input';
import type { InputLeg } from './input-leg';
import type { KeptWish, SourceChannelSpec } from './kept-channel';
import { chooseLeg, type Choice, type ChoiceRules } from './leg-choice';
import { PlannedSwitches } from './planned-switches';

const LOOK_MS = 50;
const RELAY_PAUSES = { firstMs: 50, longestMs: 1_000 };
/** An input that is preferred waits so long, at most, until it can go on without a picture missing. */
const WHOLE_PATIENCE_MS = 10_000;
/** Switches that are told of. */
const KEPT_SWITCHES = 20;

export interface StandbyFeederOptions {
  spec: SourceChannelSpec;
  /** In the order of preference, a slate last. Called once. */
  openLegs: (on: { onFrames: (name: string, count: number) => void; onChange: () => void }) => InputLeg[];
  rules: ChoiceRules;
  /** What an operator asked for before. */
  wish?: KeptWish | undefined;
  /** What is to go on air at a moment to come. */
  planned?: readonly KeptWish[] | undefined;
  timeline: Pick<ChannelTimeline, 'resume' | 'here' | 'begin' | 'end' | 'sending' | 'error'>;
  onStop: () => void;
  log: Logger;
}

/**
 * Puts one of several inputs of a channel on its timeline. All of them run, and keep what they have brought last. Another
 * one goes on air with a contribution of its own: relays drop the GOP that was open, and that GOP comes whole from the
 * other input.
 */
export class StandbyFeeder implements Feeder {
  readonly spec: SourceChannelSpec;
  wish: KeptWish | undefined;
  readonly planned: PlannedSwitches;
  private readonly legs: InputLeg[];
  private active: string | null = null;
  private onAirSinceMs = Date.now();
  private cause: string | undefined;
  private readonly switches: InputSwitch[] = [];
  /** Ends the contribution when another input is chosen. */
  private attempt = new AbortController();
  private wake: (() => void) | null = null;
  /** On whose clock the resume point is, and the contribution since. */
  private clock: HeldInput | null = null;
  private last: { held: HeldInput; fromGop: number } | null = null;
  private debtMs = 0;
  /** An input that waits for its moment, and since when. */
  private considered: { name: string; sinceMs: number } | null = null;
  private framesSent = 0;
  private startedAtMs = Date.now();
  private state: SourceState = 'opening';
  private error: string | undefined;
  private readonly beganMs = monotonicMs();
  private readonly stopping = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly done: Promise<void>;

  constructor(private readonly options: StandbyFeederOptions) {
    this.spec = options.spec;
    this.wish = options.wish;
    this.planned = new PlannedSwitches(options.planned);
    this.legs = options.openLegs({
      onFrames: (name, count) => {
        if (name === this.active) this.framesSent += count;
      },
      onChange: () => this.choose(),
    });
    this.timer = setInterval(() => this.choose(), LOOK_MS);
    this.done = this.run();
  }

  get info(): SourceChannel {
    const held = this.activeLeg?.held;
    const { state, error } = this;
    return {
      id: this.spec.id,
      input: redactedInput(this.spec.input),
      ...toldState({ state, error }, this.options.timeline),
      ...(held && { notes: held.notes, missing: held.missing }),
      framesSent: this.framesSent,
      startedAtMs: this.startedAtMs,
      standby: this.standbyInfo,
    };
  }

  untilSending(limitMs: number): Promise<boolean> {
    return this.options.timeline.sending.until(limitMs);
  }

  /**
   * Puts an input on air for as long as it is sound, or lets the rules choose again: now, or at a moment to come.
   * @throws SwarmError not-found; bad-request for a moment that is over, at-capacity-limit
   */
  switchTo({ input, requestedBy, atMs }: InputSwitchRequest): void {
    if (!this.has(input)) {
      const names = this.legs.map((leg) => leg.name).join(', ');
      throw new SwarmError('not-found', `${this.spec.id} has no input ${input}; it has ${names}.`);
    }
    const nowMs = Date.now();
    if (atMs !== undefined) this.planned.add({ input, requestedBy, atMs }, nowMs);
    else this.follow({ input, requestedBy, atMs: nowMs });
    this.choose();
  }

  private has(input: string): boolean {
    return input === BY_RULES || this.legs.some(({ name }) => name === input);
  }

  private follow(request: KeptWish): void {
    this.wish = request.input === BY_RULES ? undefined : request;
  }

  /** A planned switch that is due while the source is away is made when it is back. */
  private followPlan(): void {
    const due = this.planned.takeDue(Date.now());
    if (!due) return;
    const { log, spec } = this.options;
    log.info({ channel: spec.id, ...due }, 'a planned switch is due');
    if (this.has(due.input)) this.follow(due);
    else log.warn({ channel: spec.id, ...due }, 'a planned switch names an input that is no more');
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.attempt.abort();
    clearInterval(this.timer);
    this.options.onStop();
    this.wake?.();
    await Promise.all([this.done, ...this.legs.map((leg) => leg.stop())]);
  }

  private get activeLeg(): InputLeg | undefined {
    return this.legs.find(({ name }) => name === this.active);
  }

  private get standbyInfo(): StandbyInfo {
    return {
      onAir: this.active,
      sinceMs: this.onAirSinceMs,
      ...(this.cause !== undefined && { cause: this.cause }),
      ...(this.wish && { requested: { ...this.wish } }),
      inputs: this.legs.map((leg) => {
        const { name, isSound, soundForMs, whyAway } = leg.look();
        return {
          name,
          url: leg.url,
          isSound,
          soundForSeconds: soundForMs / 1_000,
          ...(!isSound && { why: whyAway }),
        };
      }),
      switches: [...this.switches],
      planned: this.planned.list,
    };
  }

  private choose(): void {
    if (this.stopping.signal.aborted) return;
    this.followPlan();
    const states = this.legs.map((leg) => leg.look());
    const { active, wish, options } = this;
    const waitedMs = monotonicMs() - this.beganMs;
    const choice = chooseLeg(states, { active, wanted: wish?.input ?? null, waitedMs }, options.rules);
    if (choice?.canWait) {
      this.consider(choice);
      return;
    }
    this.considered = null;
    if (choice) this.putOnAir(choice);
    // It was away and is back, and nothing else was there.
    else if (this.activeLeg) this.wake?.();
  }

  /** Puts another input on air as soon as it has all of the GOP with which it would begin. */
  private consider(choice: Choice): void {
    const leg = this.legs.find(({ name }) => name === choice.name);
    if (this.considered?.name !== choice.name)
      this.considered = { name: choice.name, sinceMs: monotonicMs() };
    const at = this.options.timeline.here;
    if (!at || !leg?.held) return;
    const isWhole = !this.crossing(leg.held, at).framesMissing;
    if (!isWhole && monotonicMs() - this.considered.sinceMs <= WHOLE_PATIENCE_MS) return;
    this.considered = null;
    this.putOnAir(choice);
  }

  private putOnAir(choice: Choice): void {
    const { active, wish, options } = this;
    const isAsked = wish?.input === choice.name;
    if (active !== null)
      this.switches.push({
        ...{ atMs: Date.now(), from: active, to: choice.name, cause: choice.cause },
        ...(isAsked && { requestedBy: wish.requestedBy }),
        ...{ gop: null, framesMissing: null },
      });
    this.switches.splice(0, this.switches.length - KEPT_SWITCHES);
    const { name, cause } = choice;
    options.log.info({ channel: this.spec.id, from: active, name, cause }, 'another input goes on air');
    this.active = choice.name;
    this.cause = active === null && choice.name === this.legs[0]?.name ? undefined : choice.cause;
    this.onAirSinceMs = Date.now();
    this.attempt.abort();
    this.wake?.();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { log, spec } = this.options;
    const backoff = new Backoff(RELAY_PAUSES);
    while (!signal.aborted) {
      const held = this.activeLeg?.held;
      if (!held || !held.canBeSent || !held.runs) {
        await this.untilChosen();
        continue;
      }
      this.attempt = new AbortController();
      try {
        await this.contribute(held);
        backoff.reset();
        if (!held.runs) this.state = 'ended';
      } catch (error) {
        if (signal.aborted) return;
        this.state = 'failed';
        this.error = redacted(error instanceof Error ? error.message : String(error));
        const pauseMs = backoff.nextMs();
        log.warn({ channel: spec.id, error: this.error, pauseMs }, 'contribution ended');
        await pause(pauseMs, signal);
      }
    }
  }

  /** Until something may have changed. */
  private async untilChosen(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.stopping.signal.aborted) this.wake();
    });
    this.wake = null;
  }

  /** One contribution of one input: until another one is chosen, or it ends. */
  private async contribute(held: HeldInput): Promise<void> {
    const { timeline } = this.options;
    const signal = AbortSignal.any([this.stopping.signal, this.attempt.signal]);
    const at = await timeline.resume(this.stopping.signal);
    if (signal.aborted) return;
    const crossing = this.crossing(held, at);
    timeline.begin(held.spool, crossing.group);
    this.noteBegun(held, at.nextGop, crossing);
    this.noteSending();
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    try {
      await Promise.race([held.ended.catch(() => undefined), aborted]);
    } finally {
      this.attempt.abort();
      timeline.end();
    }
  }

  private crossing(held: HeldInput, { nextGop, resumeSourceTicks }: ResumePoint): Crossing {
    // A GOP of the last contribution is complete: the clock is that of its input.
    if (this.last && nextGop > this.last.fromGop) this.clock = this.last.held;
    // Where another one was asked meanwhile, this one may have repeated pictures in place of what came there.
    if (this.clock === held && this.last?.held === held && resumeSourceTicks !== null)
      return { group: held.groupAt(resumeSourceTicks), framesMissing: 0, laterMs: 0 };
    return crossingTo(held, this.clock, resumeSourceTicks, {
      frameTicks: ticksOf(1, this.spec.framesPerSecond),
      debtMs: this.debtMs,
    });
  }

  private noteBegun(held: HeldInput, gop: number, { framesMissing, laterMs }: Crossing): void {
    this.last = { held, fromGop: gop };
    this.debtMs += laterMs;
    const latest = this.switches.at(-1);
    if (latest?.gop === null && latest.to === this.active) Object.assign(latest, { gop, framesMissing });
  }

  private noteSending(): void {
    this.state = 'running';
    this.error = undefined;
    this.startedAtMs = Date.now();
  }
}
