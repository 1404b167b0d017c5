import { crossingTo, type Side } from '../../src/media/source/crossing';
import fc from '../support/fast-check';

const FRAME = 3_600;
const GOP = 25 * FRAME;
const how = { frameTicks: FRAME, debtMs: 0 };
const WRAP = 2 ** 33;

/** Keyframes a second apart, on a clock of the sender that is `offsetTicks` behind what is sent. */
const side = (options: {
  count: number;
  offsetTicks?: number;
  startTicks?: number;
  startMs?: number;
  keepsClock?: boolean;
  group?: number;
}): Side => {
  const { count, offsetTicks = 0, startTicks = 0, startMs = 0, keepsClock = true, group = 0 } = options;
  return {
    keepsClock,
    keyframes: Array.from({ length: count }, (_, i) => ({
      group: group + i,
      ptsTicks: startTicks + offsetTicks + i * GOP,
      sourceTicks: startTicks + i * GOP,
      passedMs: startMs + i * 1_000,
    })),
  };
};

test('two ways of one programme go on at the same picture, wherever their clocks stand', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.integer({ min: 0, max: WRAP }), fc.nat(5_000), (at, startTicks, lateMs) => {
      const from = side({ count: 25, startTicks, offsetTicks: 900 });
      const to = side({ count: 25, startTicks, offsetTicks: -4_500, startMs: lateMs, group: 7 });
      const resume = (startTicks + 900 + at * GOP) % WRAP;
      expect(crossingTo(to, from, resume, how)).toEqual({ group: 7 + at, framesMissing: 0, laterMs: 0 });
    }),
  );
});

test('a way that is behind is waited for', () => {
  const to = side({ count: 5, startMs: 1_500 });
  expect(crossingTo(to, side({ count: 8 }), 5 * GOP, how)).toEqual({
    ...{ group: 5, framesMissing: 0, laterMs: 0 },
  });
});

test('where no keyframe stands at the start of the GOP, what is missing is counted', () => {
  const from = side({ count: 10 });
  const to = { ...from, keyframes: from.keyframes.filter((_, i) => i % 2 === 0) };
  expect(crossingTo(to, from, 5 * GOP, how)).toMatchObject({ group: 6, framesMissing: 25 });
});

test('a keyframe that repeats a picture is none to go on with', () => {
  const from = side({ count: 10 });
  const stoodStill = (frame: Side['keyframes'][number]): boolean => frame.group >= 3 && frame.group < 7;
  const to = { ...from, keyframes: from.keyframes.map((each) => ({ ...each, isStandIn: stoodStill(each) })) };
  expect(crossingTo(to, from, 5 * GOP, how)).toMatchObject({ group: 7, framesMissing: 50 });
  // On whose clock the relay is, that one's place is known from them too.
  expect(crossingTo(from, to, 5 * GOP, how)).toMatchObject({ group: 5, framesMissing: 0 });
});

test('another programme goes on with what came at the same moment, and lateness does not add up', () => {
  const from = side({ count: 10 });
  const other = side({ count: 10, startTicks: 777, startMs: 400 });
  const crossing = crossingTo(other, from, 5 * GOP, how);
  expect(crossing).toEqual({ group: 5, framesMissing: null, laterMs: 400 });
  // It was late by as much before: this time it begins earlier.
  expect(crossingTo(other, from, 5 * GOP, { ...how, debtMs: 400 })).toMatchObject({
    group: 4,
    laterMs: -600,
  });
  // Clocks that are not the senders' own say nothing, though they may agree.
  const foreign = side({ count: 10, startMs: 3_000, keepsClock: false });
  expect(crossingTo(foreign, from, 5 * GOP, how)).toMatchObject({ group: 2, framesMissing: null });
});

test('without anything to go by, the newest goes on', () => {
  expect(crossingTo(side({ count: 3, group: 4 }), null, null, how)).toMatchObject({ group: 6 });
});
