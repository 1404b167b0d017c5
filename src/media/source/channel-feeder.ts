import type { SourceChannel, SourceState } from '../../contracts/source';
import { SwarmError, redacted, redactedInput } from '../../domain';
import type { Logger } from '../../platform/logger';
import { Backoff, pause, type RetryPauses } from '../../platform/retry';
import type { StartInput } from './contribution-inputs';
import type { DrawnInput } from './drawn-input';
import type { Feeder } from './feeder';
import { HeldInput, type ResumePoint } from './held-input';
import type { SourceChannelSpec } from './kept-channel';
import type { IngestConnection, RelayLink } from './relay-link';
import { SendingSignal } from './sending-signal';

/** First and longest pause before the next try: with the relay, and with an input that failed or ended. */
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
  relay: RelayLink;
  ffmpeg: string;
  /** Of an input that waits for its sender: it is waited for again at once. A pipe may take the place of a file. */
  waits: () => Promise<boolean>;
  /** What of a live input may be held now: a share of the part's budget. */
  heldBytes: () => number;
  /** Called when it is stopped. */
  onStop(): void;
  log: Logger;
}

/** Brings one channel's input to the relay, again and again until stopped. */
export class ChannelFeeder implements Feeder {
  readonly spec: SourceChannelSpec;
  private state: SourceState;
  private error: string | undefined;
  private framesSent = 0;
  private startedAtMs = Date.now();
  private readonly sending = new SendingSignal();
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
    return {
      id: this.spec.id,
      input: redactedInput(this.spec.input),
      state: this.state,
      ...(this.error !== undefined && { error: this.error }),
      ...(this.input instanceof HeldInput && { notes: this.input.notes, missing: this.input.missing }),
      framesSent: this.framesSent,
      startedAtMs: this.startedAtMs,
    };
  }

  untilSending(limitMs: number): Promise<boolean> {
    return this.sending.until(limitMs);
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
        if (signal.aborted || ofInput || !this.runsOn) await this.endInput();
        if (signal.aborted) return;
        this.state = 'failed';
        this.error = redacted(error instanceof Error ? error.message : String(error));
        if (ofInput) retry = await this.inputPauses();
      } finally {
        this.sending.off();
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

  /** One contribution, from the relay's next GOP on. Resolves when the input ended by itself or on stop. */
  private async contribute(): Promise<void> {
    const { spec, relay } = this.options;
    const { signal } = this.stopping;
    const at = await relay.addChannel(spec.id, spec.gopDurationTicks, signal);
    if (at.ingestConnected)
      throw new SwarmError('conflict', `The relay still holds another contribution of ${spec.id}.`);
    const attempt = new AbortController();
    const attemptSignal = AbortSignal.any([signal, attempt.signal]);
    const input = await this.inputFor(at.nextGop, attemptSignal);
    const ingest = relay.openIngest(spec.id, at.nextGop);
    try {
      await this.carry(input, ingest, at, attemptSignal);
    } finally {
      attempt.abort();
      ingest.cut();
    }
  }

  /** The input goes on by itself, whatever becomes of the contribution. */
  private get runsOn(): boolean {
    return this.input instanceof HeldInput && this.input.runs;
  }

  /** A generated picture is drawn again from the GOP that the relay wants; any other input runs on. */
  private async inputFor(nextGop: number, attempt: AbortSignal): Promise<DrawnInput | HeldInput> {
    const { spec, startInput, heldBytes, ffmpeg } = this.options;
    if (this.input && this.runsOn) return this.input;
    const onFrames = (count: number): void => {
      this.framesSent += count;
    };
    const isDrawn = spec.input.kind === 'generated';
    const until = isDrawn ? attempt : this.stopping.signal;
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

  /** Carries the input to the relay until one of the two ends. */
  private async carry(
    input: DrawnInput | HeldInput,
    ingest: IngestConnection,
    at: ResumePoint,
    attempt: AbortSignal,
  ): Promise<void> {
    const { signal } = this.stopping;
    const stopped = new Promise<'stopped'>((resolve) => {
      signal.addEventListener('abort', () => resolve('stopped'), { once: true });
      if (signal.aborted) resolve('stopped');
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
    const heard = (): void => {
      if (this.sending.isOn) silence?.refresh();
      else {
        this.noteSending();
        giveUpAfter(SILENCE_LIMIT_MS);
      }
    };
    const sent =
      input instanceof HeldInput
        ? sendHeld(input, ingest, at, attempt, heard)
        : this.sendDrawn(input, ingest, heard);
    sent.catch(() => undefined);
    try {
      const end = await Promise.race([sent, ingest.finished, silent, stopped]);
      if (end === 'stopped') return;
      await sent;
      await ingest.finished;
    } finally {
      clearTimeout(silence);
    }
  }

  private async sendDrawn(
    { ffmpeg, failure }: DrawnInput,
    ingest: IngestConnection,
    heard: () => void,
  ): Promise<void> {
    ffmpeg.output.on('data', heard);
    ffmpeg.output.pipe(ingest.stream);
    const code = await Promise.race([ffmpeg.exited, failure]).finally(() => ffmpeg.output.off('data', heard));
    if (code === 0) return;
    const how = code === null ? 'was killed or could not be started' : `ended with ${code}`;
    const words = ffmpeg.lastWords;
    throw new SwarmError('internal', `ffmpeg ${how}${words ? `: ${words}` : '.'}`);
  }

  private noteSending(): void {
    this.openedInVain = false;
    this.state = 'running';
    this.error = undefined;
    this.startedAtMs = Date.now();
    this.sending.on();
  }
}

const sendHeld = async (
  input: HeldInput,
  ingest: IngestConnection,
  at: ResumePoint,
  attempt: AbortSignal,
  heard: () => void,
): Promise<void> => {
  input.onActivity = heard;
  try {
    await Promise.race([input.ended, input.sendTo(ingest.stream, at, attempt)]);
  } finally {
    input.onActivity = null;
  }
};
