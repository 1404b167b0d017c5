import {
  noEvidence,
  rolloutMetrics,
  rolloutPolicySchema,
  seededRandom,
  type Evidence,
  type RolloutMetric,
  type Verdict,
} from '../../src/domain';
import { addComparison, ssimToDb, type BuildReading } from '../../src/versions/compare';
import { eValueAbove, eValueBelow } from '../../src/versions/e-values';
import { judgeBuild } from '../../src/versions/verdict';
import fc from '../support/fast-check';

// Looked up once: in Jest's sandbox each use of a global is slow.
const { PI, cos, floor, log, sqrt } = Math;

const policy = rolloutPolicySchema.parse({});

/** Normal deviates by Box and Muller. */
const normal = (random: () => number): number => sqrt(-2 * log(1 - random())) * cos(2 * PI * random());

/**
 * Noise as machines make it: each value leans on the one before (AR(1), 0.8), and large ones are more frequent than a
 * normal distribution has them (Student's t with 3 degrees of freedom). Its standard deviation is 1.
 */
const noiseOf = (random: () => number): (() => number) => {
  const KEPT = 0.8;
  let value = 0;
  return () => {
    const chiSquared = normal(random) ** 2 + normal(random) ** 2 + normal(random) ** 2;
    const heavy = normal(random) / sqrt(chiSquared);
    value = KEPT * value + sqrt(1 - KEPT ** 2) * heavy;
    return value;
  };
};

interface NewBuild {
  /** dB that it is better by. */
  qualityDb?: number;
  /** Fraction that it is slower, and more of the CPU that it takes. */
  slower?: number;
  moreCpu?: number;
  /** A session stands still after so many comparisons, again and again. */
  stallsAfter?: number;
  /**
   * The canary's machine alone is busy now and then, which is not the build's fault: with this chance a spell of two
   * or three comparisons begins, 30 % slower, every second GOP late.
   */
  ownSpells?: number;
  /** Longest spell of overload that is common to all, in comparisons. */
  longestSpell?: number;
}

/** Standing still goes unseen for a while, then GOPs wait, then the channel is recovered elsewhere and comes back. */
const STALL = ['unseen', 'unseen', 'late', 'late', 'late', 'lost', 'away', 'away', 'away'] as const;

/**
 * One rollout's comparisons: content that drifts and is common to both builds, correlated and heavy-tailed noise on
 * each build alone, and spells of overload of up to 20 s in which any channel may be late. Ends when the build is found worse, or after `most` comparisons.
 * @returns the verdict, and comparisons since the build first did wrong
 */
const simulate = (
  random: () => number,
  build: NewBuild,
  most: number,
): { verdict: Verdict; sinceFirstBad: number } => {
  let evidence: Evidence = noEvidence();
  let contentDb = 15;
  let spell = 0;
  let ownSpell = 0;
  const [ownQuality, ownSpeed, ownCpu] = [noiseOf(random), noiseOf(random), noiseOf(random)];
  const [oldQuality, oldSpeed, oldCpu] = [noiseOf(random), noiseOf(random), noiseOf(random)];
  let firstBadAt = build.stallsAfter === undefined ? 1 : Infinity;
  const healthy = Math.round((build.stallsAfter ?? 0) * (0.5 + random()));
  let worseBefore = 0;
  for (let at = 1; at <= most; at += 1) {
    contentDb += 0.3 * normal(random);
    spell = spell > 0 ? spell - 1 : random() < 0.01 ? 1 + floor((build.longestSpell ?? 5) * random()) : 0;
    if (build.ownSpells !== undefined) {
      ownSpell = ownSpell > 0 ? ownSpell - 1 : random() < build.ownSpells ? 2 + floor(2 * random()) : 0;
    }
    const lateChance = spell > 0 ? 0.5 : 0.002;
    const lateOf = (channels: number, chance = lateChance): number =>
      Array.from({ length: channels }, () => random() < chance).filter(Boolean).length / channels;
    const load = spell > 0 ? 0.7 : 1;
    const ownLoad = ownSpell > 0 ? 0.7 : load;
    const phase =
      build.stallsAfter === undefined ? undefined : STALL[(at % (healthy + STALL.length)) - healthy];
    if (phase === 'unseen') firstBadAt = Math.min(firstBadAt, at);
    const isStill = phase === 'unseen' || phase === 'late';
    const isAway = phase === 'away' || phase === 'lost';
    const hasQuality = at % policy.qualityEvery === 0;
    const newBuild: BuildReading = {
      quality:
        hasQuality && !isStill && !isAway ? contentDb + (build.qualityDb ?? 0) + 0.15 * ownQuality() : null,
      speed: isAway ? null : isStill ? 1 : ownLoad * (1 - (build.slower ?? 0)) * (1 + 0.06 * ownSpeed()),
      lateness: isAway ? null : phase === 'late' ? 1 : lateOf(1, ownSpell > 0 ? 0.5 : lateChance),
      losses: phase === 'lost' || random() < 0.0005 ? 1 : 0,
      cpu: isAway ? null : 0.08 * (1 + (build.moreCpu ?? 0)) * (1 + 0.15 * ownCpu()),
    };
    const oldBuild: BuildReading = {
      quality: contentDb + 0.15 * oldQuality(),
      speed: load * (1 + 0.03 * oldSpeed()),
      lateness: lateOf(5),
      losses: random() < 0.001 ? 1 / 3 : 0,
      cpu: 0.08 * (1 + 0.1 * oldCpu()),
    };
    evidence = addComparison(evidence, newBuild, oldBuild, policy);
    // Only a comparison that went against the new build can make it worse.
    const worse = rolloutMetrics.reduce((sum, metric) => sum + evidence[metric].worse, 0);
    if (worse > worseBefore) {
      const verdict = judgeBuild(evidence, policy, at);
      if (verdict.outcome === 'worse') return { verdict, sinceFirstBad: at - firstBadAt + 1 };
    }
    worseBefore = worse;
  }
  return { verdict: judgeBuild(evidence, policy, most), sinceFirstBad: Infinity };
};

const ROLLOUTS = 1_000;
/** Five minutes at the default policy, looked at every time. */
const COMPARISONS = 150;

describe('false alarms', () => {
  test('at most 1 % of 1,000 good rollouts are rolled back, and nearly all are judged good', () => {
    const random = seededRandom(1);
    const outcomes = Array.from(
      { length: ROLLOUTS },
      () => simulate(random, { longestSpell: 10 }, COMPARISONS).verdict.outcome,
    );
    const count = (outcome: string): number => outcomes.filter((each) => each === outcome).length;
    expect(count('worse')).toBeLessThanOrEqual(ROLLOUTS / 100);
    expect(count('good')).toBeGreaterThan(0.98 * ROLLOUTS);
  });

  test('nor if the machine of the canary alone is busy for some seconds in 15 of 100 rollouts', () => {
    const random = seededRandom(4);
    const outcomes = Array.from(
      { length: ROLLOUTS },
      () => simulate(random, { longestSpell: 10, ownSpells: 0.001 }, COMPARISONS).verdict.outcome,
    );
    expect(outcomes.filter((each) => each === 'worse').length).toBeLessThanOrEqual(ROLLOUTS / 100);
  });

  test('also where each metric is as bad as is just tolerated, all of them at once, and looked at every time', () => {
    const random = seededRandom(2);
    const tolerated: Record<RolloutMetric, number> = {
      quality: 0.1,
      speed: 0.1,
      lateness: 0.01,
      losses: 0.01,
      cpu: 0.2,
    };
    let alarms = 0;
    for (let rollout = 0; rollout < ROLLOUTS; rollout += 1) {
      const evidence = noEvidence();
      for (let at = 0; at < COMPARISONS; at += 1) {
        let isWorse = false;
        for (const metric of rolloutMetrics) {
          evidence[metric].comparisons += 1;
          if (random() >= tolerated[metric]) continue;
          evidence[metric].worse += 1;
          isWorse = true;
        }
        if (!isWorse || judgeBuild(evidence, policy, at).outcome !== 'worse') continue;
        alarms += 1;
        break;
      }
    }
    expect(alarms).toBeLessThanOrEqual(ROLLOUTS / 100);
  });
});

describe('detection', () => {
  test.each<[string, NewBuild]>([
    ['encodes 3 dB worse', { qualityDb: -3 }],
    ['encodes 1 dB worse', { qualityDb: -1 }],
    ['is too slow by half', { slower: 0.5 }],
    ['takes three times the CPU', { moreCpu: 2 }],
    ['stalls at once', { stallsAfter: 2 }],
    ['stalls after 10 s', { stallsAfter: 5 }],
  ])('a build that %s is found within 60 s of its first bad GOPs in 99 of 100 rollouts', (_, build) => {
    const random = seededRandom(3);
    // A stall that is first found when it comes again makes a long tail, which few rollouts would not show.
    const rollouts = build.stallsAfter === undefined ? 300 : 2_000;
    const seconds = Array.from(
      { length: rollouts },
      () => simulate(random, build, 100).sinceFirstBad * policy.compareSeconds,
    ).sort((a, b) => a - b);
    expect(seconds[floor(0.99 * seconds.length)]).toBeLessThanOrEqual(60);
  });

  test('a build that turns bad after a long good time is found too', () => {
    const evidence = noEvidence();
    Object.assign(evidence.quality, { comparisons: 100, worse: 1 });
    let more = 0;
    while (judgeBuild(evidence, policy, 0).outcome !== 'worse') {
      evidence.quality.comparisons += 1;
      evidence.quality.worse += 1;
      more += 1;
    }
    expect(more).toBeLessThan(40);
  });

  test('a build between tolerated and harmful is left to people', () => {
    const evidence = noEvidence();
    for (const metric of rolloutMetrics) evidence[metric].comparisons = 200;
    evidence.quality.worse = 26;
    const { outcome } = judgeBuild(evidence, policy, 0);
    expect(outcome).toBe('good');
    evidence.quality = { ...evidence.quality, comparisons: 12, worse: 3 };
    expect(judgeBuild(evidence, policy, 0).outcome).toBe('undecided');
  });
});

describe('e-values', () => {
  const probability = fc.double({ min: 0.01, max: 0.95, noNaN: true });

  test('one more outcome leaves the mean where it was at the bound, and never raises it within the hypothesis', () => {
    fc.assert(
      fc.property(
        // At 100 outcomes no value of these is infinite yet.
        fc.integer({ min: 0, max: 100 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        probability,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share, q, within) => {
          const k = Math.round(n * share);
          for (const [eValue, p] of [
            [eValueAbove, q * within],
            [eValueBelow, q + (1 - q) * within],
          ] as const) {
            const mean = p * eValue(n + 1, k + 1, q) + (1 - p) * eValue(n + 1, k, q);
            expect(mean).toBeLessThanOrEqual(eValue(n, k, q) * (1 + 1e-9));
          }
          const atBound = q * eValueAbove(n + 1, k + 1, q) + (1 - q) * eValueAbove(n + 1, k, q);
          expect(atBound / eValueAbove(n, k, q)).toBeCloseTo(1, 6);
        },
      ),
    );
  });

  test('they begin at 1 and do not overflow', () => {
    expect(eValueAbove(0, 0, 0.1)).toBeCloseTo(1);
    expect(eValueBelow(0, 0, 0.1)).toBeCloseTo(1);
    expect(Number.isNaN(eValueAbove(100_000, 0, 0.1))).toBe(false);
    expect(eValueAbove(300, 300, 0.1)).toBeGreaterThan(1e100);
  });
});

describe('comparisons', () => {
  const reading: BuildReading = { quality: 15, speed: 1, lateness: 0, losses: 0, cpu: 0.1 };

  test.each([
    ['quality', { quality: 14.4 }, { quality: 14.6 }],
    ['speed', { speed: 0.7 }, { speed: 0.8 }],
    ['lateness', { lateness: 0.2 }, { lateness: 0 }],
    ['losses', { losses: 1 }, { losses: 0 }],
    ['cpu', { cpu: 0.18 }, { cpu: 0.17 }],
  ] as const)('%s is worse beyond its margin only', (metric, worse, within) => {
    const compared = (change: Partial<BuildReading>): number =>
      addComparison(noEvidence(), { ...reading, ...change }, reading, policy)[metric].worse;
    expect(compared(worse)).toBe(1);
    expect(compared(within)).toBe(0);
  });

  test('what is not known of both is not compared', () => {
    const evidence = addComparison(
      noEvidence(),
      { ...reading, cpu: null },
      { ...reading, quality: null },
      policy,
    );
    expect(evidence.cpu.comparisons).toBe(0);
    expect(evidence.quality.comparisons).toBe(0);
    expect(evidence.speed).toEqual({ comparisons: 1, worse: 0, newSum: 1, oldSum: 1 });
  });

  test('SSIM in dB', () => {
    expect(ssimToDb(0.9)).toBeCloseTo(10);
    expect(ssimToDb(0.99)).toBeCloseTo(20);
    expect(ssimToDb(1)).toBe(60);
  });
});
