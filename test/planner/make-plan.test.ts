import type { ChannelObservation, EncoderObservation, Plan, SwarmSnapshot } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { makePlan } from '../../src/planner';
import { unitsOfRungs } from '../../src/planner/demand';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  planFor as plan,
  sessionOf,
  withTelemetry,
} from './swarm-fixtures';

/** ch-1 will need the whole ladder and ch-4 two rungs, from 15 s on: 5.06 units on enc-1. */
const surge = { 'ch-1': [1, 1, 1, 3.415, 3.415, 3.415], 'ch-4': [1, 1, 1, 1.64, 1.64, 1.64] };
const change = (snapshot: SwarmSnapshot, id: string, over: Partial<EncoderObservation>): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((e) => (e.id === id ? { ...e, ...over } : e)),
});

describe('a forecast overload', () => {
  test('moves the smallest channel that relieves the encoder, and says why', () => {
    const { moves, unmet, scale } = plan(defaultSwarm(), surge);
    expect(unmet).toEqual([]);
    expect(scale).toEqual({ kind: 'none' });
    expect(moves).toHaveLength(1);
    const [move] = moves;
    expect(move).toMatchObject({
      channelId: 'ch-4',
      fromEncoderId: 'enc-1',
      rungs: 1,
      reason: 'predicted-overload',
    });
    expect(['enc-2', 'enc-3']).toContain(move?.toEncoderId);
    const { explanation } = move!;
    expect(explanation.summary).toMatch(
      /^enc-1 is forecast to need 5\.0[56] of 6\.00 units \(limit 4\.80\) at P90, first over the limit in 15 s; moving ch-4 \(1\.64 units at P90\) to enc-[23], which then needs 3\.64 of 6\.00 \(limit 4\.80\)\.$/,
    );
    expect(explanation.forecastId).toBe(`forecast-local-${NOW_MS}`);
    expect(explanation.figures).toMatchObject({
      predictedUnits: 5.055,
      currentUnits: 2,
      limitUnits: 4.8,
      secondsUntilOverload: 15,
      growthThreshold: 1.2,
    });
    expect(explanation.figures.growth).toBeCloseTo(2.528, 2);
    expect(explanation.rejected).toHaveLength(1);
    expect(explanation.rejected[0]?.why).toMatch(/less fit/);
  });

  test('growth that stays below the limit moves nothing', () => {
    const { moves } = plan(defaultSwarm(), { 'ch-1': [1, 1, 1, 3.415, 3.415, 3.415] });
    expect(moves).toEqual([]);
  });

  test('peaks at different times do not add up', () => {
    const apart = { 'ch-1': [3.415, 3.415, 1, 1, 1, 1], 'ch-4': [1, 1, 1, 1, 3.415, 3.415] };
    expect(plan(defaultSwarm(), apart).moves).toEqual([]);
  });

  test('that has passed does not count', () => {
    const snapshot = defaultSwarm();
    const forecast = forecastOf(snapshot, { 'ch-1': [3.415, 1, 1, 1, 1, 1], 'ch-4': [3.415, 1, 1, 1, 1, 1] });
    const later = { ...snapshot, atMs: NOW_MS + 5_000 };
    const at = (s: SwarmSnapshot) => makePlan(s, forecast, [], defaultPolicy, { lowDemandSinceMs: null });
    expect(at(snapshot).unmet.length + at(snapshot).moves.length).toBeGreaterThan(0);
    expect(at(later)).toMatchObject({ moves: [], unmet: [] });
  });

  test('moves two channels where one is not enough', () => {
    const swarm = defaultSwarm();
    const crowded = withTelemetry({
      ...swarm,
      encoders: swarm.encoders.map((e) => ({ ...e, telemetry: undefined })),
      channels: swarm.channels.map((c) => channelOn(c.spec, 'enc-1')),
    });
    const { moves } = plan(crowded);
    expect(moves.map((m) => m.reason)).toEqual(['predicted-overload', 'predicted-overload']);
    expect(new Set(moves.map((m) => m.toEncoderId))).toEqual(new Set(['enc-2', 'enc-3']));
  });

  test('with nowhere to go is reported, and provisions', () => {
    const all = Object.fromEntries(['ch-1', 'ch-4', 'ch-2', 'ch-5', 'ch-3', 'ch-6'].map((id) => [id, [2.2]]));
    all['ch-1'] = [3.415];
    const { moves, unmet, scale } = plan(defaultSwarm(), all);
    expect(moves).toEqual([]);
    expect(unmet[0]).toMatchObject({ encoderId: 'enc-1' });
    expect(unmet[0]?.why).toMatch(/no other encoder has room/);
    expect(scale).toMatchObject({ kind: 'provision', count: 1 });
  });

  test('a channel that rests after a move stays; when its rest is over, it goes', () => {
    const rested = (secondsAgo: number) =>
      plan(
        defaultSwarm({
          'ch-1': { movedAtMs: NOW_MS - secondsAgo * 1000 },
          'ch-4': { movedAtMs: NOW_MS - secondsAgo * 1000 },
        }),
        surge,
      );
    expect(rested(29).moves).toEqual([]);
    expect(rested(29).unmet[0]?.why).toMatch(/rest after a move/);
    expect(rested(30).moves).toHaveLength(1);
    // Moved tomorrow: the clock was set back since, and the channel does not rest until then.
    expect(rested(-86_400).moves).toHaveLength(1);
  });

  test('with another channel in the way: that one makes room first, in a wave of its own', () => {
    // ch-4 (1 now, 1.64 later) must leave enc-1. enc-3 has 1.52 left. enc-2 has 0.985, and 1.985 without ch-5.
    const swarm = defaultSwarm({
      'ch-2': { viewers: 2800, rungs: 3 },
      'ch-3': { viewers: 1500, rungs: 2 },
      'ch-6': { viewers: 1500, rungs: 2 },
    });
    const tight = change(swarm, 'enc-2', { capacityUnits: 6.75 });
    const { moves, unmet } = plan(tight, {
      'ch-1': [1, 1, 1, 4],
      'ch-4': [1, 1, 1, 1.64],
      'ch-2': [3.415],
      'ch-3': [1.64],
      'ch-6': [1.64],
    });
    expect(unmet).toEqual([]);
    expect(moves.map((m) => [m.channelId, m.fromEncoderId, m.toEncoderId, m.reason, m.wave ?? 0])).toEqual([
      ['ch-5', 'enc-2', 'enc-3', 'make-room', 0],
      ['ch-4', 'enc-1', 'enc-2', 'predicted-overload', 1],
    ]);
  });

  test('a channel that is moving away is not counted where it leaves', () => {
    const swarm = defaultSwarm({ 'ch-4': { moving: true } });
    const leaving = swarm.channels.find((c) => c.spec.id === 'ch-4')!;
    const holding = sessionOf(leaving, { sessionId: 'next', state: 'holding', token: 0 });
    const target = swarm.encoders.find((e) => e.id === 'enc-2')!;
    const prepared = change(swarm, 'enc-2', {
      telemetry: { ...target.telemetry!, sessions: [...target.telemetry!.sessions, holding] },
    });
    expect(plan(prepared, surge)).toMatchObject({ moves: [], unmet: [] });
    expect(plan(swarm, surge).moves.map((m) => m.channelId)).not.toContain('ch-4');
  });
});

describe('ladders', () => {
  const viewers = (
    id: string,
    count: number,
    rungs: number,
  ): Record<string, Partial<ChannelObservation>> => ({
    [id]: { viewers: count, rungs },
  });

  test('grow and shrink by a handoff to the same encoder', () => {
    const [growth] = plan(defaultSwarm(viewers('ch-2', 1000, 1))).moves;
    expect(growth).toMatchObject({
      channelId: 'ch-2',
      fromEncoderId: 'enc-2',
      toEncoderId: 'enc-2',
      rungs: 2,
      reason: 'ladder',
    });
    expect(growth?.explanation.summary).toMatch(/ch-2 has 1000 viewers, which earns 2 of 3 renditions/);
    expect(plan(defaultSwarm(viewers('ch-2', 2799, 3))).moves).toEqual([]);
    expect(plan(defaultSwarm(viewers('ch-2', 2519, 3))).moves[0]).toMatchObject({
      rungs: 2,
      reason: 'ladder',
    });
  });

  test('an audience that hovers around a threshold changes nothing', () => {
    for (const count of [900, 950, 999, 1000, 1100]) {
      expect(plan(defaultSwarm(viewers('ch-2', count, 2))).moves).toEqual([]);
    }
    expect(plan(defaultSwarm(viewers('ch-2', 899, 2))).moves).toHaveLength(1);
  });

  test('growth over the limit waits until the relief has left', () => {
    const now = defaultSwarm({ 'ch-1': { viewers: 3000, rungs: 3 }, 'ch-4': { viewers: 1200, rungs: 1 } });
    const { moves, unmet } = plan(now, { 'ch-1': [3.415] });
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatchObject({ channelId: 'ch-4', rungs: 2, reason: 'predicted-overload' });
    const both = defaultSwarm({ 'ch-1': { viewers: 3000 }, 'ch-4': { viewers: 1200, rungs: 2 } });
    const later = plan(both, { 'ch-1': [3.415] });
    expect(later.moves.map((m) => [m.channelId, m.reason])).toEqual([['ch-4', 'predicted-overload']]);
    expect(later.unmet.find((u) => u.channelId === 'ch-1')?.why).toMatch(/it waits until others have left/);
    expect(unmet).toEqual([]);
  });

  test('a channel without an input waits for it, and leaves the moves of the cycle to others', () => {
    const away = { viewers: 9_000, hasNoInput: true as const };
    const swarm = defaultSwarm({ 'ch-2': away, 'ch-3': { viewers: 1_000 } });
    const moved = (s: SwarmSnapshot) =>
      plan(s, {}, { maxMovesPerCycle: 1 }).moves.map((m) => [m.channelId, m.reason]);
    expect(moved(swarm)).toEqual([['ch-3', 'ladder']]);
    // Its encoder is to be emptied all the same.
    expect(moved(change(swarm, 'enc-2', { draining: true }))).toContainEqual(['ch-2', 'drain']);
    // Nor is it moved away where its encoder is overloaded.
    const overloaded = defaultSwarm({ 'ch-1': { hasNoInput: true }, 'ch-4': { hasNoInput: true } });
    expect(plan(overloaded, surge).moves).toEqual([]);
    expect(plan(defaultSwarm(), surge).moves).not.toEqual([]);
  });

  test('of several that grow, the ones that fit grow', () => {
    const swarm = defaultSwarm({
      'ch-1': { viewers: 3000, movedAtMs: NOW_MS },
      'ch-4': { viewers: 1200, movedAtMs: NOW_MS },
    });
    const noTargets = ['enc-2', 'enc-3'].reduce((s, id) => change(s, id, { cordoned: true }), swarm);
    const { moves } = plan(noTargets, { 'ch-1': [3.415], 'ch-4': [1.64] });
    expect(moves.map((m) => [m.channelId, m.rungs, m.reason])).toEqual([['ch-1', 3, 'ladder']]);
  });
});

describe('draining', () => {
  test('moves every channel away, whatever the number of moves allowed, rest or not', () => {
    const swarm = change(
      defaultSwarm({ 'ch-1': { movedAtMs: NOW_MS }, 'ch-4': { movedAtMs: NOW_MS } }),
      'enc-1',
      { cordoned: true, draining: true },
    );
    const { moves } = plan(swarm, {}, { maxMovesPerCycle: 0 });
    expect(moves.map((m) => [m.channelId, m.reason])).toEqual([
      ['ch-1', 'drain'],
      ['ch-4', 'drain'],
    ]);
    expect(moves.map((m) => m.toEncoderId)).not.toContain('enc-1');
  });

  test('without room elsewhere is reported, and provisions', () => {
    const swarm = change(defaultSwarm(), 'enc-1', { cordoned: true, draining: true });
    const full = Object.fromEntries(swarm.channels.map((c) => [c.spec.id, [2.2]]));
    const { moves, unmet, scale } = plan(swarm, full);
    expect(moves).toEqual([]);
    expect(unmet.map((u) => u.channelId)).toEqual(['ch-1', 'ch-4']);
    expect(scale.kind).toBe('provision');
  });
});

describe('targets', () => {
  /** The channels of enc-2 and enc-3 moved just now, so that they do not make room. */
  const othersRest = (): SwarmSnapshot =>
    defaultSwarm(
      Object.fromEntries(['ch-2', 'ch-3', 'ch-5', 'ch-6'].map((id) => [id, { movedAtMs: NOW_MS }])),
    );

  test.each<[string, Partial<EncoderObservation>, RegExp]>([
    ['unreachable', { reachable: false, telemetry: undefined }, /does not answer/],
    ['cordoned', { cordoned: true }, /cordoned/],
    ['draining', { cordoned: true, draining: true }, /drained/],
    ['in another region', { region: 'us' }, /region us/],
    ['out of sessions', { maxSessions: 2 }, /all of its 2 sessions/],
    ['too small', { capacityUnits: 4 }, /over its limit of 3\.20/],
  ])('an encoder that is %s is never one', (_, over, why) => {
    const only = change(change(othersRest(), 'enc-2', over), 'enc-3', over);
    // Without channels of its own on that encoder: those would need room elsewhere first.
    const all = defaultSwarm();
    const others = all.channels.filter((c) => c.owner?.encoderId !== 'enc-2');
    const one = change({ ...all, channels: others }, 'enc-2', over);
    expect(plan(only, surge).moves.filter((m) => m.reason === 'predicted-overload')).toEqual([]);
    const [move] = plan(one, surge).moves.filter((m) => m.channelId === 'ch-4');
    expect(move?.toEncoderId).toBe('enc-3');
    expect(move?.explanation.rejected).toEqual([{ encoderId: 'enc-2', why: expect.stringMatching(why) }]);
  });

  test('room that channels off air will need is not given away', () => {
    const swarm = othersRest();
    const spec = swarm.channels[0]!.spec;
    const waiting = ['w-1', 'w-2'].map((id) => channelOn({ ...spec, id }, null, { viewers: 1200 }));
    const withWaiting = { ...swarm, channels: [...swarm.channels, ...waiting] };
    expect(plan(swarm, surge).moves).toHaveLength(1);
    // With 1.64 units for each of them, enc-2 and enc-3 have 1.16 left below their limit; ch-4 needs 1.64.
    const { moves, unmet } = plan(withWaiting, { ...surge, 'w-1': [1.64], 'w-2': [1.64] });
    expect(moves.filter((m) => m.reason === 'predicted-overload')).toEqual([]);
    expect(unmet.length).toBeGreaterThan(0);
  });
});

describe('scaling', () => {
  const fourEncoders = (): SwarmSnapshot => {
    const swarm = defaultSwarm();
    return withTelemetry({ ...swarm, encoders: [...swarm.encoders, encoderWith('enc-4', { zone: 'b' })] });
  };

  test('demand beyond the limits of all provisions what is missing, up to the most allowed', () => {
    const all = Object.fromEntries(defaultSwarm().channels.map((c) => [c.spec.id, [3.415]]));
    const { scale } = plan(defaultSwarm(), all);
    expect(scale).toMatchObject({ kind: 'provision', count: 2 });
    const atMost = plan(defaultSwarm(), all, { maxEncoders: 3 });
    expect(atMost.scale).toEqual({ kind: 'none' });
    expect(atMost.unmet.some((u) => /at most 3/.test(u.why))).toBe(true);
  });

  test('an encoder goes after demand has been low for the stabilisation time, not before', () => {
    const first = plan(fourEncoders());
    expect(first).toMatchObject({ scale: { kind: 'none' }, lowDemandSinceMs: NOW_MS, moves: [] });
    const early = plan(fourEncoders(), {}, {}, NOW_MS - 59_000);
    expect(early).toMatchObject({ scale: { kind: 'none' }, lowDemandSinceMs: NOW_MS - 59_000 });
    const due = plan(fourEncoders(), {}, {}, NOW_MS - 60_000);
    expect(due.scale).toMatchObject({ kind: 'deprovision', encoderId: 'enc-4' });
  });

  test('its channels are consolidated first, never beyond the moves of a cycle', () => {
    const swarm = fourEncoders();
    const spread = withTelemetry({
      ...swarm,
      encoders: swarm.encoders.map((e) => ({ ...e, telemetry: undefined })),
      channels: swarm.channels.map((c) => (c.spec.id === 'ch-6' ? channelOn(c.spec, 'enc-4') : c)),
    });
    const { scale, moves } = plan(spread, {}, {}, NOW_MS - 60_000);
    const goes = scale.kind === 'deprovision' ? scale.encoderId : '';
    expect(['enc-3', 'enc-4']).toContain(goes);
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatchObject({ fromEncoderId: goes, reason: 'consolidation' });
  });

  test('the last encoder of the second zone stays', () => {
    const swarm = fourEncoders();
    const zones: Record<string, string> = { 'enc-4': 'b' };
    const lopsided = { ...swarm, encoders: swarm.encoders.map((e) => ({ ...e, zone: zones[e.id] ?? 'a' })) };
    const { scale } = plan(lopsided, {}, {}, NOW_MS - 60_000);
    expect(scale).toMatchObject({ kind: 'deprovision' });
    expect(scale).not.toMatchObject({ encoderId: 'enc-4' });
  });

  test.each<[string, (s: SwarmSnapshot) => SwarmSnapshot]>([
    ['an encoder is silent', (s) => change(s, 'enc-1', { reachable: false, telemetry: undefined })],
    [
      'another is being emptied',
      (s) => ({
        ...s,
        encoders: [...s.encoders, encoderWith('enc-5', { cordoned: true, draining: true })],
      }),
    ],
    ['there are only as many as must be', (s) => ({ ...s, encoders: s.encoders.slice(0, 3) })],
  ])('nothing is let go while %s', (_, spoil) => {
    expect(plan(spoil(fourEncoders()), {}, {}, NOW_MS - 600_000).scale.kind).not.toBe('deprovision');
  });

  test('demand that rises again starts the time afresh', () => {
    // 14.5 in all: more than three encoders may carry, 14.4.
    const units = { 'ch-1': 2.6, 'ch-4': 2.6, 'ch-2': 2.35, 'ch-5': 2.35, 'ch-3': 2.3, 'ch-6': 2.3 };
    const high = Object.fromEntries(Object.entries(units).map(([id, p90]) => [id, [p90]]));
    expect(plan(fourEncoders(), high, {}, NOW_MS - 600_000)).toMatchObject({
      scale: { kind: 'none' },
      lowDemandSinceMs: null,
    });
  });
});

test('a look at which no encoder answered changes nothing of the fleet, and is reported', () => {
  const swarm = defaultSwarm();
  const silent = swarm.encoders.map((e) => ({ ...e, reachable: false, telemetry: undefined }));
  const { scale, unmet } = plan({ ...swarm, encoders: silent });
  expect(scale).toEqual({ kind: 'none' });
  expect(unmet.map(({ why }) => why).join()).toContain('none of 3 encoders answers');
  const [first, ...others] = silent;
  const one = [{ ...first!, reachable: true }, ...others];
  expect(plan(withTelemetry({ ...swarm, encoders: one })).scale.kind).toBe('provision');
});

describe('CDN regions', () => {
  /** Two encoders in each of two regions; ch-1 of eu may also be encoded in us, and has to leave enc-1. */
  const swarm = (() => {
    const base = defaultSwarm();
    const encoders = base.encoders.map((e) => ({ ...e, region: e.id === 'enc-3' ? 'us' : 'eu', zone: e.id }));
    const channels = base.channels
      .filter((c) => c.spec.id !== 'ch-3' && c.spec.id !== 'ch-6')
      .map((c) => ({ ...c, spec: { ...c.spec, placement: { otherRegions: ['us'] } } }));
    return withTelemetry({
      ...base,
      channels,
      encoders: encoders.map((e) => ({ ...e, telemetry: undefined })),
    });
  })();
  const planWith = (eu: number, us: number): Plan => {
    const flat = (load: number) => ({ p10: [load], p50: [load], p90: [load] });
    const forecast = forecastOf(swarm, surge, { regionLoad: { eu: flat(eu), us: flat(us) } });
    return makePlan(swarm, forecast, fitnessOf(swarm, forecast, defaultPolicy), defaultPolicy, {
      lowDemandSinceMs: null,
    });
  };

  test('a target in the region of the audience, unless its CDN is forecast to be congested', () => {
    expect(planWith(0.5, 0.5).moves[0]).toMatchObject({ channelId: 'ch-4', toEncoderId: 'enc-2' });
    const { moves, regions } = planWith(0.95, 0.5);
    expect(moves[0]).toMatchObject({ channelId: 'ch-4', toEncoderId: 'enc-3' });
    expect(moves[0]?.explanation.rejected).toContainEqual({
      encoderId: 'enc-2',
      why: expect.stringContaining('congested'),
    });
    expect(regions).toEqual([
      { region: 'eu', peakLoadP90: 0.95, congested: true },
      { region: 'us', peakLoadP90: 0.5, congested: false },
    ]);
    // Both congested: the less so.
    expect(planWith(0.95, 0.99).moves[0]).toMatchObject({ toEncoderId: 'enc-2' });
  });
});

describe('the reserve', () => {
  const reserve = { reserveFraction: 0.1 };

  test('is kept free by plans: relief begins below the limit, and says so', () => {
    // 4.6 of 4.8.
    const near = { 'ch-1': [3.6], 'ch-4': [1] };
    expect(plan(defaultSwarm(), near).moves).toEqual([]);
    const [move] = plan(defaultSwarm(), near, reserve).moves;
    expect(move).toMatchObject({ channelId: 'ch-4', reason: 'predicted-overload' });
    expect(move?.explanation.summary).toContain('(limit 4.80, less reserve 4.32)');
    expect(move?.explanation.figures).toMatchObject({ limitUnits: 4.32, reserveFraction: 0.1 });
  });

  test('is what a ladder may grow into that no forecast foresaw', () => {
    // 3.415 + 1 units: above 4.32, below 4.8.
    const grown = defaultSwarm({ 'ch-1': { viewers: 3000 } });
    const { moves } = plan(grown, {}, { ...reserve, maxMovesPerEncoder: 9, maxMovesPerCycle: 9 });
    expect(moves).toContainEqual(
      expect.objectContaining({ channelId: 'ch-1', reason: 'ladder', toEncoderId: 'enc-1', rungs: 3 }),
    );
  });
});

test('without a forecast only present needs count', () => {
  const swarm = defaultSwarm({ 'ch-1': { viewers: 3000, rungs: 3 }, 'ch-4': { viewers: 1200, rungs: 2 } });
  const { moves } = makePlan(swarm, null, fitnessOf(swarm, null, defaultPolicy), defaultPolicy, {
    lowDemandSinceMs: null,
  });
  expect(moves[0]).toMatchObject({ channelId: 'ch-4', reason: 'predicted-overload', rungs: 2 });
  expect(moves[0]?.explanation.summary).toMatch(/^enc-1 needs 5\.0[56] of 6\.00 units \(limit 4\.80\) now/);
  expect(moves[0]?.explanation.forecastId).toBeUndefined();
  expect(unitsOfRungs(swarm.channels[0]!.spec, 3)).toBeCloseTo(3.415);
});
