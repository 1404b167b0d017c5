import { TICKS_PER_SECOND } from '../../domain';
import { PACKET_BYTES, retimePackets, setPid, unwrapTicks, wrapTicks, type PesUnit } from '../mpegts';
import { renumberPackets } from './sent-packets';
import { TickGrid } from './tick-grid';

/** A step of the picture's clock beyond this is another clock, unless that much time has passed as well. */
const LONGEST_STEP_TICKS = 2 * TICKS_PER_SECOND;
/** After a standstill, pictures that are late may catch up for this long. */
const LONGEST_LATE_MS = 2_000;
/** Sound and data this far from the picture are of another clock. */
const FARTHEST_TICKS = 10 * TICKS_PER_SECOND;
/** Pictures of an unknown rate count as 1/25 s long. */
const USUAL_FRAME_TICKS = TICKS_PER_SECOND / 25;
/** Until it is known how long a track's frames are. */
const USUAL_AUDIO_TICKS = (1024 * TICKS_PER_SECOND) / 48_000;
const MAX_EARLY_UNITS = 4_096;
/** Whose clocks are known: those of all that is kept of an input but one that jumps all the time. */
const KEPT_STRETCHES = 64;

export interface FrameGrid {
  videoTicks: number | null;
  /** By PID. */
  audioTicks: ReadonlyMap<number, number>;
}

export interface JoinerOptions {
  /** Length of a picture; null if the rate is unknown or varies. */
  frameTicks: number | null;
  /** Distances at which frames come that the container gives in milliseconds only; absent: it gives them exactly. */
  grid?: FrameGrid | undefined;
  /** The input has an end: sound that runs on behind its last picture is cut off. */
  finite: boolean;
  /** A unit on the joined clock. `dtsTicks` is not wrapped. `isStandIn`: it is no picture of the input. */
  onUnit(unit: PesUnit, dtsTicks: number, isStandIn: boolean): void;
  /** Monotonic, in milliseconds. */
  now(): number;
}

/** What came on one clock of the input, from a keyframe on. */
interface Stretch {
  /** Joined time minus source time, neither wrapped. */
  offsetTicks: number;
  /** Joined time of the first picture: as it is sent, and before rounding. */
  startTicks: number;
  exactStartTicks: number;
  lastSourceDtsTicks: number;
  lastPtsTicks: number;
  lastAtMs: number;
  pictures: number;
  /** Joined time of the keyframe at which decoding began last: what is shown before refers to what is not there. */
  keyframeTicks: number;
  /** Its pictures have not come, and others stand in for them, or may. The next real one has to be a keyframe. */
  held: boolean;
  /** The input was opened again: what follows is on another clock. */
  interrupted: boolean;
  /** Since when pictures come that are behind those that stood in for them. */
  lateSinceMs: number | null;
}

/** A picture that stands still: units that can be decoded by themselves, each shown as long as a picture of the input. */
export interface StillPicture {
  /** The next of them, for the caller to keep. */
  next(): PesUnit;
  /** As long as a picture of the input. */
  frameTicks: number;
}

/** A track besides the picture. */
interface Track {
  /** Joined time at which its next frame would follow without a hole. */
  nextTicks: number | null;
  frameTicks: number;
  lastTicks: number | null;
  grid: TickGrid;
  /** What is added in this stretch so that the frames go on without a hole; null before its first frame. */
  shiftTicks: number | null;
}

/**
 * Joins what an input brings to one programme whose clock goes on without end: the passes of a looped input, and the
 * stretches of a live one whose clock jumps. The first picture of a stretch follows the last one of the stretch before.
 * Sound follows frame by frame where that moves it by half a frame at most; a frame too many is left out.
 */
export class ProgrammeJoiner {
  private stretch: Stretch | null = null;
  /** Where the next stretch begins; null before the first, which keeps its clock. */
  private nextStartTicks: number | null = null;
  private lastDtsTicks = -Infinity;
  private readonly tracks = new Map<number, Track>();
  private readonly counters = new Map<number, number>();
  /** Came before the first picture of its stretch, or is ahead of the last one of a finite input. */
  private waiting: PesUnit[] = [];

  private readonly videoGrid: TickGrid;
  private videoPid = 0;
  /** Of the latest stretches, oldest first. */
  private readonly begun: Pick<Stretch, 'startTicks' | 'offsetTicks'>[] = [];
  /** What stood in last. */
  private still: StillPicture | null = null;

  constructor(private readonly options: JoinerOptions) {
    this.videoGrid = new TickGrid(options.grid?.videoTicks ?? null);
  }

  /** Takes a unit, and keeps it. */
  take(unit: PesUnit): void {
    if (unit.kind === 'video') this.takePicture(unit);
    else if (!this.stretch || this.stretch.interrupted) this.wait(unit);
    else this.takeOther(unit, this.stretch);
  }

  /**
   * The picture stands still: a unit of `still` is sent where the next picture would be, as decoding can only go on with a
   * keyframe from then on. Nothing is sent before the first picture.
   * @returns false where there is none
   */
  fill(still: StillPicture): boolean {
    const { stretch } = this;
    if (!stretch) return false;
    stretch.held = true;
    this.still = still;
    this.sendStill(stretch, still);
    return true;
  }

  /** The input was opened again, and pictures may stand in meanwhile: what comes next follows, whatever its clock. */
  interrupt(): void {
    this.waiting = [];
    if (this.stretch) Object.assign(this.stretch, { held: true, interrupted: true });
  }

  /** By how much what was sent at a time, not wrapped, is later than the clock that the input had then. */
  offsetTicksAt(sentTicks: number): number {
    // What is sent is rounded to whole ticks.
    const ofThen = this.begun.findLast(({ startTicks }) => startTicks <= sentTicks + 1) ?? this.begun[0];
    return ofThen?.offsetTicks ?? 0;
  }

  /** The input begins anew. Returns the number of pictures since the last time, or the last jump. */
  endStretch(): number {
    const { stretch } = this;
    this.waiting = [];
    if (!stretch) return 0;
    this.stretch = null;
    this.nextStartTicks = this.endOf(stretch);
    this.videoGrid.restart();
    for (const track of this.tracks.values()) {
      track.grid.restart();
      track.shiftTicks = null;
      track.lastTicks = null;
    }
    return stretch.pictures;
  }

  private takePicture(unit: PesUnit): void {
    if (this.stretch?.held) {
      if (!unit.keyframe || !this.resumes(unit, this.stretch)) return;
    } else if (this.stretch && this.jumpsAt(unit, this.stretch)) this.endStretch();
    if (!this.stretch) {
      if (!unit.keyframe) return;
      this.stretch = this.begin(unit);
      this.begun.push(this.stretch);
      if (this.begun.length > KEPT_STRETCHES) this.begun.shift();
    }
    const { stretch } = this;
    const sourceDts = unwrapTicks(unit.dtsTicks, stretch.lastSourceDtsTicks);
    stretch.lastSourceDtsTicks = sourceDts;
    const dts = this.videoGrid.place(sourceDts + stretch.offsetTicks);
    const pts = dts + this.videoGrid.distance(unwrapTicks(unit.ptsTicks, sourceDts) - sourceDts);
    stretch.lastAtMs = this.options.now();
    // Leading pictures refer to what is not there.
    if (pts < stretch.keyframeTicks) return;
    stretch.pictures += 1;
    stretch.lastPtsTicks = Math.max(stretch.lastPtsTicks, pts);
    this.lastDtsTicks = dts;
    this.videoPid = unit.pid;
    this.send(unit, pts, dts);
    const { waiting } = this;
    this.waiting = [];
    for (const other of waiting) this.takeOther(other, stretch);
  }

  /**
   * Goes on with the pictures of the input, after those that stood in. Pictures that are only late are passed over, so that
   * it goes on where it would be without the standstill. What stays behind is on another clock.
   * @returns false: not yet
   */
  private resumes(keyframe: PesUnit, stretch: Stretch): boolean {
    const sourceDts = unwrapTicks(keyframe.dtsTicks, stretch.lastSourceDtsTicks);
    const dts = sourceDts + stretch.offsetTicks;
    const isAnew = stretch.interrupted || this.jumpsAt(keyframe, stretch);
    if (!isAnew && dts > this.lastDtsTicks) {
      this.goOn(stretch, dts, dts + unwrapTicks(keyframe.ptsTicks, sourceDts) - sourceDts);
      return true;
    }
    stretch.lateSinceMs ??= this.options.now();
    if (!stretch.interrupted && this.options.now() - stretch.lateSinceMs < LONGEST_LATE_MS) return false;
    // The sound of the new clock waits for its first picture.
    const { waiting } = this;
    this.endStretch();
    this.waiting = waiting;
    return true;
  }

  private goOn(stretch: Stretch, dts: number, pts: number): void {
    stretch.keyframeTicks = pts;
    stretch.held = false;
    stretch.lateSinceMs = null;
    this.videoGrid.restart();
    if (!this.still) return;
    const { frameTicks } = this.still;
    const missing = Math.round((pts - stretch.lastPtsTicks) / frameTicks) - 1;
    const firstDts = this.lastDtsTicks;
    // The last ones are decoded earlier than they are shown, as the keyframe is.
    for (let i = 1; i <= missing; i++)
      this.sendStill(stretch, this.still, firstDts + ((dts - firstDts) * i) / (missing + 1));
  }

  private sendStill(stretch: Stretch, still: StillPicture, latestDtsTicks = Infinity): void {
    const ticks = stretch.lastPtsTicks + still.frameTicks;
    stretch.pictures += 1;
    stretch.lastPtsTicks = ticks;
    this.lastDtsTicks = Math.min(ticks, latestDtsTicks);
    const unit = { ...still.next(), pid: this.videoPid };
    for (let at = 0; at < unit.packets.length; at += PACKET_BYTES) setPid(unit.packets, at, unit.pid);
    this.send(unit, ticks, this.lastDtsTicks, true);
  }

  private begin(keyframe: PesUnit): Stretch {
    const sourceDts = unwrapTicks(keyframe.dtsTicks, keyframe.ptsTicks);
    const exactStartTicks = this.nextStartTicks ?? keyframe.ptsTicks;
    const reorderedTicks = this.videoGrid.distance(keyframe.ptsTicks - sourceDts);
    // Decoding times must go up, also where the pictures before were reordered less.
    const earliestTicks = this.lastDtsTicks + 1 + reorderedTicks;
    const startTicks = Math.max(Math.round(exactStartTicks), earliestTicks);
    return {
      offsetTicks: startTicks - reorderedTicks - sourceDts,
      startTicks,
      exactStartTicks: startTicks === Math.round(exactStartTicks) ? exactStartTicks : startTicks,
      lastSourceDtsTicks: sourceDts,
      lastPtsTicks: startTicks,
      lastAtMs: this.options.now(),
      pictures: 0,
      ...{ keyframeTicks: startTicks, held: false, interrupted: false, lateSinceMs: null },
    };
  }

  private jumpsAt(unit: PesUnit, stretch: Stretch): boolean {
    const step = unwrapTicks(unit.dtsTicks, stretch.lastSourceDtsTicks) - stretch.lastSourceDtsTicks;
    if (step <= 0) return true;
    if (step <= LONGEST_STEP_TICKS) return false;
    // The picture stood still if it was not sent for as long.
    const passedTicks = ((this.options.now() - stretch.lastAtMs) * TICKS_PER_SECOND) / 1_000;
    return passedTicks < step / 2;
  }

  /** Not rounded where the pictures have come at their rate, so that nothing adds up over many passes. */
  private endOf({ startTicks, exactStartTicks, lastPtsTicks, pictures }: Stretch): number {
    const shownTicks = lastPtsTicks - startTicks;
    const frameTicks =
      this.options.frameTicks ?? (pictures > 1 ? shownTicks / (pictures - 1) : USUAL_FRAME_TICKS);
    const exactTicks = pictures * frameTicks;
    return Math.abs(shownTicks + frameTicks - exactTicks) <= 2
      ? exactStartTicks + exactTicks
      : lastPtsTicks + frameTicks;
  }

  private wait(unit: PesUnit): void {
    this.waiting.push(unit);
    if (this.waiting.length > MAX_EARLY_UNITS) this.waiting.shift();
  }

  private takeOther(unit: PesUnit, stretch: Stretch): void {
    const { finite, frameTicks } = this.options;
    const ticks = unwrapTicks(unit.ptsTicks, stretch.lastSourceDtsTicks) + stretch.offsetTicks;
    if (Math.abs(ticks - stretch.lastPtsTicks) > FARTHEST_TICKS) return;
    if (finite && ticks >= stretch.lastPtsTicks + (frameTicks ?? USUAL_FRAME_TICKS)) this.wait(unit);
    else if (unit.kind === 'audio') this.takeAudio(unit, ticks, stretch);
    else if (ticks >= stretch.startTicks) this.send(unit, ticks, ticks);
  }

  private takeAudio(unit: PesUnit, ticks: number, { startTicks }: Stretch): void {
    const track = this.trackOf(unit.pid);
    if (track.shiftTicks === null) {
      const early = (track.nextTicks ?? startTicks) - ticks;
      // It would be heard twice, or before the first picture.
      if (early > track.frameTicks / 2) return;
      track.shiftTicks = track.nextTicks !== null && early >= -track.frameTicks / 2 ? early : 0;
    }
    const at = track.grid.place(ticks + track.shiftTicks);
    if (track.lastTicks !== null && at > track.lastTicks)
      track.frameTicks = Math.min(at - track.lastTicks, TICKS_PER_SECOND);
    track.lastTicks = at;
    track.nextTicks = at + track.frameTicks;
    this.send(unit, at, at);
  }

  private trackOf(pid: number): Track {
    const known = this.tracks.get(pid);
    if (known) return known;
    const stepTicks = this.options.grid?.audioTicks.get(pid) ?? null;
    const fresh = {
      ...{ nextTicks: null, frameTicks: stepTicks ?? USUAL_AUDIO_TICKS, lastTicks: null, shiftTicks: null },
      grid: new TickGrid(stepTicks),
    };
    this.tracks.set(pid, fresh);
    return fresh;
  }

  private send(unit: PesUnit, ptsTicks: number, dtsTicks: number, isStandIn = false): void {
    const pts = Math.round(ptsTicks);
    const dts = Math.round(dtsTicks);
    retimePackets(unit.packets, dts - unit.dtsTicks, pts - unit.ptsTicks);
    this.counters.set(unit.pid, renumberPackets(unit.packets, this.counters.get(unit.pid) ?? 0));
    this.options.onUnit({ ...unit, ptsTicks: wrapTicks(pts), dtsTicks: wrapTicks(dts) }, dtsTicks, isStandIn);
  }
}
