import type { SourceChannel, SourceState } from '../../contracts/source';
import { SwarmError, redacted, redactedInput } from '../../domain';
import type { Logger } from '../../platform/logger';
import { Backoff, pause, type RetryPauses } from '../../platform/retry';
import type { ChannelTimeline } from './channel-timeline';
import type { StartInput } from './contribution-inputs';
import type { DrawnInput } from './drawn-input';
import { spoolOf } from './drawn-spool';
import { toldState, type Feeder } from './feeder';
import { HeldInput } from './held-input';
import type { SourceChannelSpec } from './kept-channel';

/** First and longest pause before the next try: where it failed for a reason of our own, and with an input that failed or ended. */
const RELAY_PAUSES = { firstMs: 100, longestMs: 1_000 };
const WAITING_PAUSES = { firstMs: 50, longestMs: 1_000 };
const INPUT_PAUSES = { firstMs: 1_000, longestMs: 30_000 };
/** A contribution that lasted this long was sound: the next pause is the first one again. */
const SOUND_AFTER_MS = 10_000;
/** An input that brings nothing for this long is given up and opened anew; the first bytes of a slow one take longer. */
const SILENCE_LIMIT_MS = 15_000;
const OPENING_LIMIT_MS = 30_000;

export interface ChannelFeederOptions {
  spec: SourceChannelSpec;
  startInput: StartInput;
  timeline: ChannelTimeline;
  ffmpeg: string;
  /** Of an input that waits for its sender: it is waited for again at once. A pipe may take the place of a file. */
  waits: () => Promise<boolean>;
  /** What of a live input may be held now: a share of the part's budget. */
  heldBytes: () => number;
  /** Called when it is stopped. */
  onStop(): void;
  log: Logger;
}

/** Opens one channel's input and puts it on the channel's timeline, again and again until stopped. */
export class ChannelFeeder implements Feeder {
  readonly spec: SourceChannelSpec;
  private state: SourceState;
  private error: string | undefined;
  private framesSent = 0;
  private startedAtMs = Date.now();
  /** The input was opened, and has brought nothing since. */
  private openedInVain = false;
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;
  /** One that is drawn anew for each contribution, or one that runs on from one to the next. */
  private input: DrawnInput | HeldInput | null = null;

  constructor(private readonly options: ChannelFeederOptions) {
    this.spec = options.spec;
    this.state = options.spec.input.kind === 'url' ? 'opening' : 'running';
    this.done = this.run();
  }

  get info(): SourceChannel {
    const { state, error } = this;
    return {
      id: this.spec.id,
      input: redactedInput(this.spec.input),
      ...toldState({ state, error }, this.options.timeline),
      ...(this.input instanceof HeldInput && { notes: this.input.notes, missing: this.input.missing }),
      framesSent: this.framesSent,
      startedAtMs: this.startedAtMs,
    };
  }

  untilSending(limitMs: number): Promise<boolean> {
    return this.options.timeline.sending.until(limitMs);
  }

  /** Ends the contribution and its ffmpeg. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.options.onStop();
    await this.done;
    await this.endInput();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { log, spec } = this.options;
    const backoff = new Backoff(RELAY_PAUSES);
    while (!signal.aborted) {
      const beganAt = performance.now();
      let retry = RELAY_PAUSES;
      try {
        await this.contribute();
        await this.endInput();
        if (signal.aborted) return;
        this.state = 'ended';
        this.error = 'The input ended; it is tried again.';
        retry = await this.inputPauses();
      } catch (error) {
        const code = error instanceof SwarmError ? error.code : 'internal';
        const ofInput = code === 'input-not-video' || code === 'input-ended';
        await this.endInput();
        if (signal.aborted) return;
        this.state = 'failed';
        this.error = redacted(error instanceof Error ? error.message : String(error));
        if (ofInput) retry = await this.inputPauses();
      }
      if (performance.now() - beganAt > SOUND_AFTER_MS) backoff.reset();
      const pauseMs = backoff.nextMs(retry);
      log.warn({ channel: spec.id, state: this.state, error: this.error, pauseMs }, 'contribution ended');
      await pause(pauseMs, signal);
    }
  }

  private async inputPauses(): Promise<RetryPauses> {
    return (await this.options.waits()) ? WAITING_PAUSES : INPUT_PAUSES;
  }

  /** One opening of the input, from the channel's next GOP on. Resolves when the input ended by itself or on stop. */
  private async contribute(): Promise<void> {
    const { timeline } = this.options;
    const { signal } = this.stopping;
    const { nextGop } = await timeline.resume(signal);
    const opened = new AbortController();
    const openedSignal = AbortSignal.any([signal, opened.signal]);
    const input = await this.open(nextGop, openedSignal);
    try {
      await this.carry(input);
    } finally {
      timeline.end();
      opened.abort();
    }
  }

  private async open(nextGop: number, until: AbortSignal): Promise<DrawnInput | HeldInput> {
    const { spec, startInput, heldBytes, ffmpeg } = this.options;
    const onFrames = (count: number): void => {
      this.framesSent += count;
    };
    const started = await startInput(nextGop, until, onFrames, this.openedInVain);
    this.openedInVain = true;
    if (started.kind === 'drawn') this.input = started;
    else {
      this.input = new HeldInput(started, {
        ...{ framesPerSecond: spec.framesPerSecond, ffmpeg },
        maxBytes: heldBytes,
        onFrames,
      });
    }
    return this.input;
  }

  private async endInput(): Promise<void> {
    const { input } = this;
    this.input = null;
    await (input instanceof HeldInput ? input.end() : input?.ffmpeg.end());
  }

  /** Has the input on the timeline until it ends. */
  private async carry(input: DrawnInput | HeldInput): Promise<void> {
    const { signal } = this.stopping;
    const { timeline, heldBytes } = this.options;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    let silence: NodeJS.Timeout | undefined;
    let giveUpAfter: (limitMs: number) => void = () => undefined;
    const silent = new Promise<never>((_resolve, reject) => {
      giveUpAfter = (limitMs) => {
        const ended = new SwarmError('input-ended', `The input brought nothing for ${limitMs / 1000} s.`);
        clearTimeout(silence);
        silence = setTimeout(() => reject(ended), limitMs);
      };
    });
    giveUpAfter(OPENING_LIMIT_MS);
    let isHeard = false;
    const onHeard = (): void => {
      if (isHeard) silence?.refresh();
      else {
        isHeard = true;
        this.noteHeard();
        giveUpAfter(SILENCE_LIMIT_MS);
      }
    };
    const isHeld = input instanceof HeldInput;
    if (isHeld) input.onActivity = onHeard;
    const spool = isHeld ? input.spool : spoolOf(input.ffmpeg.output, { maxBytes: heldBytes, onHeard });
    timeline.begin(spool, spool.oldest);
    try {
      await Promise.race([isHeld ? input.ended : drawn(input), silent, stopped]);
    } finally {
      clearTimeout(silence);
      if (isHeld) input.onActivity = null;
    }
  }

  private noteHeard(): void {
    this.openedInVain = false;
    this.state = 'running';
    this.error = undefined;
    this.startedAtMs = Date.now();
  }
}

/** Resolves when the picture is drawn to its end. */
const drawn = async ({ ffmpeg, failure }: DrawnInput): Promise<void> => {
  const code = await Promise.race([ffmpeg.exited, failure]);
  if (code === 0) return;
  const how = code === null ? 'was killed or could not be started' : `ended with ${code}`;
  const words = ffmpeg.lastWords;
  throw new SwarmError('internal', `ffmpeg ${how}${words ? `: ${words}` : '.'}`);
};
