import { channelWithDefaults, type ChannelSpec, type Rendition } from '../domain';
import { upperMedian } from '../domain/statistics';

/** What one channel was seen to do in a sample of time. */
export interface LadderSample {
  viewers: number;
  rungs: number;
  units: number;
}

const UNIT_HEIGHT_PX = 180;
const UNIT_WIDTH_PX = 320;
const MAX_RUNGS = 8;

/** A rendition that costs a number of units: how many pixels it has, not their shape, is what counts. */
const renditionOf = (index: number, units: number): Rendition => ({
  name: `rung${index + 1}`,
  widthPx: Math.min(7680, Math.max(16, 2 * Math.round((units * UNIT_WIDTH_PX) / 2))),
  heightPx: UNIT_HEIGHT_PX,
  crf: 26,
  maxBitrateKbps: 1_000,
});

/** The mark that tells two sets of audiences apart with the fewest mistakes. */
const markBetween = (below: readonly number[], above: readonly number[]): number => {
  const low = [...below].sort((a, b) => a - b);
  const candidates = [...above].sort((a, b) => a - b);
  const mistakes = (mark: number): number =>
    low.filter((v) => v >= mark).length + candidates.filter((v) => v < mark).length;
  const step = Math.max(1, Math.floor(candidates.length / 50));
  let best = candidates[0] ?? 0;
  let fewest = mistakes(best);
  for (let i = step; i < candidates.length; i += step) {
    const mark = candidates[i] as number;
    const made = mistakes(mark);
    if (made < fewest) [best, fewest] = [mark, made];
  }
  return best;
};

/**
 * A channel as its history shows it: what each number of rungs cost, and from how many viewers on it was given. Rungs
 * that it never had in that time are not known and not simulated.
 *
 * @param samples of its time on air; not empty
 */
export const learnSpec = (id: string, region: string, samples: readonly LadderSample[]): ChannelSpec => {
  const seen = [...new Set(samples.map((s) => s.rungs))]
    .filter((rungs) => rungs > 0 && rungs <= MAX_RUNGS)
    .sort((a, b) => a - b);
  const withRungs = (rungs: number): LadderSample[] => samples.filter((s) => s.rungs === rungs);
  const ladder: Rendition[] = [];
  const viewersPerRung: number[] = [];
  let cost = 0;
  for (const [i, rungs] of seen.entries()) {
    const total = upperMedian(withRungs(rungs).map((s) => s.units)) ?? 0;
    ladder.push(renditionOf(i, Math.max(0.05, total - cost)));
    cost = Math.max(cost, total);
    const before = seen[i - 1];
    if (before === undefined) continue;
    const mark = markBetween(
      withRungs(before).map((s) => s.viewers),
      withRungs(rungs).map((s) => s.viewers),
    );
    viewersPerRung.push(Math.max(mark, viewersPerRung[i - 2] ?? 0));
  }
  return { ...channelWithDefaults(id), region, ladder, viewersPerRung };
};
