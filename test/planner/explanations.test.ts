import type { ChannelObservation, EncoderObservation, Plan, Policy, SwarmSnapshot } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { chooseTarget, type TargetAnswer, type TargetRequest } from '../../src/planner';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  planFor as plan,
  withTelemetry,
} from './swarm-fixtures';

/** What plans and answers tell of themselves: the words that people decide by, and the figures behind them. */

const choose = (
  snapshot: SwarmSnapshot,
  request: Partial<TargetRequest> = {},
  policy: Partial<Policy> = {},
  p90: Record<string, number[]> | null = null,
): TargetAnswer => {
  const forecast = p90 && forecastOf(snapshot, p90);
  const full = { ...defaultPolicy, ...policy };
  return chooseTarget(snapshot, forecast, fitnessOf(snapshot, forecast, full), full, {
    ...{ channelId: 'ch-1', rungs: 1 },
    ...request,
  });
};
const change = (snapshot: SwarmSnapshot, id: string, over: Partial<EncoderObservation>): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((e) => (e.id === id ? { ...e, ...over } : e)),
});
const pinned = (placement: object, over: Partial<ChannelObservation> = {}): SwarmSnapshot => {
  const swarm = defaultSwarm();
  return {
    ...swarm,
    channels: swarm.channels.map((c) =>
      c.spec.id === 'ch-1' ? { ...c, ...over, spec: { ...c.spec, placement } } : c,
    ),
  };
};
const whyOf = ({ unmet }: Plan): string[] => unmet.map(({ why }) => why);

describe('a refused target', () => {
  test.each<[string, SwarmSnapshot, string]>([
    ['pinned to an encoder', pinned({ encoderId: 'enc-3' }), 'enc-2 is not enc-3, to which it is pinned.'],
    ['pinned to a zone', pinned({ zone: 'a' }), 'enc-2 is in zone b, the channel is pinned to zone a.'],
    [
      'pinned to a build',
      pinned({ buildId: 'b-1' }),
      'enc-2 runs an unknown build, the channel is pinned to build b-1.',
    ],
    [
      'pinned to a build, of an encoder with another',
      change(pinned({ buildId: 'b-1' }), 'enc-2', { buildId: 'b-2' }),
      'enc-2 runs b-2, the channel is pinned to build b-1.',
    ],
    [
      'in more than one region',
      change(pinned({ otherRegions: ['ap'] }), 'enc-2', { region: 'us' }),
      'enc-2 is in region us, the channel in eu or ap.',
    ],
    [
      'drained',
      change(defaultSwarm(), 'enc-2', { draining: true, cordoned: true }),
      'enc-2 is being drained.',
    ],
    ['cordoned', change(defaultSwarm(), 'enc-2', { cordoned: true }), 'enc-2 is cordoned.'],
    [
      'silent',
      change(defaultSwarm(), 'enc-2', { reachable: false, telemetry: undefined }),
      'enc-2 does not answer.',
    ],
    [
      'without a session left',
      change(defaultSwarm(), 'enc-2', { maxSessions: 2 }),
      'enc-2 has all of its 2 sessions in use.',
    ],
    [
      'full',
      change(defaultSwarm(), 'enc-2', { capacityUnits: 2.5 }),
      'enc-2 would need 3.00 units at P90, over its capacity of 2.50.',
    ],
  ])('%s', (_, swarm, message) => {
    expect(choose(swarm, { toEncoderId: 'enc-2' })).toMatchObject({ ok: false, message });
  });

  test('of another compatibility class is one only where the policy allows no discontinuity', () => {
    const other = change(defaultSwarm(), 'enc-2', { buildDigest: 'other' });
    expect(choose(other, { toEncoderId: 'enc-2' }, { allowDiscontinuity: false })).toMatchObject({
      ...{ ok: false, code: 'encoder-incompatible' },
      message: 'enc-2 is of another compatibility class, and the policy allows no discontinuity.',
    });
    expect(choose(other, { toEncoderId: 'enc-2' }, { allowDiscontinuity: true })).toMatchObject({ ok: true });
    expect(choose(other, {}, { allowDiscontinuity: false })).toMatchObject({ ok: true, encoderId: 'enc-3' });
    const sameClass = ['enc-1', 'enc-2'].reduce(
      (swarm, id) => change(swarm, id, { compatibilityClass: 'one', buildDigest: id }),
      defaultSwarm(),
    );
    const answer = choose(sameClass, {}, { allowDiscontinuity: false });
    expect(answer).toMatchObject({ ok: true, encoderId: 'enc-2' });
    // One that nobody encodes has no class of its own.
    const lost = { ...other, channels: other.channels.map((c) => (c.spec.id === 'ch-1' ? { ...c, owner: null } : c)) }; // prettier-ignore
    expect(choose(lost, { toEncoderId: 'enc-2' }, { allowDiscontinuity: false })).toMatchObject({ ok: true });
  });

  test.each([
    [{ channelId: 'nope' }, 'There is no channel nope.'],
    [{ rungs: 4 }, 'ch-1 has 1 to 3 renditions, not 4.'],
    [{ rungs: 0 }, 'ch-1 has 1 to 3 renditions, not 0.'],
    [{ rungs: 1.5 }, 'ch-1 has 1 to 3 renditions, not 1.5.'],
    [{ toEncoderId: 'nope' }, 'There is no encoder nope.'],
    [{ toEncoderId: 'enc-1' }, 'enc-1 encodes ch-1 already.'],
    [{ toEncoderId: 'enc-2', exclude: ['enc-2'] }, 'enc-2 is excluded by this very request.'],
    [{ exclude: ['enc-2', 'enc-3'] }, 'No encoder can take ch-1: there is no other encoder.'],
  ])('of the request %j says: %s', (request, message) => {
    expect(choose(defaultSwarm(), request)).toMatchObject({ ok: false, message, rejected: [] });
  });

  test('of as many rungs as there are is none', () => {
    expect(choose(defaultSwarm(), { rungs: 3 })).toMatchObject({ ok: true });
  });
});

describe('a chosen target', () => {
  test('is told with the figures of the choice, and the others with their scores', () => {
    const answer = choose(defaultSwarm(), {}, {}, { 'ch-1': [1, 2.5] });
    expect(answer).toMatchObject({ ok: true, encoderId: 'enc-2' });
    const { explanation } = answer as Extract<TargetAnswer, { ok: true }>;
    expect(explanation.summary).toBe(
      'a move of ch-1 was asked for; moving ch-1 (2.50 units at P90) to enc-2, which then needs 4.50 of 6.00 (limit 4.80).',
    );
    expect(explanation.figures).toEqual({
      ...{ channelUnits: 1, channelUnitsP90: 2.5, targetUnitsP90: 4.5, targetLimitUnits: 4.8 },
    });
    expect(explanation.forecastId).toBe(`forecast-local-${NOW_MS}`);
    expect(explanation.fitness!.from).toEqual(expect.any(Number));
    expect(String(explanation.fitness!.to)).toMatch(/^0\.\d{1,3}$/);
    expect(explanation.rejected).toEqual([
      { encoderId: 'enc-3', why: expect.stringMatching(/^less fit with it: 0\.\d{3}, enc-2 0\.\d{3}$/) },
    ]);
    expect(explanation).not.toHaveProperty('rejectedCounts');
  });

  test('for a lost channel says that nobody encodes it; beyond the limit says so too', () => {
    const lost = defaultSwarm({ 'ch-1': { owner: null } });
    expect(choose(lost)).toMatchObject({
      explanation: { summary: expect.stringMatching(/^nobody encodes ch-1; moving ch-1/) },
    });
    const busy = ['enc-1', 'enc-2', 'enc-3'].reduce((s, id) => change(s, id, { capacityUnits: 2.4 }), lost);
    expect(choose(busy)).toMatchObject({
      explanation: {
        summary: expect.stringMatching(
          /^nobody encodes ch-1, and no encoder has room below its limit; moving ch-1/,
        ),
      },
    });
  });

  test('that was named is said to be', () => {
    const answer = choose(defaultSwarm(), { toEncoderId: 'enc-3' });
    expect(answer).toMatchObject({
      explanation: {
        summary: expect.stringMatching(/^a move of ch-1 to enc-3 was asked for; /),
        rejected: [],
      },
    });
  });

  test('of a large fleet is told with the three next best, and the others counted by what stood against them', () => {
    const encoders = Array.from({ length: 16 }, (_, i) => encoderWith(`enc-${i + 1}`, { zone: 'a' }));
    const large = withTelemetry({ ...defaultSwarm(), encoders });
    let swarm = change(large, 'enc-7', { cordoned: true });
    swarm = change(swarm, 'enc-8', { reachable: false, telemetry: undefined });
    swarm = change(swarm, 'enc-9', { region: 'us' });
    const answer = choose(swarm) as Extract<TargetAnswer, { ok: true }>;
    expect(answer.explanation.rejected).toHaveLength(3);
    for (const { why } of answer.explanation.rejected) expect(why).toMatch(/fit with it/);
    expect(answer.explanation.rejectedCounts).toEqual({
      ...{ fullOrLessFit: 11, otherClassOrZone: 0, otherRegion: 1, silentCordonedOrDraining: 2 },
    });
  });
});

describe('what a plan can’t do is told', () => {
  test('channels that nobody encodes and that find no room', () => {
    const swarm = defaultSwarm({ 'ch-1': { owner: null } });
    const full = Object.fromEntries(['ch-2', 'ch-3', 'ch-4', 'ch-5', 'ch-6'].map((id) => [id, [2.4]]));
    const { unmet, scale } = plan(swarm, { ...full, 'ch-1': [3, 3.5] });
    expect(unmet[0]).toEqual({
      channelId: 'ch-1',
      isOffAir: true,
      why: 'nobody encodes ch-1, and no encoder has room for its 3.50 units at P90 below its limit',
    });
    expect(scale).toMatchObject({ kind: 'provision', figures: { encoders: 3 } });
  });

  test('channels that can’t leave an encoder that is drained', () => {
    const swarm = change(defaultSwarm(), 'enc-1', { draining: true, cordoned: true });
    const alone = ['enc-2', 'enc-3'].reduce((s, id) => change(s, id, { cordoned: true }), swarm);
    expect(plan(alone).unmet[0]).toEqual({
      ...{ channelId: 'ch-1', encoderId: 'enc-1' },
      why: 'enc-1 is being drained, but no other encoder has room below its limit for ch-1 (1.00 units at P90)',
    });
  });

  const over = { 'ch-1': [1, 1, 1, 3.5], 'ch-4': [1, 1, 1, 2] };
  const words =
    'enc-1 is forecast to need 5.50 of 6.00 units (limit 4.80) at P90, first over the limit in 15 s';
  const noTargets = ['enc-2', 'enc-3'].reduce((s, id) => change(s, id, { cordoned: true }), defaultSwarm());

  test('an overload that nothing relieves', () => {
    expect(plan(noTargets, over).unmet[0]).toEqual({
      encoderId: 'enc-1',
      why: `${words}; no other encoder has room below its limit for what would relieve it`,
    });
  });

  test('an overload whose channels rest', () => {
    const resting = {
      ...noTargets,
      channels: noTargets.channels.map((c) => (c.spec.id === 'ch-4' ? { ...c, movedAtMs: NOW_MS } : c)),
    };
    expect(whyOf(plan(resting, over))[0]).toBe(
      `${words}; channels on it are moving or rest after a move, and no others relieve it`,
    );
  });

  test('an overload for which no moves are left', () => {
    expect(whyOf(plan(defaultSwarm(), over, { maxMovesPerCycle: 0 }))).toEqual([
      `${words}; the moves of this cycle are used up`,
    ]);
    expect(whyOf(plan(defaultSwarm(), over, { maxMovesPerEncoder: 0 }))).toEqual([
      `${words}; what relieves it waits for a later cycle`,
    ]);
  });

  test('a channel that must not stay where it is', () => {
    const breach = 'enc-1, which encodes ch-1, is in zone a, the channel is pinned to zone b';
    const shut = change(pinned({ zone: 'b' }), 'enc-2', { cordoned: true });
    expect(plan(shut).unmet).toEqual([{ channelId: 'ch-1', why: `${breach}; no other encoder may take it` }]);
    expect(whyOf(plan(pinned({ zone: 'b' }, { movedAtMs: NOW_MS })))).toEqual([
      `${breach}; it rests after a move`,
    ]);
    const [move] = plan(pinned({ zone: 'b' })).moves;
    expect(move).toMatchObject({ channelId: 'ch-1', toEncoderId: 'enc-2', reason: 'placement' });
    expect(move!.explanation.summary).toMatch(new RegExp(`^${breach}; moving ch-1`));
    const abroad = change(defaultSwarm(), 'enc-1', { region: 'us' });
    expect(plan(abroad).moves.map((m) => [m.channelId, m.reason])).toEqual([
      ['ch-1', 'placement'],
      ['ch-4', 'placement'],
    ]);
  });

  test('of very many the first hundred, and how many more', () => {
    const spec = defaultSwarm().channels[0]!.spec;
    const channels = Array.from({ length: 400 }, (_, i) => channelOn({ ...spec, id: `w-${i}` }, null));
    const { unmet } = plan({ ...defaultSwarm(), channels });
    expect(unmet).toHaveLength(101);
    expect(unmet.at(-1)).toEqual({ why: expect.stringMatching(/^2\d\d more needs could not be met$/) });
  });
});

describe('a ladder', () => {
  const grown = (over: object): SwarmSnapshot => defaultSwarm({ 'ch-2': { viewers: 1_234.4, ...over } });

  test('that grows is told with the audience that earned it', () => {
    const [move] = plan(grown({})).moves;
    expect(move!.explanation).toMatchObject({
      summary:
        'ch-2 has 1234 viewers, which earns 2 of 3 renditions (now 1); handoff to the same encoder, enc-2.',
      forecastId: `forecast-local-${NOW_MS}`,
      figures: {
        ...{ viewers: 1_234.4, viewersThreshold: 1_000, rungs: 2, rungsBefore: 1, channelUnits: 1 },
        ...{ channelUnitsAfter: 1.64, encoderUnitsAfter: 2.64, limitUnits: 4.8 },
      },
      rejected: [],
    });
    const { from, to } = move!.explanation.fitness!;
    expect(from).toBe(to);
    expect(plan(grown({}), null).moves[0]!.explanation).not.toHaveProperty('forecastId');
  });

  test('that shrinks is told with the audience that it lost', () => {
    const [move] = plan(grown({ viewers: 10, rungs: 3 })).moves;
    expect(move!.explanation.summary).toBe(
      'ch-2 has 10 viewers, which no longer earns more than 1 of 3 renditions (now 3); handoff to the same encoder, enc-2.',
    );
    expect(move!.explanation.figures).toMatchObject({ viewersThreshold: 1_000, rungs: 1, rungsBefore: 3 });
  });

  test('that shrinks rests after a move, unless its encoder is crowded; smaller ones come first', () => {
    const resting = { viewers: 10, rungs: 3, movedAtMs: NOW_MS };
    expect(plan(grown(resting)).moves).toEqual([]);
    const crowded = change(grown(resting), 'enc-2', { capacityUnits: 5 });
    expect(plan(crowded).moves).toMatchObject([{ channelId: 'ch-2', rungs: 1, reason: 'ladder' }]);
    const both = defaultSwarm({ 'ch-2': { viewers: 1_200 }, 'ch-3': { viewers: 10, rungs: 2 } });
    expect(plan(both).moves.map((m) => m.channelId)).toEqual(['ch-3', 'ch-2']);
    expect(plan(both, {}, { maxMovesPerCycle: 1 }).moves.map((m) => m.channelId)).toEqual(['ch-3']);
  });

  test('of those that grow the one with the largest audience comes first', () => {
    const three = defaultSwarm({
      ...{ 'ch-1': { viewers: 1_100 }, 'ch-2': { viewers: 1_500 }, 'ch-3': { viewers: 1_300 } },
    });
    expect(plan(three, {}, { maxMovesPerCycle: 9 }).moves.map((m) => m.channelId)).toEqual([
      'ch-2',
      'ch-3',
      'ch-1',
    ]);
  });

  test('of equal audience, and those that shrink, go encoder by encoder, there by id', () => {
    const on = (encoderId: string, id: string): Partial<ChannelObservation> => ({
      owner: { encoderId, sessionId: `session-${id}` },
    });
    const swapped = (over: Partial<ChannelObservation>): string[] => {
      const swarm = defaultSwarm({
        ...{ 'ch-1': { ...on('enc-2', 'ch-1'), ...over }, 'ch-5': { ...on('enc-1', 'ch-5'), ...over } },
        ...{ 'ch-4': over, 'ch-6': over },
      });
      return plan(swarm, null, { maxMovesPerCycle: 9 }).moves.map((m) => `${m.fromEncoderId} ${m.channelId}`);
    };
    const order = ['enc-1 ch-4', 'enc-1 ch-5', 'enc-2 ch-1', 'enc-3 ch-6'];
    expect(swapped({ viewers: 1_200 })).toEqual(order);
    expect(swapped({ viewers: 10, rungs: 2 })).toEqual(order);
  });

  test('that would exceed the whole capacity of its encoder grows elsewhere', () => {
    const swarm = defaultSwarm({ 'ch-1': { viewers: 3_000 }, 'ch-4': { viewers: 1_100, rungs: 2 } });
    const small = change(swarm, 'enc-1', { capacityUnits: 4, telemetry: swarm.encoders[0]!.telemetry });
    const { moves, unmet } = plan(small, null, { maxMovesPerEncoder: 9, maxMovesPerCycle: 9 });
    const grows = moves.find((m) => m.channelId === 'ch-1' && m.rungs === 3);
    expect(grows).toMatchObject({ fromEncoderId: 'enc-1' });
    expect(grows!.toEncoderId).not.toBe('enc-1');
    expect(unmet).toEqual([]);
  });

  test('that has no room waits, and says for what', () => {
    const swarm = change(
      defaultSwarm({ 'ch-1': { viewers: 3_000, movedAtMs: NOW_MS }, 'ch-4': { movedAtMs: NOW_MS } }),
      'enc-1',
      { capacityUnits: 5 },
    );
    const { moves, unmet } = plan(swarm, null);
    expect(moves).toEqual([]);
    expect(unmet.at(-1)).toEqual({
      ...{ channelId: 'ch-1', encoderId: 'enc-1' },
      why: 'enc-1 would carry 4.42 units, over its limit of 4.00, if ch-1 grew to 3 renditions; it waits until others have left',
    });
  });

  test('is left alone where its encoder is drained, or its channel moves', () => {
    const drained = change(grown({}), 'enc-2', { draining: true, cordoned: true });
    expect(plan(drained).moves.filter((m) => m.reason === 'ladder')).toEqual([]);
    expect(plan(grown({ moving: true })).moves).toEqual([]);
  });
});

describe('without room alone', () => {
  test('two channels change places, and each is told with what its new encoder then needs', () => {
    // ch-1 must go to zone b, ch-2 to zone a; each encoder is full.
    const swarm = defaultSwarm();
    const channels = swarm.channels
      .filter((c) => ['ch-1', 'ch-2'].includes(c.spec.id))
      .map((c) => ({ ...c, spec: { ...c.spec, placement: { zone: c.spec.id === 'ch-1' ? 'b' : 'a' } } }));
    const encoders = swarm.encoders.slice(0, 2).map((e) => ({ ...e, telemetry: undefined }));
    const tight = withTelemetry({ ...swarm, channels, encoders });
    const needs = { 'ch-1': [3], 'ch-2': [3] };
    const { moves } = plan(tight, needs);
    expect(moves.map((m) => [m.channelId, m.toEncoderId, m.reason, m.wave ?? 0])).toEqual([
      ['ch-1', 'enc-2', 'placement', 0],
      ['ch-2', 'enc-1', 'placement', 0],
    ]);
    for (const move of moves) expect(move.explanation.summary).toContain('which then needs 3.00 of 6.00');
    expect(plan(tight, needs, { maxMovesPerEncoder: 1 }).moves).toEqual([]);
    expect(plan(tight, needs, { maxMovesPerCycle: 1 }).moves).toEqual([]);
  });
});
