import { RateWatch } from '../../src/media/source/rate-watch';

const FRAME_TICKS = 3_600;
/** Whether it varies, of pictures at these places of a rate of 25. */
const varies = (places: readonly number[], finite = true): boolean => {
  const watch = new RateWatch(FRAME_TICKS, finite);
  return places.map((place) => watch.note(place * FRAME_TICKS)).some(Boolean);
};
const places = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('a steady picture, what containers round and what comes as fields is none', () => {
  expect(varies(places(1_000))).toBe(false);
  expect(varies(places(1_000).map((n) => n + (n % 3) * 0.14))).toBe(false);
  expect(varies(places(1_000).map((n) => n / 2))).toBe(false);
});

test('pictures that are left out here and there are found, wherever they begin', () => {
  for (const from of [0, 500]) expect(varies(places(800).filter((n) => n < from || n % 7 !== 3))).toBe(true);
  // Each fifth picture alone: a screen that is shared.
  expect(varies(places(200).filter((n) => n % 5 === 0))).toBe(true);
});

test('a few lost ones, a clock that was set and the next pass are no rate that varies', () => {
  expect(varies(places(2_000).filter((n) => n % 300 !== 7))).toBe(false);
  expect(varies([...places(100), ...places(100), ...places(100).map((n) => n + 1e6)])).toBe(false);
});

test('a picture that stands still within a file has to be filled up; a live one is by then', () => {
  const still = places(500).filter((n) => n < 100 || n > 300);
  expect(varies(still)).toBe(true);
  expect(varies(still, false)).toBe(false);
});
