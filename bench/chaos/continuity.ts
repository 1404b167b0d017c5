import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { masterPlaylistUrl } from '../../src/contracts/origin';
import type { CheckedStretch, Stretch } from './continuity-check';
import type { CheckAnswer, CheckRequest } from './continuity-main';

export interface ContinuityTotals {
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  framesInvalid: number;
  /** GOPs listed with EXT-X-GAP, by channel. */
  gaps: Map<string, number>;
  problems: string[];
}

/** Asked for beyond the stretch itself; more where that was too little, as the clock of the origin was set. */
const SPARE_SECONDS = 20;
const MOST_SPARE_SECONDS = 600;

/**
 * The continuity check of a long run, stretch by stretch, so that it ends soon after the run and needs no more
 * retention than a few minutes. A stretch that can't be fetched, as the origin is away, is checked with the next one.
 */
export class Continuity {
  readonly totals: ContinuityTotals = {
    ...{ framesChecked: 0, framesLost: 0, framesRepeated: 0, framesInvalid: 0 },
    gaps: new Map(),
    problems: [],
  };
  private readonly next = new Map<string, { gop: number; sinceMs: number; spareSeconds: number }>();
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (answer: CheckAnswer) => void>();
  private asked = 0;
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: {
      originUrl: string;
      key: Buffer;
      ffmpegPaths: string[];
      /** Channels whose pictures carry no stamps. */
      unstamped?: readonly string[];
      /** Program of the process that checks; absent: the compiled one. */
      program?: { path: string; nodeArgs: string[] };
    },
  ) {
    const { path, nodeArgs } = options.program ?? {
      path: join(__dirname, 'continuity-main.js'),
      nodeArgs: [],
    };
    this.child = fork(path, { execArgv: nodeArgs, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child.on('message', (answer: CheckAnswer) => {
      this.waiting.get(answer.number)?.(answer);
      this.waiting.delete(answer.number);
    });
    this.child.once('exit', () => {
      for (const [number, settle] of this.waiting) settle({ number, error: 'the check ended by itself' });
      this.waiting.clear();
    });
  }

  /** Begins to check a channel, from a GOP on. */
  add(channelId: string, fromGop: number): void {
    this.next.set(channelId, { gop: fromGop, sinceMs: Date.now(), spareSeconds: SPARE_SECONDS });
  }

  /** First GOP of a channel that has not been checked. */
  nextGopOf(channelId: string): number | undefined {
    return this.next.get(channelId)?.gop;
  }

  /** No more of a channel is to be checked. What was not, up to its last GOP, counts as a problem. */
  forget(channelId: string, lastGop: number): void {
    const next = this.nextGopOf(channelId);
    this.next.delete(channelId);
    if (next !== undefined && next <= lastGop)
      this.totals.problems.push(`${channelId}: GOPs ${next}-${lastGop} could not be checked`);
  }

  /**
   * Checks what channels have published since their last stretch; one call at a time.
   * @param isLast nothing more will come of them: what can't be had counts as lost
   */
  check(channelIds: readonly string[] = [...this.next.keys()], isLast = false): Promise<void> {
    this.underWay = this.underWay.then(async () => {
      for (const id of channelIds) await this.checkChannel(id, isLast);
    });
    return this.underWay;
  }

  /** Ends the process that checks. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private async checkChannel(channelId: string, isLast: boolean): Promise<void> {
    const next = this.next.get(channelId);
    if (!next) return;
    const stretch: Stretch = {
      channelId,
      playlistUrl: masterPlaylistUrl(this.options.originUrl, channelId),
      fromGop: next.gop,
      unstamped: this.options.unstamped?.includes(channelId) ?? false,
      windowSeconds:
        Math.ceil((Date.now() - next.sinceMs) / 1000) + (isLast ? MOST_SPARE_SECONDS : next.spareSeconds),
    };
    const beganAtMs = Date.now();
    const { checked, error } = await this.ask(stretch, isLast);
    if (checked) this.count(checked, beganAtMs);
    else next.spareSeconds = Math.min(MOST_SPARE_SECONDS, 3 * next.spareSeconds);
    if (!checked && isLast)
      this.totals.problems.push(`${channelId} from GOP ${next.gop}: ${error ?? 'nothing more'}`);
    if (isLast) this.next.delete(channelId);
  }

  private count({ channelId, toGop, report }: CheckedStretch, beganAtMs: number): void {
    const { totals } = this;
    totals.framesChecked += report.framesChecked;
    totals.framesLost += report.framesLost;
    totals.framesRepeated += report.framesRepeated;
    totals.framesInvalid += report.framesInvalid;
    // Every rendition of a channel lists the same gaps.
    const gaps = Math.max(...report.playlists.map((p) => p.gapsDeclared));
    totals.gaps.set(channelId, (totals.gaps.get(channelId) ?? 0) + gaps);
    for (const { rendition, problems } of report.playlists) {
      totals.problems.push(...problems.map((problem) => `${channelId}/${rendition}: ${problem}`));
    }
    this.next.set(channelId, { gop: toGop + 1, sinceMs: beganAtMs, spareSeconds: SPARE_SECONDS });
  }

  private ask(stretch: Stretch, isLast: boolean): Promise<CheckAnswer> {
    const number = (this.asked += 1);
    const { key } = this.options;
    // One build after the other: both see all kinds of stretches, at half the cost.
    const ffmpegPaths = [this.options.ffmpegPaths[number % this.options.ffmpegPaths.length]!];
    return new Promise((resolve) => {
      this.waiting.set(number, resolve);
      const request: CheckRequest = { number, stretch, keyHex: key.toString('hex'), ffmpegPaths, isLast };
      if (!this.child.connected || !this.child.send(request)) {
        if (this.child.connected) return;
        this.waiting.delete(number);
        resolve({ number, error: 'the check has ended' });
      }
    });
  }
}
