import { PartialSegments, type ListedOpenGop } from '../../src/media/origin/partial-segments';

/** What the status tells of how close to live parts are. */

const GOP = 180_000;
const openGop = (gop: number): ListedOpenGop =>
  ({
    ...{ gop, token: 1, run: 'r', ownFrom: 0, renditions: [], bytes: [] },
    partials: [
      { token: 1, startTicks: gop * GOP, endTicks: gop * GOP + 43_200, independent: true, places: [] },
    ],
  }) as unknown as ListedOpenGop;
const told = (segments: PartialSegments, nextGop: number) =>
  segments.describe({ framesPerSecond: 25, gopDurationTicks: GOP, ownership: { nextGop } })!
    .captureToPartialMs;

test('is told while there are parts, and no longer', () => {
  const segments = new PartialSegments(480);
  expect(told(segments, 0)).toBeNull();
  segments.add(openGop(7), 700);
  expect(told(segments, 7)).toEqual({ median: 700, p95: 700, partials: 1 });
  // One GOP that came whole is no end of it.
  expect(told(segments, 9)).not.toBeNull();
  expect(told(segments, 24)).toBeNull();
  segments.add(openGop(24), 800);
  segments.clear();
  expect(told(segments, 0)).toBeNull();
});
