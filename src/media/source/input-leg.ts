import { redacted } from '../../domain';
import { monotonicMs } from '../../platform/clock';
import type { Logger } from '../../platform/logger';
import { Backoff, pause } from '../../platform/retry';
import type { StartInput } from './contribution-inputs';
import { HeldInput } from './held-input';
import type { SourceChannelSpec } from './kept-channel';
import type { LegState } from './leg-choice';
import { PictureWatch, type WatchLimits } from './picture-watch';

/** Others stand in meanwhile, and one that comes back is to be noticed soon. */
const PAUSES = { firstMs: 250, longestMs: 5_000 };
/** One that was sound for so long is tried again at once. */
const SOUND_AFTER_MS = 10_000;
/** One that brings no picture for so long after it was opened is opened anew. */
const OPENING_LIMIT_MS = 30_000;
const LOOK_MS = 100;
/** One that decodes it, and ended by itself, is not started again sooner. */
const WATCH_PAUSE_MS = 2_000;
const ENDED = 'It ended; it is tried again.';

export interface InputLegOptions {
  name: string;
  isSlate: boolean;
  /** With this leg's input. */
  spec: SourceChannelSpec;
  startInput: StartInput;
  ffmpeg: string;
  heldBytes: () => number;
  /** Without a picture for longer than this, it is away. */
  lossMs: number;
  limits: WatchLimits;
  onFrames: (count: number) => void;
  /** It was opened, or has ended. */
  onChange: () => void;
  log: Logger;
}

/** One of the inputs of a channel, which runs whether it is on air or not. */
export class InputLeg {
  readonly name: string;
  /** What runs, or ran last: what it has kept can still be gone on from. */
  held: HeldInput | null = null;
  private error: string | undefined;
  private openedMs = monotonicMs();
  private soundFromMs: number | null = null;
  private soundSinceMs: number | null = null;
  private watch: PictureWatch | null = null;
  private nextWatchMs = -Infinity;
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;

  constructor(private readonly options: InputLegOptions) {
    this.name = options.name;
    this.done = this.run();
  }

  get url(): string {
    const { input } = this.options.spec;
    return input.kind === 'url' ? redacted(input.url) : '';
  }

  /** Looks at it. To be asked often, as it notes since when it has been sound. */
  look(): LegState {
    const { name, isSlate } = this.options;
    const whyAway = this.whyNotSound();
    const isSound = whyAway === null;
    if (isSound) this.soundFromMs ??= monotonicMs();
    else this.soundFromMs = this.soundSinceMs = null;
    // What comes before the first keyframe refers to what is not there.
    const newest = this.held?.keyframes.findLast(({ isStandIn }) => !isStandIn)?.passedMs ?? -Infinity;
    if (this.soundFromMs !== null && newest >= this.soundFromMs - LOOK_MS) this.soundSinceMs ??= newest;
    const soundForMs = this.soundSinceMs === null ? 0 : monotonicMs() - this.soundSinceMs;
    return { name, isSlate, isSound, soundForMs, whyAway: whyAway ?? '' };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.held?.end(), this.watch?.end()]);
    await this.done;
  }

  private whyNotSound(): string | null {
    const { held } = this;
    if (this.error !== undefined) return this.error;
    if (!held || !held.canBeSent) return 'It has brought nothing yet.';
    if (held.hasEnded) return ENDED;
    const { withoutPictureMs } = held;
    if (withoutPictureMs < this.options.lossMs) return this.watch?.fault ?? this.whyWithoutSound(held);
    return `It has brought no picture for ${(withoutPictureMs / 1_000).toFixed(1)} s.`;
  }

  /** What decodes it hears silence, but not that nothing comes. */
  private whyWithoutSound({ withoutSoundSeconds }: HeldInput): string | null {
    const { silentSeconds = Infinity } = this.options.limits;
    if (withoutSoundSeconds < silentSeconds) return null;
    return `Its sound has brought nothing for ${Math.round(withoutSoundSeconds)} s.`;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { spec, log, name } = this.options;
    const backoff = new Backoff(PAUSES);
    while (!signal.aborted) {
      const beganMs = monotonicMs();
      try {
        await this.runOnce();
        this.error = ENDED;
      } catch (error) {
        this.error = redacted(error instanceof Error ? error.message : String(error));
      }
      if (signal.aborted) return;
      this.options.onChange();
      if (monotonicMs() - beganMs > SOUND_AFTER_MS) backoff.reset();
      const pauseMs = backoff.nextMs();
      log.warn({ channel: spec.id, input: name, error: this.error, pauseMs }, 'an input is away');
      await pause(pauseMs, signal);
    }
  }

  /** From its opening to its end. */
  private async runOnce(): Promise<void> {
    const { spec, startInput, ffmpeg, heldBytes, onFrames } = this.options;
    const { signal } = this.stopping;
    const found = await startInput(0, signal, () => undefined);
    if (signal.aborted || found.kind !== 'found') return;
    const { framesPerSecond } = spec;
    const held = new HeldInput(found, { framesPerSecond, ffmpeg, maxBytes: heldBytes, onFrames });
    this.held = held;
    this.openedMs = monotonicMs();
    const opening = setInterval(() => this.checkOpening(held), LOOK_MS);
    try {
      await held.ended;
    } finally {
      clearInterval(opening);
      await this.watch?.end();
      this.watch = null;
      await held.end();
    }
  }

  private checkOpening(held: HeldInput): void {
    if (held.canBeSent) {
      if (this.error !== undefined) {
        this.error = undefined;
        this.options.onChange();
      }
      const { limits, ffmpeg, log } = this.options;
      const isToBegin = (this.watch?.isOver ?? true) && monotonicMs() >= this.nextWatchMs;
      if (isToBegin && PictureWatch.isWanted(limits)) {
        this.nextWatchMs = monotonicMs() + WATCH_PAUSE_MS;
        this.watch = new PictureWatch(held, ffmpeg, limits, log);
      }
    } else if (monotonicMs() - this.openedMs > OPENING_LIMIT_MS) {
      this.error = 'It was opened, and brought no picture.';
      void held.end();
    }
  }
}
