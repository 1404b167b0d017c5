import type { Writable } from 'node:stream';
import type { MissingMedia } from '../../contracts/source';
import { SwarmError, ticksOf, type FrameRate } from '../../domain';
import { TransportStreamReader } from '../mpegts';
import type { FoundInput } from './contribution-inputs';
import { ContributionSpool, type KeptKeyframe } from './contribution-spool';
import type { InputProcess } from './ffmpeg-process';
import { mergeTables } from './merged-tables';
import { PacedQueue } from './paced-queue';
import { ProgrammeJoiner } from './programme-joiner';
import { RateWatch } from './rate-watch';
import { showLife } from './sent-packets';
import { ShortPass } from './short-pass';
import { undressed, undressedTables } from './splice-carrier';
import { Standstill } from './standstill';
import { TrackWatch } from './track-watch';

/** An input with an end is read this far ahead, so that its next pass can be opened meanwhile. */
const FINITE_AHEAD_MS = 1_500;
/** A live one may bring as much at once: a few HLS segments. */
const LIVE_AHEAD_MS = 60_000;
/** A live input that brings nothing for this long is opened again; one in segments is, as soon as one is missed. */
const SILENCE_MS = { steady: 30_000, segments: 20_000 };
/** After so long without anything it counts as gone. */
const GONE_AFTER_MS = 90_000;
const SILENCE_LOOK_MS = 1_000;
/** A live input of which not even sound has come for so long is silent as a whole. */
const ALL_SILENT_MS = 2_000;

const noPicture = (): SwarmError =>
  new SwarmError(
    'input-ended',
    'The input holds no picture at which decoding can begin.',
    'Check the input.',
  );

const gone = (): SwarmError =>
  new SwarmError(
    'input-ended',
    `The input brought nothing for ${GONE_AFTER_MS / 1_000} s.`,
    'Check what sends it.',
  );

const varies = (): SwarmError =>
  new SwarmError(
    'input-ended',
    'The input leaves out pictures that its frame rate promises: it is opened anew, and they are filled up.',
    'Nothing needs to be done.',
  );

export interface HeldInputOptions {
  framesPerSecond: FrameRate;
  /** The one that makes pictures stand still. */
  ffmpeg: string;
  /** What may be held now: a share of the part's budget. */
  maxBytes: () => number;
  onFrames: (count: number) => void;
  now?: () => number;
}

/**
 * An input that runs on while the relay is away, as what it brings can't be had again. It is passed on at its own pace;
 * one with an end begins anew, for ever.
 */
export class HeldInput {
  /** Resolves when a live input has ended and all of it is passed on; rejects with a SwarmError when it breaks. */
  readonly ended: Promise<void>;
  /** Called whenever it brings or passes on something. */
  onActivity: (() => void) | null = null;
  /** What it has passed on last. */
  readonly spool: ContributionSpool;
  private readonly queue: PacedQueue;
  private readonly joiner: ProgrammeJoiner;
  private readonly toleranceTicks: number;
  private process: InputProcess | null = null;
  /** Of each output of the present pass; null before they come. */
  private outputTables: (Buffer | null)[] = [];
  private tables: Buffer = Buffer.alloc(0);
  private readonly watch: TrackWatch;
  /** Of a live input. */
  private readonly standstill: Standstill | null;
  private lastBytesMs = 0;
  private readonly openedMs: number;
  private hasPicture = false;
  private lastPictureMs = -Infinity;
  private allHasCome = false;
  private isSilent = false;
  private stopped = false;
  private over = false;
  private wakeReplay: (() => void) | null = null;

  constructor(
    private readonly input: FoundInput,
    private readonly options: HeldInputOptions,
  ) {
    const { framesPerSecond, ffmpeg, maxBytes, onFrames } = options;
    const now = (): number => this.now();
    this.openedMs = now();
    this.toleranceTicks = ticksOf(1, framesPerSecond) / 2;
    // Half of it for what is to come, half for what has been.
    const halfOfBytes = (): number => maxBytes() / 2;
    this.spool = new ContributionSpool(halfOfBytes, now);
    this.queue = new PacedQueue({
      mostAheadMs: input.finite ? FINITE_AHEAD_MS : LIVE_AHEAD_MS,
      mostBytes: halfOfBytes,
      release: (unit, isStandIn) => {
        if (unit.kind === 'video') onFrames(1);
        this.onActivity?.();
        this.spool.push(unit, this.tables, isStandIn);
      },
      onRoom: () => {
        this.process?.output.resume();
        this.wakeReplay?.();
      },
      now,
    });
    const { finite, frameTicks, grid, sound } = input;
    this.watch = new TrackWatch(sound);
    this.joiner = new ProgrammeJoiner({
      ...{ finite, frameTicks, grid, now },
      onUnit: (unit, dtsTicks, isStandIn) => {
        if (unit.kind === 'video') this.watch.seen(dtsTicks);
        else this.watch.heard(unit.pid, dtsTicks);
        if (unit.kind === 'video' && !isStandIn) {
          this.hasPicture = true;
          this.standstill?.seen(unit, this.tables);
        }
        this.queue.push(unit, dtsTicks, isStandIn);
        // What comes in segments has its time later; of what comes steadily, it counts when it came.
        if (unit.kind === 'video' && !isStandIn)
          this.lastPictureMs = input.finite || input.inSegments ? this.queue.newestPictureDueMs : this.now();
      },
    });
    this.standstill = finite
      ? null
      : new Standstill({
          ...{ ffmpeg, framesPerSecond, now, maxBytes: () => maxBytes() / 4 },
          newestPictureDueMs: () => this.queue.newestPictureDueMs,
          fill: (still) => this.joiner.fill(still),
        });
    this.ended = this.run().finally(() => {
      this.over = true;
      this.standstill?.end();
      this.spool.end();
    });
    this.ended.catch(() => undefined);
  }

  /** False once nothing more will come. */
  get runs(): boolean {
    return !this.over;
  }

  /** Sentences: how it is carried, and what is missing at the moment. */
  get notes(): string[] {
    return [...this.input.notes, ...(this.standstill?.notes ?? []), ...this.watch.notes];
  }

  /** What of a live input does not come now. A file that has less sound than pictures is as it is meant to be. */
  get missing(): MissingMedia[] {
    const { standstill } = this;
    if (!standstill) return [];
    const sound = this.watch.missing.map((each) => ({ what: 'sound' as const, ...each, isStill: false }));
    const sinceMs = this.hasPicture ? standstill.sinceMs : this.openedMs;
    if (sinceMs === null) return sound;
    const now = this.now();
    const picture = {
      forSeconds: Math.max(0, now - sinceMs) / 1_000,
      hasCome: this.hasPicture,
      isStill: standstill.isRepeated,
    };
    if (now - this.lastBytesMs >= ALL_SILENT_MS) return [{ what: 'input', ...picture }];
    return [{ what: 'picture', ...picture }, ...sound];
  }

  /** For how long no picture of its own has come; below 0 while there are some that wait for their time. */
  get withoutPictureMs(): number {
    return this.now() - (this.hasPicture ? this.lastPictureMs : this.openedMs);
  }

  /** For how long no sound has come beside the picture of a live input, in seconds. */
  get withoutSoundSeconds(): number {
    return this.input.finite ? 0 : this.watch.firstAwaySeconds;
  }

  /** Nothing more will come, though some of it may wait for its time. */
  get hasEnded(): boolean {
    return this.allHasCome;
  }

  /** It has brought something with which to begin. */
  get canBeSent(): boolean {
    return !this.spool.isEmpty;
  }

  get hasSound(): boolean {
    return this.input.sound.length > 0;
  }

  /** Its times are the sender's own. */
  get keepsClock(): boolean {
    return this.input.keepsClock ?? false;
  }

  /** Keyframes that can be gone on with, oldest first, with their times on the clock of the input itself. */
  get keyframes(): (KeptKeyframe & { sourceTicks: number })[] {
    return this.spool.keyframes.map((kept) => ({
      ...kept,
      sourceTicks: kept.ptsTicks - this.joiner.offsetTicksAt(kept.ptsTicks),
    }));
  }

  /** The group with which to go on where the relay's clock is that of this input. */
  groupAt(resumeSourceTicks: number): number {
    return this.spool.groupAt(resumeSourceTicks, this.toleranceTicks);
  }

  /** Sends from a group on, to its end. Settles as ContributionSpool.sendTo. */
  async sendFrom(stream: Writable, group: number, signal: AbortSignal): Promise<void> {
    showLife(stream, signal);
    await this.spool.sendTo(stream, group, signal);
    stream.end();
  }

  async end(): Promise<void> {
    this.stopped = true;
    this.standstill?.end();
    this.queue.stop();
    this.wakeReplay?.();
    await this.process?.end();
    await this.ended.catch(() => undefined);
  }

  private async run(): Promise<void> {
    const short = this.input.finite ? new ShortPass(this.options.maxBytes() / 4) : null;
    do {
      this.isSilent = false;
      const pictures = await this.pass(short);
      if (this.stopped) return;
      if (this.isSilent && this.now() - this.lastBytesMs > GONE_AFTER_MS) throw gone();
      if (this.isSilent) continue;
      if (this.input.finite && pictures === 0) throw noPicture();
      while (short?.isWhole && !this.stopped) await this.replay(short);
    } while ((this.input.finite || this.isSilent) && !this.stopped);
    this.allHasCome = true;
    await this.queue.drained();
  }

  /** Reads the input once through. Returns how many pictures it had since its clock jumped last. */
  private async pass(short: ShortPass | null): Promise<number> {
    const { splicePids } = this.input;
    const ffmpeg = this.input.open();
    this.process = ffmpeg;
    let broken: SwarmError | null = null;
    const { frameTicks, onVaries, finite } = this.input;
    const rate = onVaries && frameTicks !== null ? new RateWatch(frameTicks, finite) : null;
    const readers = ffmpeg.outputs.map((output, i) => {
      const reader = new TransportStreamReader({
        onUnit: (given) => {
          const unit = splicePids.has(given.pid) ? undressed(given) : given;
          if (!unit || broken) return;
          if (unit.kind === 'video' && rate?.note(unit.dtsTicks)) {
            onVaries?.();
            broken = varies();
            void ffmpeg.end();
            return;
          }
          short?.note(unit);
          this.joiner.take(unit);
        },
        onTables: (packets) => this.takeTables(i === 0 ? undressedTables(packets, splicePids) : packets, i),
      });
      output.on('data', (chunk: Buffer) => {
        this.lastBytesMs = this.now();
        this.onActivity?.();
        try {
          if (!broken) reader.push(chunk);
        } catch (error) {
          broken = new SwarmError('input-ended', `The input broke: ${(error as Error).message}`);
          void ffmpeg.end();
        }
        // The other outputs can't get far ahead of the picture: ffmpeg waits for it to be read.
        if (this.queue.isFull && !this.stopped) ffmpeg.output.pause();
      });
      return reader;
    });
    const silence = this.watchSilence(ffmpeg);
    const code = await ffmpeg.exited;
    clearInterval(silence);
    if (broken) throw broken as SwarmError;
    if (this.stopped) return 0;
    if (this.isSilent) {
      this.joiner.interrupt();
      return 0;
    }
    if (code !== 0) {
      const how = code === null ? 'was killed or could not be started' : `ended with ${code}`;
      const words = ffmpeg.lastWords;
      throw new SwarmError('input-ended', `ffmpeg ${how}${words ? `: ${words}` : '.'}`, 'Check the input.');
    }
    for (const reader of readers) reader.flush();
    short?.end();
    return this.joiner.endStretch();
  }

  private now(): number {
    return this.options.now?.() ?? performance.now();
  }

  /**
   * Ends a live input that was heard and brings nothing any more, to be opened again while its last picture is repeated.
   */
  private watchSilence(ffmpeg: InputProcess): NodeJS.Timeout | undefined {
    if (this.input.finite) return undefined;
    const limitMs = this.input.inSegments ? SILENCE_MS.segments : SILENCE_MS.steady;
    const openedMs = this.now();
    return setInterval(() => {
      if (this.lastBytesMs === 0) return;
      if (this.now() - Math.max(openedMs, this.lastBytesMs) < limitMs) return;
      this.isSilent = true;
      void ffmpeg.end();
    }, SILENCE_LOOK_MS);
  }

  private takeTables(packets: Buffer, output: number): void {
    const known = this.outputTables;
    known[output] = packets;
    const [first, ...others] = Array.from(known, (each) => each ?? null);
    if (!first) return;
    const merged = mergeTables(first, others);
    // A new buffer is sent on; the same tables need not be.
    if (!merged.equals(this.tables)) this.tables = merged;
  }

  private async replay(short: ShortPass): Promise<void> {
    for (const unit of short.units()) {
      while (this.queue.isFull && !this.stopped)
        await new Promise<void>((resolve) => {
          this.wakeReplay = resolve;
        });
      if (this.stopped) return;
      this.joiner.take(unit);
    }
    if (this.joiner.endStretch() === 0) throw noPicture();
  }
}
