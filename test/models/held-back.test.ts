import type { DemandCurve } from '../../src/domain';
import {
  ScaledSeries,
  canHoldBack,
  evidenceIn,
  heldBackFrom,
  heldBackWindows,
  judgeCandidate,
  scoreWindows,
  type Evidence,
} from '../../src/forecast/net';
import { DAY_STEPS, STEP_SECONDS, datasetOf } from './support/datasets';

const seriesOf = (histories: (number | null)[][]): ScaledSeries[] =>
  histories
    .map(
      (history, i) =>
        new ScaledSeries({
          ...{ id: `viewers/ch-${i + 1}`, history, startMs: 0 },
          ...{ stepSeconds: STEP_SECONDS, daySteps: DAY_STEPS, horizonSteps: 8 },
        }),
    )
    .filter(canHoldBack);
const measured = (): (number | null)[][] => datasetOf(3).series.map(({ history }) => [...history]);
const heldBackSteps = heldBackFrom(seriesOf(measured())[0]!);

/** What is done with a candidate that forecasts the same as the model in use. */
const judged = (histories: (number | null)[][]) => {
  const windows = heldBackWindows(seriesOf(histories));
  const same: DemandCurve[] = windows.map(({ horizonSteps }) => {
    const level = new Array<number>(horizonSteps).fill(100);
    return { p10: level, p50: level, p90: level };
  });
  const score = scoreWindows(windows, same);
  return { score, ...judgeCandidate({ evidence: evidenceIn(windows), candidate: score, inUse: score }) };
};

test('with the part held back measured, a candidate that is no worse is accepted', () => {
  expect(judged(measured())).toMatchObject({ accepted: true, why: expect.stringMatching(/^not worse/) });
});

test('a swarm that was stopped for as long as is held back: 0.000 against 0.000 promotes nothing', () => {
  const stopped = measured().map((history) => history.map((v, step) => (step < heldBackSteps ? v : null)));
  expect(judged(stopped)).toMatchObject({
    score: { pinball: 0 },
    accepted: false,
    why: 'too little to judge it by: 0 of the 144 steps held back were measured',
  });
});

test('a few steps measured since the start are too little', () => {
  const justStarted = measured().map((history) =>
    history.map((v, step) => (step < heldBackSteps || step >= history.length - 20 ? v : null)),
  );
  expect(judged(justStarted)).toMatchObject({
    accepted: false,
    why: expect.stringMatching(/60 of the 144 steps/),
  });
});

test('an audience that repeats itself exactly tells nothing of a forecast', () => {
  const nobody = measured().map((history) => history.map(() => 0));
  expect(judged(nobody)).toMatchObject({
    accepted: false,
    why: 'too little to judge it by: each of the 144 steps held back was as it was a day before',
  });
});

test.each<[string, Evidence | undefined]>([
  ['no series is long enough to hold windows back', { steps: 0, measured: 0, changed: 0 }],
  ['a release evaluated it that did not count', undefined],
])('nothing is promoted where %s', (_, evidence) => {
  const score = { pinball: 0.4, cover80: 0.8, over90: 0.1 };
  expect(judgeCandidate({ evidence, candidate: score, inUse: { ...score, pinball: 0.5 } }).accepted).toBe(
    false,
  );
});
