import { SPLICE_TOLERANCE_TICKS, gopOf, gopStartTicks } from '../../domain';
import type { Logger } from '../../platform/logger';
import type { CutMark } from '../mpegts';
import type { EncodeRun, RunEnd, RunOptions } from './encode-run';
import type { EncodedGop } from './types';

/** What is needed of an EncodeRun. */
export type CutRun = Pick<EncodeRun, 'start' | 'stop' | 'takePartial'>;

export interface CutEncodesOptions {
  gopDurationTicks: number;
  startRun(options: Pick<RunOptions, 'fromGop' | 'cutTicks' | 'maxGops' | 'onGop' | 'onEnd'>): CutRun;
  /** A GOP that was waited for is there, or will not be. */
  onSettled(): void;
  log: Logger;
}

interface CutGop {
  key: string;
  run: CutRun | null;
  result: EncodedGop | 'none' | null;
}

/** How long a GOP waits for its cut, once it is there uncut; then it is published uncut. */
const PATIENCE_MS = 5_000;
/** The GOP before, to warm the rate control; the GOP; and the picture of the next one that ends it. */
const RUN_GOPS = 3;

/**
 * Encodes the GOPs that are cut at a splice. ffmpeg takes the times of key frames when it starts, and a splice is known a
 * few seconds ahead at best. So such a GOP is encoded a second time, beside the run that goes on, by a run of its own
 * that knows its cuts; the uncut one is what is left if that fails. All that follows stays as it is.
 */
export class CutEncodes {
  private cutTicks: number[] = [];
  private readonly gops = new Map<number, CutGop>();
  private patience: NodeJS.Timeout | null = null;

  constructor(private readonly options: CutEncodesOptions) {}

  /** What the feed tells of cuts. */
  tell({ fromTicks, cutTicks }: CutMark): void {
    this.cutTicks = [...this.cutTicks.filter((ticks) => ticks < fromTicks), ...cutTicks];
  }

  /**
   * Starts what is due.
   * @param nextGop the first GOP that was not given
   * @param dueGop the GOP that is being encoded
   */
  look(nextGop: number, dueGop: number): void {
    this.forgetBefore(nextGop);
    const cutsByGop = this.cutsByGop();
    for (const [gop, { run, result }] of this.gops) {
      if (cutsByGop.has(gop) || result) continue;
      run?.stop();
      this.gops.delete(gop);
    }
    for (const [gop, cuts] of cutsByGop) {
      if (gop > dueGop + 1) continue;
      const key = cuts.join();
      const known = this.gops.get(gop);
      // A GOP that is done stays as it is: a change that comes so late has missed it.
      if (known?.key === key || known?.result) continue;
      known?.run?.stop();
      const entry: CutGop = { key, run: null, result: null };
      this.gops.set(gop, entry);
      this.begin(entry, gop, cuts, Math.max(0, gop - 1));
    }
  }

  /** What to publish of a GOP that is there uncut: another encode of it, itself ('none'), or nothing yet (null). */
  resultOf(gop: number): EncodedGop | 'none' | null {
    const entry = this.gops.get(gop);
    if (!entry) return 'none';
    if (entry.result === null) this.wait(entry, gop);
    return entry.result;
  }

  /** The encode of a GOP that is being cut. */
  runOf(gop: number): Pick<CutRun, 'takePartial'> | undefined {
    return this.gops.get(gop)?.run ?? undefined;
  }

  /** Where a GOP is being cut. */
  ticksIn(gop: number): number[] {
    const entry = this.gops.get(gop);
    return entry && entry.result !== 'none' ? entry.key.split(',').map(Number) : [];
  }

  /** Ends what is under way; what the feed told is kept. */
  restart(): void {
    for (const { run } of this.gops.values()) run?.stop();
    this.gops.clear();
    this.stopWaiting();
  }

  private cutsByGop(): Map<number, number[]> {
    const { gopDurationTicks } = this.options;
    const byGop = new Map<number, number[]>();
    for (const ticks of [...this.cutTicks].sort((a, b) => a - b)) {
      const gop = gopOf(ticks, gopDurationTicks);
      // At the beginning of a GOP there is a cut anyhow.
      if (ticks - SPLICE_TOLERANCE_TICKS <= gopStartTicks(gop, gopDurationTicks)) continue;
      byGop.set(gop, [...(byGop.get(gop) ?? []), ticks]);
    }
    return byGop;
  }

  private begin(entry: CutGop, gop: number, cutTicks: number[], fromGop: number): void {
    const run = this.options.startRun({
      ...{ fromGop, cutTicks, maxGops: RUN_GOPS },
      onGop: (made) => {
        if (made.gop === gop) this.settle(entry, made);
      },
      onEnd: (end) => this.ended(entry, gop, end, fromGop),
    });
    entry.run = run;
    void run.start();
  }

  private ended(entry: CutGop, gop: number, end: RunEnd, fromGop: number): void {
    if (entry.result !== null || this.gops.get(gop) !== entry) return;
    const hasNoWarmUp = end.kind === 'refused' && end.error.code === 'gop-left-ring' && fromGop < gop;
    if (hasNoWarmUp) {
      const { key } = entry;
      this.begin(entry, gop, key.split(',').map(Number), gop);
      return;
    }
    this.options.log.warn({ gop, why: wordsOf(end) }, 'a GOP could not be cut at its splice');
    this.settle(entry, 'none');
  }

  private settle(entry: CutGop, result: EncodedGop | 'none'): void {
    if (entry.result !== null) return;
    entry.result = result;
    entry.run?.stop();
    entry.run = null;
    this.stopWaiting();
    this.options.onSettled();
  }

  private wait(entry: CutGop, gop: number): void {
    if (this.patience) return;
    this.patience = setTimeout(() => {
      this.patience = null;
      this.options.log.warn({ gop }, 'a GOP is not cut at its splice: it took too long');
      this.settle(entry, 'none');
    }, PATIENCE_MS);
  }

  private stopWaiting(): void {
    if (this.patience) clearTimeout(this.patience);
    this.patience = null;
  }

  private forgetBefore(gop: number): void {
    const { gopDurationTicks } = this.options;
    for (const [known, { run }] of this.gops) {
      if (known >= gop) continue;
      run?.stop();
      this.gops.delete(known);
    }
    this.cutTicks = this.cutTicks.filter((ticks) => gopOf(ticks, gopDurationTicks) >= gop);
  }
}

const wordsOf = (end: RunEnd): string =>
  end.kind === 'refused' ? end.error.message : end.kind === 'crashed' ? end.message : 'the feed ended';
