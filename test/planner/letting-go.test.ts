import type { ChannelObservation, EncoderObservation, Plan, Policy, SwarmSnapshot } from '../../src/domain';
import { channelOn, defaultSwarm, encoderWith, NOW_MS, planFor, withTelemetry } from './swarm-fixtures';

const specs = defaultSwarm().channels.map((c) => c.spec);
/** Five encoders of three zones and 6 units, limit 4.8; channels where they are said to be. */
const swarmOf = (
  homes: Record<string, string>,
  over: Record<string, Partial<EncoderObservation>> = {},
  channels: Record<string, Partial<ChannelObservation>> = {},
): SwarmSnapshot =>
  withTelemetry({
    ...defaultSwarm(),
    encoders: ['a', 'b', 'c', 'a', 'b'].map((zone, i) =>
      encoderWith(`enc-${i + 1}`, { zone, ...over[`enc-${i + 1}`] }),
    ),
    channels: Object.entries(homes).map(([id, home]) =>
      channelOn(
        specs.find((spec) => spec.id === id)!,
        home,
        channels[id],
      ),
    ),
  });
const plan = (swarm: SwarmSnapshot, policy: Partial<Policy> = {}, lowSeconds = 60): Plan => {
  const wide = { minEncoders: 2, maxMovesPerCycle: 9, maxMovesPerEncoder: 9, ...policy };
  return planFor(swarm, {}, wide, NOW_MS - lowSeconds * 1_000);
};
const goes = (...given: Parameters<typeof plan>): string | null => {
  const { scale } = plan(...given);
  return scale.kind === 'deprovision' ? scale.encoderId : null;
};
/** One channel on each of the first four. */
const one = { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-3': 'enc-3', 'ch-4': 'enc-4' };

describe('the encoder that goes', () => {
  test('is the smallest, whatever it carries', () => {
    expect(goes(swarmOf({ ...one, 'ch-5': 'enc-5' }, { 'enc-2': { capacityUnits: 5 } }))).toBe('enc-2');
    expect(goes(swarmOf(one, { 'enc-1': { capacityUnits: 5 } }))).toBe('enc-1');
  });

  test('of equal size has the fewest channels', () => {
    expect(goes(swarmOf(one))).toBe('enc-5');
    expect(goes(swarmOf({ ...one, 'ch-5': 'enc-5', 'ch-6': 'enc-1' }))).not.toBe('enc-1');
  });

  test('of as many channels carries least', () => {
    const heavy = { viewers: 1_500, rungs: 2 };
    const all = { ...one, 'ch-5': 'enc-5' };
    const busy = { 'ch-1': heavy, 'ch-2': heavy, 'ch-5': heavy };
    expect(goes(swarmOf(all, {}, busy))).toBe('enc-4');
  });

  test('of equal load is the least fit, and of equal fitness the last', () => {
    const all = { ...one, 'ch-5': 'enc-5' };
    expect(goes(swarmOf(all, { 'enc-1': { troubles: 5 } }))).toBe('enc-1');
    expect(goes(swarmOf({}))).toBe('enc-5');
  });

  test('says why, with the number of channels that it leaves', () => {
    const { scale } = plan(swarmOf(one, { 'enc-1': { capacityUnits: 5 } }));
    expect(scale).toMatchObject({
      ...{ kind: 'deprovision', encoderId: 'enc-1', figures: { channels: 1, encoders: 5 } },
      reason: expect.stringMatching(/for 60 s; enc-1 can go$/),
    });
  });
});

describe('its channels', () => {
  test('go where they may be, also if another encoder is fuller', () => {
    const swarm = swarmOf(
      { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-5': 'enc-2', 'ch-3': 'enc-3' },
      { 'enc-1': { capacityUnits: 5 }, 'enc-2': { region: 'us' } },
    );
    const there = { otherRegions: ['us'] };
    const channels = swarm.channels.map((c) =>
      c.spec.id === 'ch-1' ? c : { ...c, spec: { ...c.spec, placement: there } },
    );
    const { moves } = plan({ ...swarm, channels });
    expect(moves).toMatchObject([
      { channelId: 'ch-1', fromEncoderId: 'enc-1', toEncoderId: 'enc-3', reason: 'consolidation' },
    ]);
  });

  test('fill the fullest encoders that have room, so that what is free stays in large pieces', () => {
    const swarm = swarmOf(
      { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-5': 'enc-2', 'ch-3': 'enc-3' },
      { 'enc-1': { capacityUnits: 5 } },
    );
    const { moves } = plan(swarm);
    expect(moves).toMatchObject([
      { channelId: 'ch-1', fromEncoderId: 'enc-1', toEncoderId: 'enc-2', reason: 'consolidation' },
    ]);
    expect(moves[0]!.explanation.summary).toMatch(/enc-1 can go; moving ch-1/);
  });

  test('go to one in use that is neither cordoned, without a session, nor forbidden; else to an empty one', () => {
    const homes = { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-5': 'enc-2', 'ch-3': 'enc-3' };
    const small = { capacityUnits: 5 };
    const to = (over: Record<string, Partial<EncoderObservation>>): string | undefined =>
      plan(swarmOf(homes, { 'enc-1': small, ...over })).moves[0]?.toEncoderId;
    expect(to({ 'enc-2': { cordoned: true } })).toBe('enc-3');
    expect(to({ 'enc-2': { maxSessions: 2 } })).toBe('enc-3');
    expect(to({ 'enc-2': { region: 'us' } })).not.toBe('enc-2');
    expect(['enc-4', 'enc-5']).toContain(to({ 'enc-2': { cordoned: true }, 'enc-3': { cordoned: true } }));
  });

  test('keep it where one of them rests', () => {
    const swarm = swarmOf(one, { 'enc-1': { capacityUnits: 5 } }, { 'ch-1': { movedAtMs: NOW_MS } });
    expect(goes(swarm)).not.toBe('enc-1');
  });
});

describe('no encoder goes', () => {
  test('whose moves cost more than it saves while demand stays low', () => {
    // A forecast of 6 steps of 5 s, and low for 60 s: one move may cost 60 encoder seconds.
    const swarm = swarmOf({ ...one, 'ch-5': 'enc-5' });
    expect(goes(swarm, { handoffCostEncoderSeconds: 60 })).not.toBeNull();
    expect(goes(swarm, { handoffCostEncoderSeconds: 61 })).toBeNull();
    expect(goes(swarm, { handoffCostEncoderSeconds: 61 }, 61)).not.toBeNull();
    expect(goes(swarmOf(one), { handoffCostEncoderSeconds: 1e9 })).toBe('enc-5');
    expect(goes(swarm, { handoffCostEncoderSeconds: 0 })).not.toBeNull();
  });

  test.each<[string, SwarmSnapshot]>([
    ['while one is silent', swarmOf(one, { 'enc-5': { reachable: false, telemetry: undefined } })],
    ['while one is drained', swarmOf(one, { 'enc-5': { draining: true, cordoned: true } })],
    ['while a channel is off air', swarmOf(one, {}, { 'ch-1': { owner: null } })],
    [
      'while a wish is unmet',
      swarmOf(
        one,
        { 'enc-2': { cordoned: true }, 'enc-5': { cordoned: true } },
        { 'ch-1': { spec: { ...specs[0]!, placement: { zone: 'b' } } } },
      ),
    ],
  ])('%s', (_, swarm) => {
    expect(goes(swarm)).toBeNull();
  });
});
