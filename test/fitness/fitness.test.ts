import { policySchema, type EncoderObservation, type SwarmSnapshot } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { scoreOf as scoreOfTerms, zoneTerm } from '../../src/fitness/terms';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  sessionOf,
} from '../planner/swarm-fixtures';
import fc from '../support/fast-check';

/** A run that fails is repeated by `FAST_CHECK_SEED=<seed> npx jest test/fitness`. */
const seed = Number(process.env.FAST_CHECK_SEED ?? 20_261_122);

const scoreOf = (snapshot: SwarmSnapshot, id: string): number =>
  fitnessOf(snapshot, null, defaultPolicy).find((f) => f.encoderId === id)?.score ?? NaN;

/** The swarm with one encoder changed. */
const withEncoder = (
  snapshot: SwarmSnapshot,
  id: string,
  change: (e: EncoderObservation) => EncoderObservation,
): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((e) => (e.id === id ? change(e) : e)),
});

const telemetryArbitrary = fc.record({
  ageMs: fc.integer({ min: 0, max: 30_000 }),
  unitsUsed: fc.double({ min: 0, max: 12, noNaN: true }),
  sessions: fc.array(
    fc.record({
      realTimeRatio: fc.double({ min: 0, max: 3, noNaN: true }),
      lateGops: fc.nat(50),
      lastEncodedGop: fc.integer({ min: -1, max: 5 }),
    }),
    { maxLength: 4 },
  ),
});
const encoderArbitrary = (id: string): fc.Arbitrary<EncoderObservation> =>
  fc
    .record({
      reachable: fc.boolean(),
      zone: fc.constantFrom('a', 'b'),
      version: fc.constantFrom('0.1.0', '0.2.0'),
      ffmpegVersion: fc.constantFrom('5.1', '4.1'),
      capacityUnits: fc.double({ min: 0.5, max: 20, noNaN: true }),
      troubles: fc.double({ min: 0, max: 9, noNaN: true }),
      telemetry: fc.option(telemetryArbitrary, { nil: undefined }),
    })
    .map(({ telemetry, ...rest }) =>
      encoderWith(id, {
        ...rest,
        ...(telemetry && {
          telemetry: {
            atMs: NOW_MS - telemetry.ageMs,
            cpuCores: 0,
            memoryMiB: 0,
            networkKbps: 0,
            unitsUsed: telemetry.unitsUsed,
            sessions: telemetry.sessions.map((s, i) =>
              sessionOf(channelOn(defaultSwarm().channels[0]!.spec, id), { ...s, sessionId: `s${i}` }),
            ),
          },
        }),
      }),
    );
const swarmArbitrary = fc
  .tuple(...['enc-1', 'enc-2', 'enc-3', 'enc-4'].map(encoderArbitrary))
  .map((encoders): SwarmSnapshot => ({ ...defaultSwarm(), encoders }));

describe('fitnessOf', () => {
  test('a healthy idle encoder of a uniform swarm scores near 1, and less with load', () => {
    const swarm = defaultSwarm();
    const idle = withEncoder(swarm, 'enc-1', (e) => ({
      ...e,
      telemetry: { ...e.telemetry!, unitsUsed: 0, sessions: [] },
    }));
    expect(scoreOf(idle, 'enc-1')).toBeGreaterThan(0.95);
    expect(scoreOf(swarm, 'enc-1')).toBeLessThan(scoreOf(idle, 'enc-1'));
  });

  test('an unreachable encoder scores 0', () => {
    const swarm = withEncoder(defaultSwarm(), 'enc-2', (e) => ({ ...e, reachable: false }));
    expect(scoreOf(swarm, 'enc-2')).toBe(0);
  });

  test('a forecast peak costs headroom before it has come', () => {
    const swarm = defaultSwarm();
    const peak = forecastOf(swarm, { 'ch-1': [1, 1, 1, 3.4, 3.4, 1] });
    const before = fitnessOf(swarm, forecastOf(swarm, {}), defaultPolicy)[0];
    const after = fitnessOf(swarm, peak, defaultPolicy)[0];
    expect(after?.terms.headroom).toBeLessThan(before?.terms.headroom ?? 0);
  });

  test.each([
    ['headroom', (e: EncoderObservation) => ({ ...e, telemetry: { ...e.telemetry!, unitsUsed: 6 } })],
    [
      'quality',
      (e: EncoderObservation) => ({
        ...e,
        telemetry: {
          ...e.telemetry!,
          unitsUsed: 0,
          sessions: e.telemetry!.sessions.map((s) => ({ ...s, realTimeRatio: 0.2, lateGops: 9 })),
        },
      }),
    ],
    [
      'stability',
      (e: EncoderObservation) => ({ ...e, troubles: 9, telemetry: { ...e.telemetry!, unitsUsed: 0 } }),
    ],
  ])('%s can be the term that hurts most', (term, change) => {
    const swarm = withEncoder(defaultSwarm(), 'enc-1', change);
    expect(fitnessOf(swarm, null, defaultPolicy)[0]?.weakestTerm).toBe(term);
  });

  test('the odd build scores less on version, the overfull zone less on zone', () => {
    const odd = withEncoder(defaultSwarm(), 'enc-3', (e) => ({ ...e, ffmpegVersion: '4.1' }));
    const [one, , three] = fitnessOf(odd, null, defaultPolicy);
    expect(three!.terms.version).toBeLessThan(one!.terms.version);
    const full = withEncoder(defaultSwarm(), 'enc-2', (e) => ({
      ...e,
      telemetry: { ...e.telemetry!, unitsUsed: 6 },
    }));
    const [a, b] = fitnessOf(full, null, defaultPolicy);
    expect(b!.terms.zone).toBeLessThan(a!.terms.zone);
  });

  test(`bounded, and unmoved by the order of encoders and channels (seed ${seed})`, () => {
    fc.assert(
      fc.property(swarmArbitrary, fc.boolean(), (swarm, withForecast) => {
        const forecast = withForecast ? forecastOf(swarm, { 'ch-2': [2, 3, 1, 1, 1, 1] }) : null;
        const fitness = fitnessOf(swarm, forecast, defaultPolicy);
        for (const { score, terms } of fitness) {
          for (const value of [score, ...Object.values(terms)]) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1);
          }
        }
        const reversed: SwarmSnapshot = {
          ...swarm,
          encoders: [...swarm.encoders].reverse(),
          channels: [...swarm.channels].reverse(),
        };
        expect(fitnessOf(reversed, forecast, defaultPolicy)).toEqual(fitness);
      }),
      { seed, numRuns: 300 },
    );
  });

  test(`monotone in each term, whatever the weights (seed ${seed})`, () => {
    const names = ['headroom', 'quality', 'version', 'zone', 'stability'] as const;
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const each = fc.tuple(unit, unit, unit, unit, unit);
    const named = (values: readonly number[]) =>
      Object.fromEntries(names.map((name, i) => [name, values[i]])) as Record<(typeof names)[number], number>;
    fc.assert(
      fc.property(each, each, fc.constantFrom(...names), unit, (weighed, values, name, lower) => {
        fc.pre(weighed.some((weight) => weight > 0));
        const weights = policySchema.parse({ fitnessWeights: named(weighed) }).fitnessWeights;
        const terms = named(values);
        const worse = { ...terms, [name]: Math.min(terms[name], lower) };
        expect(scoreOfTerms(worse, weights)).toBeLessThanOrEqual(scoreOfTerms(terms, weights) + 1e-12);
      }),
      { seed, numRuns: 1_000 },
    );
    const zone = { encoders: 4, reachable: 4, capacity: 24, load: 12, swarmCapacity: 48, swarmLoad: 20 };
    for (const reachable of [3, 2, 1])
      expect(zoneTerm({ ...zone, reachable })).toBeLessThan(zoneTerm({ ...zone, reachable: reachable + 1 }));
    expect(zoneTerm({ ...zone, load: 18 })).toBeLessThan(zoneTerm(zone));
  });

  test(`whatever gets worse never raises the score (seed ${seed})`, () => {
    const worsenings: ((e: EncoderObservation) => EncoderObservation)[] = [
      (e) => ({ ...e, reachable: false }),
      (e) => ({ ...e, troubles: e.troubles + 1 }),
      (e) => ({ ...e, telemetry: undefined }),
      (e) => ({ ...e, version: 'like no other' }),
      (e) => ({ ...e, ffmpegVersion: 'like no other' }),
      (e) => ({ ...e, telemetry: e.telemetry && { ...e.telemetry, atMs: e.telemetry.atMs - 5_000 } }),
      (e) => ({
        ...e,
        telemetry: e.telemetry && { ...e.telemetry, unitsUsed: e.telemetry.unitsUsed + 1 },
      }),
      (e) => ({
        ...e,
        telemetry: e.telemetry && {
          ...e.telemetry,
          sessions: e.telemetry.sessions.map((s) => ({ ...s, lateGops: s.lateGops + 1 })),
        },
      }),
      (e) => ({
        ...e,
        telemetry: e.telemetry && {
          ...e.telemetry,
          sessions: e.telemetry.sessions.map((s) => ({ ...s, realTimeRatio: s.realTimeRatio * 0.8 })),
        },
      }),
    ];
    fc.assert(
      fc.property(swarmArbitrary, fc.constantFrom(...worsenings), (swarm, worsen) => {
        const worse = withEncoder(swarm, 'enc-1', worsen);
        expect(scoreOf(worse, 'enc-1')).toBeLessThanOrEqual(scoreOf(swarm, 'enc-1') + 1e-12);
      }),
      { seed, numRuns: 500 },
    );
  });
});
