import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import {
  FEED_OFFSET_TICKS,
  SPLICE_TOLERANCE_TICKS,
  SwarmError,
  divisorOf,
  gopStartTicks,
  ticksOf,
  type Deinterlace,
  type FrameRate,
  type InputColour,
  type Rendition,
} from '../../domain';
import { spawnConfined } from '../../platform/processes/confined';
import type { CutMark } from '../mpegts';
import { IDLE_LIMIT_OF_SEVERAL_MS, openFeed } from './feed';
import { FeedDemuxer } from './feed-demuxer';
import { encoderDelayFrames, ffmpegArguments, outputDescriptor } from './ffmpeg-arguments';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';
import { GopCollector } from './gop-collector';
import { keyFrameList } from './key-frame-list';
import { SegmentAssembler } from './segment-assembler';
import type { EncodedGop, PartialGop } from './types';

/** Feed bytes read ahead of ffmpeg; beyond it the relay has to wait. */
const MAX_READ_AHEAD_BYTES = 8 * 1024 * 1024;
/** Time that ffmpeg has to write out its last frames after the feed has ended. */
const FLUSH_LIMIT_MS = 5_000;
/** ffmpeg counts as stuck after so many seconds with a feed ahead of it and nothing coming out. */
const STUCK_LIMIT_SECONDS = 10;
/** A feed without a picture for so long is left for that of another relay. */
const PICTURELESS_LIMIT_SECONDS = 6;
const MAX_ERROR_TEXT_BYTES = 2_048;

/** Why a run is over. `refused`: the relay said no or could not be asked; `crashed`: ffmpeg failed. */
export type RunEnd =
  { kind: 'feed-ended' } | { kind: 'refused'; error: SwarmError } | { kind: 'crashed'; message: string };

export interface RunOptions {
  feedUrl: string;
  /** Another relay has the same: this one is left sooner where nothing comes. */
  hasOtherFeeds?: boolean;
  /** Shown with the feed; absent: the relay may give it up for others. */
  feedProof?: string | undefined;
  fromGop: number;
  gopDurationTicks: number;
  framesPerSecond: FrameRate;
  deinterlace?: Deinterlace | undefined;
  inputPixelsPerSecond?: number | undefined;
  inputColour?: InputColour | undefined;
  renditions: readonly Rendition[];
  ffmpeg: FfmpegCapabilities;
  /** Channel times within GOPs at which segments are cut; absent: none. */
  cutTicks?: readonly number[];
  /** What the feed tells of cuts to come. */
  onCuts?(mark: CutMark): void;
  /** GOPs after which ffmpeg is restarted; at most, and by default, what one key frame list holds. */
  maxGops?: number;
  onGop(gop: EncodedGop): void;
  /** Made for players close to live: no picture waits for a later one. */
  lowLatency?: boolean;
  /** Something has come of the GOP that is being encoded: see takePartial. */
  onProgress?(): void;
  /** A rendition has completed its next GOP. */
  onRendition?(index: number): void;
  /** Called once, unless the run is stopped before. */
  onEnd(end: RunEnd): void;
}

/** One ffmpeg process fed by one connection to the relay, from a GOP on until either ends. */
export class EncodeRun {
  /** First GOP that it can't begin at the right frame any more. */
  readonly endGop: number;
  /** Tells this encode from all others, of this session and of any. */
  private readonly id = randomUUID();
  private readonly keyFrameTimes: string;
  /** A GOP and what the encoder holds back: what is encoded at the live edge is no older. */
  private readonly nearTicks: number;
  private readonly abort = new AbortController();
  private readonly demuxer: FeedDemuxer;
  private readonly assemblers: SegmentAssembler[];
  private child: ChildProcess | null = null;
  private errorText = '';
  private over = false;
  private fault: string | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: RunOptions) {
    const { gopDurationTicks, framesPerSecond, fromGop, cutTicks = [] } = options;
    const deltaTicks = FEED_OFFSET_TICKS - gopStartTicks(fromGop, gopDurationTicks);
    const feedTicks = cutTicks.map((ticks) => ticks + deltaTicks);
    const cuts = { ticks: feedTicks, frameTicks: ticksOf(1, framesPerSecond) };
    const { list, gops } = keyFrameList(gopDurationTicks, options.maxGops, cuts);
    this.keyFrameTimes = list;
    this.endGop = options.fromGop + gops;
    this.nearTicks = options.gopDurationTicks + ticksOf(encoderDelayFrames(options), options.framesPerSecond);
    const collector = new GopCollector(options.renditions, (gop) => {
      if (!this.over && this.isWhole(gop.gop)) options.onGop(gop);
    });
    this.assemblers = options.renditions.map(
      (_, index) =>
        new SegmentAssembler({
          fromGop: options.fromGop,
          gopDurationTicks: options.gopDurationTicks,
          hasPassed: (ticks) => this.demuxer.hasPassed(ticks),
          onSegment: (segment) => {
            if (!this.over) options.onRendition?.(index);
            collector.add(index, segment);
          },
        }),
    );
    this.demuxer = new FeedDemuxer({
      onPicture: (packets) => {
        const { stdin } = this.child ?? {};
        if (stdin && !stdin.writableEnded) stdin.write(packets);
      },
      onTracks: (tracks) => this.assemblers.forEach((assembler) => assembler.setTracks(tracks)),
      onPassed: (unit) => this.assemblers.forEach((assembler) => assembler.pass(unit)),
      onCuts: (mark) => {
        if (!this.over) options.onCuts?.(mark);
      },
    });
  }

  /** Resolves once the relay has answered, whatever it said; how it went on comes through onEnd. */
  async start(): Promise<void> {
    const { feedUrl, fromGop, feedProof, hasOtherFeeds } = this.options;
    const idleMs = hasOtherFeeds ? IDLE_LIMIT_OF_SEVERAL_MS : undefined;
    try {
      const feed = await openFeed(feedUrl, fromGop, this.abort.signal, feedProof, idleMs);
      if (this.over) feed.destroy();
      else this.encode(feed);
    } catch (error) {
      this.end(
        error instanceof SwarmError
          ? { kind: 'refused', error }
          : { kind: 'crashed', message: (error as Error).message },
      );
    }
  }

  /** Ends ffmpeg at once; what it has not finished is lost. */
  stop(): void {
    this.over = true;
    this.abort.abort();
    if (this.timer) clearTimeout(this.timer);
    this.child?.kill('SIGKILL');
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** True once the feed has come to its live edge and less than a GOP of it is still to be encoded. */
  isNearLiveEdge(): boolean {
    return this.demuxer.edge.isReached() && this.backlogTicks() <= this.nearTicks;
  }

  /** Milliseconds since a GOP's last frame was at the live edge, so since the relay sealed it; null if unknown. */
  sealedAgoMs(gop: number): number | null {
    if (!this.demuxer.edge.isReached()) return null;
    return this.demuxer.edge.ageMs(this.endTicksOf(gop));
  }

  /**
   * Takes what is encoded of a GOP, in all renditions, from where it was taken last up to the first picture at or after a
   * channel time. Null while that is not there. `undivided`: the GOP can't be divided there.
   * @param fromTicks what is before is public; where it is of another encode, this one has an IDR picture there
   */
  takePartial(gop: number, fromTicks: number, nearTicks: number): PartialGop | 'undivided' | null {
    const open = this.assemblers.map((assembler) => assembler.openSegment(gop));
    if (this.over || !open.every((segment) => segment !== null)) return null;
    const isReady = (ticks: number): boolean =>
      this.assemblers.every((assembler, i) => assembler.isReady(open[i]!, ticks));
    if (fromTicks > gopStartTicks(gop, this.options.gopDurationTicks) && open[0]!.isUntaken) {
      if (!isReady(fromTicks)) return null;
      if (!open.every((segment) => segment.passOver(fromTicks))) return 'undivided';
    }
    const { renditions } = this.options;
    const fullest = renditions.reduce(
      (best, r, index) => (divisorOf(r) < divisorOf(renditions[best]!) ? index : best),
      0,
    );
    const untilTicks = open[fullest]!.firstFrom(nearTicks - SPLICE_TOLERANCE_TICKS);
    if (untilTicks === null) return null;
    if (!isReady(untilTicks)) return null;
    if (!open.every((segment) => segment.canDivide(untilTicks))) return 'undivided';
    return {
      ...{ gop, untilTicks, run: this.id },
      segments: renditions.map((r, i) => ({
        name: r.name,
        segment: open[i]!.take(untilTicks),
        ...(divisorOf(r) > 1 && { frameRateDivisor: divisorOf(r) }),
      })),
    };
  }

  /**
   * A feed that breaks off amid reordered frames may have brought the first frame of a GOP before the last ones of
   * the GOP before it, and ffmpeg, flushed, then encodes on without them. All are there, as for the relay's seal,
   * once the feed has brought a DTS at or after the end of the GOP.
   */
  private isWhole(gop: number): boolean {
    return this.demuxer.edge.lastDtsTicks >= this.endTicksOf(gop) || !this.child?.stdin?.writableEnded;
  }

  /** Feed clock at the end of a GOP. */
  private endTicksOf(gop: number): number {
    return FEED_OFFSET_TICKS + (gop + 1 - this.options.fromGop) * this.options.gopDurationTicks;
  }

  private backlogTicks(): number {
    return this.demuxer.edge.lastPtsTicks - this.encodedTicks();
  }

  private encodedTicks(): number {
    return Math.min(...this.assemblers.map((a) => a.lastPtsTicks));
  }

  private encode(feed: IncomingMessage): void {
    const { renditions, ffmpeg } = this.options;
    const args = ffmpegArguments({ ...this.options, keyFrameTimes: this.keyFrameTimes }, ffmpeg);
    const child = spawnConfined(ffmpeg.path, args, {
      stdio: ['pipe', 'pipe', 'pipe', ...renditions.slice(1).map(() => 'pipe' as const)],
    });
    this.child = child;
    child.on('error', (error) => this.end({ kind: 'crashed', message: error.message }));
    child.stderr?.on('data', (text: Buffer) => {
      this.errorText = (this.errorText + text.toString('utf8')).slice(-MAX_ERROR_TEXT_BYTES);
    });
    this.assemblers.forEach((assembler, index) => {
      const output = child.stdio[outputDescriptor(index)] as Readable;
      output.on('data', (chunk: Buffer) => {
        this.orFail(() => assembler.push(chunk));
        this.options.onProgress?.();
      });
      output.on('end', () => this.orFail(() => assembler.flush()));
      output.on('error', () => undefined);
    });
    // `close` comes after the last byte of every output.
    child.on('close', (code, signal) => this.exited(feed, code, signal));
    if (child.stdin) this.connect(feed, child.stdin);
    this.watchForStandstill(feed);
  }

  private connect(feed: IncomingMessage, stdin: Writable): void {
    // An ffmpeg that is gone shows by its exit; its broken pipe says nothing more.
    stdin.on('error', () => undefined);
    stdin.on('drain', () => feed.resume());
    feed.on('data', (chunk: Buffer) => {
      this.orFail(() => {
        this.demuxer.push(chunk);
        for (const assembler of this.assemblers) assembler.settle();
      });
      this.options.onProgress?.();
      if (stdin.writableLength > MAX_READ_AHEAD_BYTES) feed.pause();
    });
    const finish = (): void => {
      if (this.over || stdin.writableEnded) return;
      this.orFail(() => this.demuxer.end());
      stdin.end();
      if (this.timer) clearTimeout(this.timer);
      this.timer = setTimeout(() => this.child?.kill('SIGKILL'), FLUSH_LIMIT_MS);
    };
    feed.on('end', finish);
    feed.on('error', finish);
    feed.on('close', finish);
  }

  private exited(feed: IncomingMessage, code: number | null, signal: NodeJS.Signals | null): void {
    // Before the feed is ended here: whether it had ended by itself shows why ffmpeg is gone.
    const feedEnded = feed.readableEnded || feed.destroyed;
    feed.destroy();
    if (this.fault === null && feedEnded) {
      this.end({ kind: 'feed-ended' });
      return;
    }
    const how = signal ? `was ended by ${signal}` : `exited with ${code}`;
    const said = this.errorText.trim().split('\n').slice(-3).join(' | ');
    this.end({ kind: 'crashed', message: this.fault ?? `ffmpeg ${how}${said && `: ${said}`}` });
  }

  /** Looks once a second, and counts looks rather than time: a host that was itself suspended blames nobody. */
  private watchForStandstill(feed: IncomingMessage): void {
    let stuckSeconds = 0;
    let encodedTicks = 0;
    let silentSeconds = 0;
    let arrivedTicks = 0;
    const look = (): void => {
      const { lastPtsTicks } = this.demuxer.edge;
      silentSeconds = lastPtsTicks === arrivedTicks ? silentSeconds + 1 : 0;
      arrivedTicks = lastPtsTicks;
      // Its relay works, and may be the only one to which the channel does not come.
      if (this.options.hasOtherFeeds && silentSeconds >= PICTURELESS_LIMIT_SECONDS) feed.destroy();
      const moved = this.encodedTicks() !== encodedTicks;
      encodedTicks = this.encodedTicks();
      const workAhead = this.backlogTicks() > this.nearTicks;
      stuckSeconds = moved || !workAhead ? 0 : stuckSeconds + 1;
      if (stuckSeconds >= STUCK_LIMIT_SECONDS) this.fail(`ffmpeg stood still for ${stuckSeconds} s`);
      else this.timer = setTimeout(look, 1_000);
    };
    this.timer = setTimeout(look, 1_000);
  }

  private orFail(step: () => void): void {
    if (this.over || this.fault !== null) return;
    try {
      step();
    } catch (error) {
      this.fail((error as Error).message);
    }
  }

  private fail(message: string): void {
    this.fault = message;
    this.child?.kill('SIGKILL');
  }

  private end(end: RunEnd): void {
    if (this.over) return;
    this.over = true;
    this.abort.abort();
    if (this.timer) clearTimeout(this.timer);
    this.options.onEnd(end);
  }
}
