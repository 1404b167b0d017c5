import { judgePlayer, type Shown, type Watched } from '../../bench/players/judge';

const CLOCK = { framesPerSecond: 25, gopMs: 2_000, beganAtMs: 1_000_000 };
const LATENCY_MS = 6_000;
const FIRST = 100;

/** A player that shows these pictures, each at its time. */
const watched = (counters: number[], change: (shown: Shown[]) => void = () => undefined): Watched => {
  const shown = counters.map((counter, i): Shown => [
    CLOCK.beganAtMs + counter * 40 + LATENCY_MS,
    counter,
    1.79e9 + counter / 25,
    i + 1,
    0,
  ]);
  change(shown);
  return { name: 'a player', shown, stalls: [], standing: 40, errors: [], others: [] };
};
const run = (length: number): number[] => Array.from({ length }, (_, i) => FIRST + i);

test('a player that shows everything', () => {
  expect(judgePlayer(watched(run(500)), CLOCK)).toEqual({
    player: 'a player',
    framesShown: 500,
    framesDropped: 0,
    framesMissing: 0,
    framesRepeated: 0,
    framesWrong: 0,
    stallsOverGop: 0,
    longestStallMs: 40,
    mediaErrors: 0,
    latencyMsP50: LATENCY_MS,
  });
});

test('pictures that are not there are missing; those that came too late are dropped', () => {
  const holed = [...run(100), ...run(500).slice(150)];
  expect(judgePlayer(watched(holed), CLOCK)).toMatchObject({ framesMissing: 50, framesDropped: 0 });
  const late = watched(holed, (shown) => {
    for (const picture of shown.slice(100)) picture[4] = 50;
  });
  expect(judgePlayer(late, CLOCK)).toMatchObject({ framesMissing: 0, framesDropped: 50 });
});

test('pictures that the page did not see but the player showed are not missing', () => {
  const unseen = watched(
    run(100).filter((_, i) => i % 3 === 0 || i === 99),
    (shown) => {
      for (const picture of shown) picture[3] = picture[1]! - FIRST;
    },
  );
  expect(judgePlayer(unseen, CLOCK).framesMissing).toBe(0);
});

test('a picture again is repeated; before an earlier one, or at the time of another, it is wrong', () => {
  const again = watched([...run(50), FIRST + 49, ...run(100).slice(50)], (shown) => {
    for (const picture of shown.slice(50)) picture[2] += 0.04;
  });
  expect(judgePlayer(again, CLOCK)).toMatchObject({ framesMissing: 0, framesRepeated: 1 });
  expect(judgePlayer(watched([...run(10), ...run(10)]), CLOCK).framesWrong).toBe(1);
  const shifted = watched(run(100), (shown) => {
    for (const picture of shown.slice(50)) picture[2] += 0.08;
  });
  expect(judgePlayer(shifted, CLOCK)).toMatchObject({ framesMissing: 0, framesWrong: 1 });
});

test('a page that reads the next picture too early is no fault of the player', () => {
  const early = watched(run(100), (shown) => {
    for (const i of [0, 30, 99]) shown[i]![1]! += 1;
  });
  expect(judgePlayer(early, CLOCK)).toMatchObject({ framesMissing: 0, framesRepeated: 0, framesWrong: 0 });
});

test('a standstill of more than a GOP counts, also the one that goes on', () => {
  const stalled = { ...watched(run(10)), stalls: [1_900, 2_100], standing: 9_000 };
  expect(judgePlayer(stalled, CLOCK)).toMatchObject({ stallsOverGop: 2, longestStallMs: 9_000 });
});

test('a picture that can not be read is left out; a player that showed nothing has no latency', () => {
  const faint = watched(run(100), (shown) => (shown[50]![1] = null));
  expect(judgePlayer(faint, CLOCK)).toMatchObject({ framesMissing: 0, framesWrong: 0, framesShown: 100 });
  expect(judgePlayer(watched([]), CLOCK)).toMatchObject({ framesShown: 0, latencyMsP50: null });
});
