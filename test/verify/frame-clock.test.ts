import { WRAP_TICKS } from '../../src/media/mpegts';
import { frameAt, gopStart, inferFrameClock, isTimeOf } from '../../src/verify/frame-clock';
import fc from '../support/fast-check';

/** Segments of a channel whose frame n stands at n * `frameTicks`, rounded. */
const segmentsOf = (frameTicks: number, framesPerGop: number, firstGop: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    durationSeconds: Number(((framesPerGop * frameTicks) / 90_000).toFixed(6)),
    ptsTicks: Array.from(
      { length: framesPerGop },
      (_, k) => Math.round(((firstGop + i) * framesPerGop + k) * frameTicks) % WRAP_TICKS,
    ),
  }));

describe('the frame clock', () => {
  it('is found for every frame rate and GOP duration, also across the wrap', () => {
    const rate = fc.oneof(fc.integer({ min: 2, max: 120 }), fc.constantFrom(24_000 / 1001, 30_000 / 1001));
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 100_000 }),
        (fps, s, gop) => {
          const frameTicks = 90_000 / fps;
          const framesPerGop = Math.round(fps * s);
          const segments = segmentsOf(frameTicks, framesPerGop, gop, 40);
          const clock = inferFrameClock(segments)!;
          expect(clock.framesPerGop).toBe(framesPerGop);
          expect(clock.frameTicks).toBeCloseTo(frameTicks, 6);
          const last = (gop + 40) * framesPerGop - 1;
          const lastPts = segments.at(-1)!.ptsTicks.at(-1)!;
          expect(isTimeOf(last, lastPts, clock)).toBe(true);
          expect(isTimeOf(last, lastPts + 2, clock)).toBe(false);
          expect(isTimeOf(last - 1, lastPts, clock)).toBe(false);
          expect(frameAt(gopStart(gop, clock), clock)).toBe(gop * framesPerGop);
        },
      ),
    );
  });

  it('is not moved by a minority of damaged segments', () => {
    const segments = segmentsOf(3_600, 50, 0, 5);
    segments[1]!.ptsTicks = segments[1]!.ptsTicks.filter((_, i) => i % 2 === 0);
    segments[3]!.durationSeconds = 1;
    expect(inferFrameClock(segments)).toEqual({ frameTicks: 3_600, framesPerGop: 50 });
  });

  it('can not be found in nothing', () => {
    expect(inferFrameClock([])).toBeNull();
    expect(inferFrameClock([{ durationSeconds: 2, ptsTicks: [0] }])).toBeNull();
  });
});
