import { policySchema, type EncoderObservation, type Fitness, type SwarmSnapshot } from '../../src/domain';
import { thresholdRule } from '../../src/planner';
import { channelOn, defaultSwarm, encoderWith, forecastOf, NOW_MS } from './swarm-fixtures';

const policy = policySchema.parse({
  ...{ limitFraction: 0.8, growthThreshold: 1.2, deprovisionFraction: 0.5, minEncoders: 2, maxEncoders: 5 },
});
const fitness: Fitness[] = [0.5, 0.9, 0.7].map((score, i) => ({
  encoderId: `enc-${i + 1}`,
  score,
  terms: { headroom: 0, quality: 0, version: 0, zone: 0, stability: 0 },
  weakestTerm: 'zone',
}));
const swarm = defaultSwarm();
const rule = (snapshot: SwarmSnapshot, p50: Record<string, number[]> | null, over: object = {}) => {
  const forecast = p50 && forecastOf({ ...snapshot, atMs: NOW_MS }, p50);
  // The rule knows no quantiles: only P50 may count.
  for (const curve of Object.values(forecast?.channelUnits ?? {})) curve.p90 = curve.p90.map(() => 99);
  return thresholdRule(snapshot, forecast, fitness, { ...policy, ...over }, { lowDemandSinceMs: 5 });
};
const change = (id: string, over: Partial<EncoderObservation>, of = swarm): SwarmSnapshot => ({
  ...of,
  encoders: of.encoders.map((e) => (e.id === id ? { ...e, ...over } : e)),
});
const wayOf = ({ moves }: ReturnType<typeof rule>) =>
  moves.map((m) => [m.channelId, m.fromEncoderId, m.toEncoderId, m.reason]);
/** The moves away from the first encoder: one pass may move a channel that it has just moved on. */
const fromFirst = (plan: ReturnType<typeof rule>) => wayOf(plan).filter(([, from]) => from === 'enc-1');

describe('moves', () => {
  test('nothing while predicted load is near the present one', () => {
    expect(rule(swarm, {})).toMatchObject({ moves: [], unmet: [], lowDemandSinceMs: null });
    expect(rule(swarm, null).moves).toEqual([]);
    // 2.4 of 2 is the threshold itself; so is 2 / 1.2.
    expect(rule(swarm, { 'ch-1': [1.4] }).moves).toEqual([]);
    expect(rule(swarm, { 'ch-1': [0.7] }).moves).toEqual([]);
  });

  test('the largest channel of an encoder that will grow goes to the fittest with room, and says why', () => {
    const { moves } = rule(swarm, { 'ch-1': [1, 1, 1.1, 1], 'ch-4': [1.5, 1] });
    expect(moves).toEqual([
      {
        ...{ channelId: 'ch-4', fromEncoderId: 'enc-1', toEncoderId: 'enc-2', rungs: 1 },
        reason: 'predicted-overload',
        explanation: {
          summary: 'enc-1 will grow; moving ch-4 to enc-2.',
          figures: { channelUnits: 1, predictedUnits: 1.5 },
          ...{ fitness: { from: 0.5, to: 0.9 }, rejected: [] },
        },
      },
    ]);
  });

  test('a peak that is over does not count', () => {
    expect(rule({ ...swarm, atMs: NOW_MS + 5_000 }, { 'ch-1': [9, 1, 1, 1, 1, 1] }).moves).toEqual([]);
  });

  test('the next largest goes where the largest finds no room', () => {
    // 2 + 3 is over 4.8.
    expect(fromFirst(rule(swarm, { 'ch-1': [3], 'ch-4': [2] }))).toEqual([
      ['ch-4', 'enc-1', 'enc-2', 'predicted-overload'],
    ]);
    expect(fromFirst(rule(swarm, { 'ch-1': [3], 'ch-4': [2.9] }))).toEqual([]);
  });

  test('an encoder that is filled to its limit exactly has room', () => {
    expect(fromFirst(rule(swarm, { 'ch-1': [1], 'ch-4': [2.8] }))).toEqual([
      ['ch-4', 'enc-1', 'enc-2', 'predicted-overload'],
    ]);
    expect(fromFirst(rule(swarm, { 'ch-4': [2.81] }))).toEqual([
      ['ch-1', 'enc-1', 'enc-2', 'predicted-overload'],
    ]);
  });

  test('what it carries now counts as well as what it will', () => {
    const small = change('enc-2', { capacityUnits: 3.7 }, change('enc-3', { cordoned: true }));
    // 2 now and 1 more is over 2.96, though the others will need next to nothing.
    expect(fromFirst(rule(small, { 'ch-1': [1], 'ch-4': [1.5], 'ch-2': [0.1], 'ch-5': [0.1] }))).toEqual([]);
  });

  test.each<[string, Partial<EncoderObservation>]>([
    ['is drained', { draining: true }],
    ['is cordoned', { cordoned: true }],
    ['is in another region', { region: 'us' }],
    ['has all its sessions in use', { maxSessions: 2 }],
    ['does not answer', { reachable: false }],
  ])('an encoder that %s is passed over', (_, over) => {
    const moves = fromFirst(rule(change('enc-2', over), { 'ch-1': [2] }));
    expect(moves).toEqual([['ch-1', 'enc-1', 'enc-3', 'predicted-overload']]);
  });

  test('the smallest channel of an encoder that will shrink goes to the fullest with room', () => {
    const uneven = {
      ...swarm,
      channels: swarm.channels.map((c) =>
        c.spec.id === 'ch-5' ? channelOn(c.spec, 'enc-3') : c.spec.id === 'ch-4' ? { ...c, rungs: 2 } : c,
      ),
    };
    const shrinking = { 'ch-1': [0.5], 'ch-4': [0.6], 'ch-2': [1], 'ch-3': [1], 'ch-5': [1], 'ch-6': [1] };
    const { moves } = rule(uneven, shrinking);
    expect(moves).toMatchObject([
      {
        ...{ channelId: 'ch-1', fromEncoderId: 'enc-1', toEncoderId: 'enc-3', reason: 'consolidation' },
        explanation: { summary: 'enc-1 will shrink; moving ch-1 to enc-3.' },
      },
    ]);
  });

  test('an encoder keeps its only channel', () => {
    const one = { ...swarm, channels: swarm.channels.filter((c) => c.spec.id !== 'ch-4') };
    expect(rule(one, { 'ch-1': [0.1] }).moves).toEqual([]);
  });

  test('all channels leave an encoder that is drained, the largest first', () => {
    const drained = change('enc-1', { draining: true, cordoned: true });
    const { moves } = rule(drained, { 'ch-1': [1], 'ch-4': [1.3] });
    expect(wayOf({ moves } as never)).toEqual([
      ['ch-4', 'enc-1', 'enc-2', 'drain'],
      ['ch-1', 'enc-1', 'enc-2', 'drain'],
    ]);
    expect(moves[0]!.explanation.summary).toBe('enc-1 is drained; moving ch-4 to enc-2.');
  });

  test('channels that are moving, or that nobody owns, are left alone', () => {
    const busy = {
      ...swarm,
      channels: swarm.channels.map((c) =>
        c.spec.id === 'ch-1' ? { ...c, moving: true } : c.spec.id === 'ch-4' ? { ...c, owner: null } : c,
      ),
    };
    expect(rule(busy, { 'ch-1': [3], 'ch-4': [3] }).moves).toEqual([]);
  });

  test('the order of the arrays does not matter', () => {
    const p50 = { 'ch-1': [2], 'ch-4': [2], 'ch-5': [3] };
    const reversed = {
      ...swarm,
      encoders: [...swarm.encoders].reverse(),
      channels: [...swarm.channels].reverse(),
    };
    expect(rule(reversed, p50)).toEqual(rule(swarm, p50));
    expect(wayOf(rule(swarm, p50))[0]).toEqual(['ch-1', 'enc-1', 'enc-3', 'predicted-overload']);
  });

  test('of encoders that are equally fit, or full, the first by id is taken', () => {
    const even = fitness.map((f) => ({ ...f, score: 0.5 }));
    const forecast = forecastOf(swarm, { 'ch-1': [2] });
    const { moves } = thresholdRule(swarm, forecast, even, policy, { lowDemandSinceMs: null });
    expect(moves[0]).toMatchObject({ channelId: 'ch-1', toEncoderId: 'enc-2' });
    const shrinking = forecastOf(swarm, { 'ch-2': [0.1], 'ch-5': [0.2] });
    expect(thresholdRule(swarm, shrinking, [], policy, { lowDemandSinceMs: null }).moves[0]).toMatchObject({
      ...{ channelId: 'ch-2', toEncoderId: 'enc-1', explanation: { fitness: { from: 0, to: 0 } } },
    });
  });
});

describe('the number of encoders', () => {
  const all = (units: number) => Object.fromEntries(swarm.channels.map((c) => [c.spec.id, [units]]));
  const pending = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ requestId: `r-${i}`, askedAtMs: NOW_MS }));

  test('stays while demand is within the limits', () => {
    // 14.4 of 3 x 4.8.
    expect(rule(swarm, all(2.4)).scale).toEqual({ kind: 'none' });
  });

  test('grows by as many as demand exceeds them', () => {
    expect(rule(swarm, all(2.5)).scale).toMatchObject({
      ...{ kind: 'provision', count: 1, figures: { demandUnits: 15 } },
      reason: 'predicted demand of 15.00 units exceeds the capacity of 14.40',
    });
    expect(rule(swarm, all(3.3)).scale).toMatchObject({ kind: 'provision', count: 2 });
  });

  test('up to the most allowed, with what was asked for', () => {
    expect(rule(swarm, all(9)).scale).toMatchObject({ count: 2 });
    expect(rule({ ...swarm, pendingEncoders: pending(1) }, all(9)).scale).toMatchObject({ count: 1 });
    expect(rule({ ...swarm, pendingEncoders: pending(2) }, all(9)).scale).toEqual({ kind: 'none' });
    expect(rule({ ...swarm, pendingEncoders: pending(1) }, all(2.5)).scale).toEqual({ kind: 'none' });
  });

  test('counts no encoder that is drained or silent', () => {
    expect(rule(change('enc-3', { draining: true }), all(1.7)).scale).toMatchObject({ kind: 'provision' });
    const silent = change('enc-3', { reachable: false });
    expect(rule(silent, { ...all(2.5), 'ch-3': [0], 'ch-6': [0] }).scale).toMatchObject({
      kind: 'provision',
    });
  });

  test('shrinks below the fraction of the limits: the emptiest goes', () => {
    const emptier = { ...swarm, channels: swarm.channels.filter((c) => c.spec.id !== 'ch-6') };
    const { scale } = rule(emptier, all(1));
    expect(scale).toMatchObject({
      ...{ kind: 'deprovision', encoderId: 'enc-3', figures: { demandUnits: 5 } },
      reason: 'predicted demand of 5.00 units is below 0.5 of the capacity of 14.40',
    });
    // Three limits of 5; 0.4 of them are the demand itself.
    const tens = { ...swarm, encoders: swarm.encoders.map((e) => ({ ...e, capacityUnits: 10 })) };
    const at = (deprovisionFraction: number) =>
      rule(tens, all(1), { limitFraction: 0.5, deprovisionFraction }).scale.kind;
    expect([at(0.4), at(0.41)]).toEqual(['none', 'deprovision']);
  });

  test('not below the fewest allowed, and never one that is drained', () => {
    expect(rule(swarm, all(1), { minEncoders: 3 }).scale).toEqual({ kind: 'none' });
    expect(rule(swarm, all(1), { minEncoders: 2 }).scale).toMatchObject({ kind: 'deprovision' });
    const { scale } = rule(change('enc-1', { draining: true }), {}, { minEncoders: 1 });
    expect(scale).not.toMatchObject({ encoderId: 'enc-1' });
  });

  test('nothing is known where nobody answers', () => {
    const silent = { ...swarm, encoders: [encoderWith('enc-1', { reachable: false })] };
    expect(rule(silent, all(9))).toMatchObject({ moves: [], scale: { kind: 'none' } });
  });
});
