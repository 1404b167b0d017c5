import type { ChannelObservation, Plan, SwarmSnapshot } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { chooseTarget, makePlan } from '../../src/planner';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  planFor,
  withTelemetry,
} from './swarm-fixtures';

/** Encoders 1 to 4, of zones a, b, c, c. */
const encoders = ['a', 'b', 'c', 'c'].map((zone, i) => encoderWith(`enc-${i + 1}`, { zone }));
const [one, two] = defaultSwarm().channels.map((c) => c.spec);
const mate = (spec: typeof one, encoderId: string | null, over: Partial<ChannelObservation> = {}) =>
  channelOn({ ...spec!, placement: { redundancyGroup: 'final' } }, encoderId, over);
const swarm = (channels: ChannelObservation[]): SwarmSnapshot =>
  withTelemetry({ ...defaultSwarm(), encoders, channels });
const plan = (snapshot: SwarmSnapshot, policy = defaultPolicy): Plan => planFor(snapshot, {}, policy);
const choose = (snapshot: SwarmSnapshot, channelId: string, toEncoderId?: string) => {
  const forecast = forecastOf(snapshot, {});
  return chooseTarget(snapshot, forecast, fitnessOf(snapshot, forecast, defaultPolicy), defaultPolicy, {
    ...{ channelId, rungs: 1 },
    ...(toEncoderId !== undefined && { toEncoderId }),
  });
};

describe('channels of a redundancy group', () => {
  test('stay where they are while their zones differ', () => {
    expect(plan(swarm([mate(one, 'enc-1'), mate(two, 'enc-3')])).moves).toEqual([]);
  });

  test.each([
    ['on one encoder', 'enc-3', 'enc-3'],
    ['on two encoders of one zone', 'enc-3', 'enc-4'],
  ])('are parted by one move when they are %s', (_, first, second) => {
    const { moves, unmet } = plan(swarm([mate(one, first), mate(two, second)]));
    expect(unmet).toEqual([]);
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatchObject({ reason: 'placement' });
    expect(['enc-1', 'enc-2']).toContain(moves[0]!.toEncoderId);
    const [left, stays] = moves[0]!.channelId === one!.id ? [one, two] : [two, one];
    expect(moves[0]!.explanation.summary).toContain(
      `which encodes ${left!.id}, shares its zone with ${stays!.id}, of the same redundancy group`,
    );
  });

  test('are told of when nothing parts them: every other encoder is cordoned', () => {
    const shut = swarm([mate(one, 'enc-3'), mate(two, 'enc-4')]);
    shut.encoders = shut.encoders.map((e) => ({ ...e, cordoned: e.zone !== 'c' }));
    const { moves, unmet } = plan(shut);
    expect(moves).toEqual([]);
    expect(unmet.map((u) => u.channelId).sort()).toEqual([one!.id, two!.id]);
    expect(unmet[0]!.why).toMatch(
      /shares its zone with .*, of the same redundancy group; no other encoder may take it/,
    );
  });

  test('of different groups, or of none, may share a zone', () => {
    const other = channelOn({ ...two!, placement: { redundancyGroup: 'other' } }, 'enc-4');
    expect(plan(swarm([mate(one, 'enc-3'), other])).moves).toEqual([]);
    expect(plan(swarm([mate(one, 'enc-3'), channelOn(two!, 'enc-4')])).moves).toEqual([]);
  });
});

describe('a target that is asked for', () => {
  const parted = swarm([mate(one, 'enc-1'), mate(two, 'enc-3')]);

  test('is refused in the zone of the mate, and the refusal names the mate', () => {
    expect(choose(parted, one!.id, 'enc-4')).toMatchObject({
      ok: false,
      code: 'encoder-incompatible',
      message: `enc-4 shares its zone with ${two!.id}, of the same redundancy group.`,
    });
    expect(choose(parted, one!.id, 'enc-2')).toMatchObject({ ok: true, encoderId: 'enc-2' });
  });

  test('is chosen outside of the zone of the mate, for a lost channel too', () => {
    expect(choose(parted, one!.id)).toMatchObject({ ok: true, encoderId: 'enc-2' });
    const lost = swarm([mate(one, null), mate(two, 'enc-3')]);
    const answer = choose(lost, one!.id);
    expect(answer.ok && answer.encoderId).toMatch(/^enc-[12]$/);
  });

  test('is not in the zone which the mate is leaving while its handoff is under way', () => {
    const moving = swarm([mate(one, 'enc-1'), mate(two, 'enc-3', { moving: true })]);
    // The session that is to take over holds on enc-2; the owner still encodes on enc-3.
    const session = {
      ...moving.encoders[2]!.telemetry!.sessions[0]!,
      state: 'holding' as const,
      sessionId: 'next',
    };
    moving.encoders[1]!.telemetry!.sessions.push(session);
    for (const id of ['enc-2', 'enc-4']) {
      expect(choose(moving, one!.id, id)).toMatchObject({ ok: false, code: 'encoder-incompatible' });
    }
  });
});

describe('what a channel will need', () => {
  test('is its P90, not its P50: the plan and the refusal of a target go by it', () => {
    const snapshot = withTelemetry({
      ...defaultSwarm(),
      encoders: encoders.slice(0, 2).map((e) => ({ ...e, zone: 'a' })),
      channels: [channelOn(one!, 'enc-1'), channelOn(two!, 'enc-1')],
    });
    const p90 = { [one!.id]: [1, 1, 3, 3, 3, 3], [two!.id]: [1, 1, 2, 2, 2, 2] };
    const withMedian = (p50Of: (p90: number) => number) => {
      const forecast = forecastOf(snapshot, p90);
      for (const curve of Object.values(forecast.channelUnits)) {
        curve.p50 = curve.p90.map(p50Of);
        curve.p10 = curve.p50;
      }
      const fitness = fitnessOf(snapshot, forecast, defaultPolicy);
      const made = makePlan(snapshot, forecast, fitness, defaultPolicy, { lowDemandSinceMs: null });
      const full = { ...defaultPolicy, limitFraction: 0.3 };
      const asked = chooseTarget(snapshot, forecast, fitness, full, {
        channelId: one!.id,
        rungs: 1,
        toEncoderId: 'enc-2',
      });
      return { made, asked };
    };
    // 5 units of a limit of 4.8 at P90, 2 at P50: relieved all the same, by two units.
    const { made, asked } = withMedian(() => 1);
    expect(made.moves).toHaveLength(1);
    expect(made.moves[0]).toMatchObject({
      channelId: two!.id,
      toEncoderId: 'enc-2',
      reason: 'predicted-overload',
    });
    expect(made.moves[0]!.explanation.figures).toMatchObject({
      predictedUnits: 5,
      channelUnitsP90: 2,
      targetUnitsP90: 2,
      secondsUntilOverload: 10,
    });
    expect(asked.ok && asked.explanation.figures).toMatchObject({ channelUnitsP90: 3, targetUnitsP90: 3 });
    // And what P50 says changes no move.
    expect(withMedian((units) => 0.9 * units).made.moves).toEqual(made.moves);
  });
});
