import { PointPace } from '../../src/collector/point-pace';

const series = Array.from({ length: 1_000 }, (_, place) => place);

test('in a small cell every series has a point at every poll', () => {
  const pace = new PointPace(1_000);
  pace.begin(1_000);
  expect(series.every((place) => pace.isDue(place))).toBe(true);
});

test('in a large one no poll writes more than the bound, and each series has its turn equally often', () => {
  const pace = new PointPace(300);
  const written = new Map<number, number>();
  for (let poll = 0; poll < 8; poll += 1) {
    pace.begin(1_000);
    const due = series.filter((place) => pace.isDue(place));
    expect(due.length).toBeLessThanOrEqual(300);
    for (const place of due) written.set(place, (written.get(place) ?? 0) + 1);
  }
  expect([...written.values()]).toEqual(series.map(() => 2));
});
