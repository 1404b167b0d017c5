import { noEvidence, rolloutMetrics, type Evidence, type RolloutMetric } from '../../src/domain';
import { verdictInWords } from '../../src/domain/rollout-words';
import { eValueAbove, eValueBelow } from '../../src/versions/e-values';
import { judgeBuild } from '../../src/versions/verdict';

const rates = { falseAlarmRate: 0.01, falseGoodRate: 0.05 };
/** The same for each metric, but for those that are named. */
const evidenceOf = (
  [comparisons, worse]: [number, number],
  others: Partial<Record<RolloutMetric, [number, number]>> = {},
): Evidence => {
  const evidence = noEvidence();
  for (const metric of rolloutMetrics) {
    const [n, k] = others[metric] ?? [comparisons, worse];
    evidence[metric] = { comparisons: n, worse: k, newSum: 2 * n, oldSum: 3 * n };
  }
  return evidence;
};

test.each<[RolloutMetric, number, number]>([
  ['quality', 0.1, 0.5],
  ['speed', 0.1, 0.4],
  ['lateness', 0.01, 0.25],
  ['losses', 0.01, 0.2],
  ['cpu', 0.2, 0.5],
])(
  '%s: %d of comparisons may be worse by chance, from %d on that is harmful',
  (metric, tolerated, harmful) => {
    const verdict = judgeBuild(evidenceOf([20, 3]), rates, 0);
    expect(verdict.metrics[metric].eWorse).toBe(eValueAbove(20, 3, tolerated));
    expect(verdict.metrics[metric].eGood).toBe(eValueBelow(20, 3, harmful));
  },
);

test('each metric is told with its comparisons and the means of both builds, which nothing has without any', () => {
  const { metrics, atMs } = judgeBuild(evidenceOf([4, 1], { cpu: [0, 0] }), rates, 77);
  expect(metrics.speed).toMatchObject({ comparisons: 4, worse: 1, newMean: 2, oldMean: 3 });
  expect(metrics.cpu).toMatchObject({ comparisons: 0, worse: 0, newMean: null, oldMean: null });
  expect(atMs).toBe(77);
});

describe('a build is worse', () => {
  test('when the mean of the e-values reaches the limit, and not before', () => {
    // Without any comparison each e-value is 1, so is their mean.
    const none = evidenceOf([0, 0]);
    expect(judgeBuild(none, { falseAlarmRate: 1, falseGoodRate: 0.05 }, 0)).toMatchObject({
      ...{ outcome: 'worse', eWorse: 1, worseFrom: 1, goodFrom: 20 },
    });
    expect(judgeBuild(none, { falseAlarmRate: 0.99, falseGoodRate: 0.05 }, 0).outcome).toBe('undecided');
  });

  test('also where it is good in each metric', () => {
    expect(judgeBuild(evidenceOf([0, 0]), { falseAlarmRate: 1, falseGoodRate: 1 }, 0).outcome).toBe('worse');
  });

  test('by a mean over all metrics, so that one alone must tell more', () => {
    const evidence = evidenceOf([0, 0], { losses: [10, 4] });
    const alone = eValueAbove(10, 4, 0.01);
    const { eWorse, outcome } = judgeBuild(evidence, rates, 0);
    expect(eWorse).toBeCloseTo((4 + alone) / 5, 6);
    expect(outcome).toBe('worse');
  });
});

describe('a build is good', () => {
  test('when the e-value of each metric reaches the limit, and not before', () => {
    const none = evidenceOf([0, 0]);
    expect(judgeBuild(none, { falseAlarmRate: 0.01, falseGoodRate: 1 }, 0).outcome).toBe('good');
    expect(judgeBuild(none, { falseAlarmRate: 0.01, falseGoodRate: 0.99 }, 0).outcome).toBe('undecided');
  });

  test.each(rolloutMetrics.map((metric) => [metric]))('not while nothing is known of %s', (metric) => {
    expect(judgeBuild(evidenceOf([50, 0]), rates, 0).outcome).toBe('good');
    expect(judgeBuild(evidenceOf([50, 0], { [metric]: [0, 0] }), rates, 0).outcome).toBe('undecided');
  });
});

describe('the verdict in words', () => {
  const wordsOf = (evidence: Evidence): string => verdictInWords(judgeBuild(evidence, rates, 0));

  test('of a worse build names the metric that says so most', () => {
    const verdict = judgeBuild(evidenceOf([40, 0], { lateness: [40, 20], cpu: [40, 9] }), rates, 0);
    expect(verdictInWords(verdict)).toBe(
      `worse, above all in lateness: worse in 20 of 40 comparisons, 2.00 against 3.00 (e-value ${verdict.eWorse.toPrecision(3)}, limit 100)`,
    );
    expect(wordsOf(evidenceOf([9, 9]))).toMatch(/^worse, above all in lateness: worse in 9 of 9/);
  });

  test('of a good build names the metric that came closest', () => {
    expect(wordsOf(evidenceOf([100, 0], { speed: [100, 12] }))).toBe(
      'good in every metric; closest was speed: worse in 12 of 100 comparisons',
    );
  });

  test('of an undecided one names the metric of which least is known, the first of like ones', () => {
    const verdict = judgeBuild(evidenceOf([100, 0], { cpu: [4, 0] }), rates, 0);
    expect(verdictInWords(verdict)).toBe(
      `undecided; least is known of cpu: worse in 0 of 4 comparisons (e-value ${verdict.metrics.cpu.eGood.toPrecision(3)} of 20)`,
    );
    expect(wordsOf(evidenceOf([0, 0]))).toBe(
      'undecided; least is known of quality: worse in 0 of 0 comparisons (e-value 1.00 of 20)',
    );
  });
});
