import { ReleasePace } from '../../src/media/source/release-pace';

const FRAME_MS = 40;
const FRAME_TICKS = 3_600;

/** When pictures that arrive at these times are passed on; picture n has decoding time n/25 s, or `ticksOf(n)`. */
const releases = (
  arrivalsMs: readonly number[],
  ticksOf = (n: number): number => n * FRAME_TICKS,
): number[] => {
  const pace = new ReleasePace();
  return arrivalsMs.map((ms, n) => pace.dueMs(ticksOf(n), ms));
};
const pictures = (seconds: number): number[] => Array.from({ length: seconds * 25 }, (_, n) => n);
const steps = (ms: readonly number[]): number[] => ms.slice(1).map((at, i) => at - ms[i]!);

it('passes on at once what arrives in time', () => {
  const arrivals = pictures(100).map((n) => 7_000 + n * FRAME_MS);
  expect(releases(arrivals)).toEqual(arrivals);
});

it('keeps the pace of a file that is there at once', () => {
  expect(steps(releases(pictures(100).map(() => 5)))).toEqual(Array(2_499).fill(FRAME_MS));
});

it('gives HLS of 10 s a cushion of one segment, and then brings a picture every 40 ms', () => {
  // One segment at a time, each when the one before has been played.
  const due = releases(pictures(100).map((n) => Math.floor(n / 250) * 10_000 + (n < 250 ? 0 : 1_500)));
  const waits = steps(due).filter((step) => Math.abs(step - FRAME_MS) > 0.01);
  expect(waits).toEqual([FRAME_MS + 1_500]);
});

it('does not use up the cushion that the first segments of a live playlist make', () => {
  const due = releases(pictures(200).map((n) => Math.max(0, Math.floor(n / 250) - 2) * 10_000));
  expect(steps(due).every((step) => Math.abs(step - FRAME_MS) < 0.01)).toBe(true);
});

it('makes all later pictures as late as the latest one, and no later', () => {
  const arrivals = pictures(20).map((n) => n * FRAME_MS + (n === 100 ? 300 : 0));
  const due = releases(arrivals);
  expect(due.slice(0, 100)).toEqual(arrivals.slice(0, 100));
  expect(due.slice(100)).toEqual(
    pictures(20)
      .slice(100)
      .map((n) => n * FRAME_MS + 300),
  );
});

it('follows a clock that runs 2 % fast: what waits stays within a few seconds', () => {
  const arrivals = pictures(1_200).map((n) => (n * FRAME_MS) / 1.02);
  const early = releases(arrivals).map((due, n) => due - arrivals[n]!);
  expect(Math.max(...early)).toBeLessThan(5_000);
  expect(Math.min(...early)).toBeGreaterThanOrEqual(0);
  const stepped = steps(releases(arrivals));
  expect(Math.min(...stepped)).toBeGreaterThan(FRAME_MS * 0.94);
  expect(Math.max(...stepped)).toBeLessThan(FRAME_MS * 1.01);
});

it('follows a clock that runs 2 % slow', () => {
  const arrivals = pictures(100).map((n) => n * FRAME_MS * 1.02);
  expect(releases(arrivals)).toEqual(arrivals);
});
