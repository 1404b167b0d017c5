import type { EncoderObservation, Move, Plan, Policy, SwarmSnapshot } from '../../src/domain';
import { channelOn, defaultSwarm, encoderWith, NOW_MS, planFor, withTelemetry } from './swarm-fixtures';

/**
 * Fleets that are too large to be searched as a whole: what simple moves leave amiss is repaired around one encoder.
 * Encoders have 6 units, limit 4.8.
 */
const FLEET = 20;
const [spec] = defaultSwarm().channels.map((c) => c.spec);
/** Channels with their units at P90, by encoder; every other encoder carries one of `others` units. */
type Loads = Record<string, Record<string, number>>;

const planOf = (
  loads: Loads,
  over: Record<string, Partial<EncoderObservation>> = {},
  options: {
    others?: number;
    policy?: Partial<Policy>;
    pins?: Record<string, object>;
    resting?: string[];
    lowSeconds?: number;
  } = {},
): Plan => {
  const { others = 4, policy = {}, pins = {}, resting = [], lowSeconds } = options;
  const ids = Array.from({ length: FLEET }, (_, i) => `enc-${i + 1}`);
  const all: Loads = Object.fromEntries(ids.map((id) => [id, loads[id] ?? { [`on-${id}`]: others }]));
  const channels = Object.entries(all).flatMap(([encoderId, carried]) =>
    Object.keys(carried).map((id) =>
      channelOn({ ...spec!, id, ...(pins[id] && { placement: pins[id] }) }, encoderId, {
        movedAtMs: resting.includes(id) ? NOW_MS : null,
      }),
    ),
  );
  const encoders = ids.map((id) => encoderWith(id, { zone: 'a', ...over[id] }));
  const swarm: SwarmSnapshot = withTelemetry({ ...defaultSwarm(), encoders, channels });
  const p90 = Object.fromEntries(
    Object.values(all).flatMap((carried) =>
      Object.entries(carried).map(([id, units]) => [id, [1, 1, units]]),
    ),
  );
  const wide = { maxMovesPerCycle: 20, maxMovesPerEncoder: 5, minEncoders: 2, maxEncoders: FLEET, ...policy };
  return planFor(swarm, p90, wide, lowSeconds === undefined ? null : NOW_MS - lowSeconds * 1_000);
};
const inWords = (moves: readonly Move[]): string[] =>
  moves.map((m) => `${m.channelId} ${m.fromEncoderId} ${m.toEncoderId} ${m.reason}`).sort();

/**
 * enc-1 needs 6. Of its channels none fits on any other encoder: enc-2 has 2 left, enc-3 1.4, the others 0.8.
 * But enc-3 takes c of enc-2, which then takes b.
 */
const chain: Loads = { 'enc-1': { a: 3.6, b: 2.4 }, 'enc-2': { c: 1.4, d: 1.4 }, 'enc-3': { e: 3.4 } };

test('one channel makes room for another', () => {
  const { moves, unmet } = planOf(chain);
  expect(unmet).toEqual([]);
  expect(inWords(moves)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^[cd] enc-2 enc-3 make-room$/),
      'b enc-1 enc-2 predicted-overload',
    ]),
  );
  expect(moves).toHaveLength(2);
  const [first, second] = moves;
  expect(first!.reason).toBe('make-room');
  expect(first!.explanation.summary).toMatch(
    /^enc-2 makes room for a channel of another encoder, as enc-1 is forecast to need 6\.00 of 6\.00 units/,
  );
  expect(second!.explanation.summary).toMatch(/^enc-1 is forecast to need 6\.00/);
});

test('both go at once where there is room for both now; where a session must end first, in two waves', () => {
  expect(planOf(chain).moves.map((m) => m.wave)).toEqual([undefined, undefined]);
  const tight = planOf(chain, { 'enc-2': { maxSessions: 2 } }).moves;
  expect(tight.map((m) => [m.reason, m.wave])).toEqual([
    ['make-room', undefined],
    ['predicted-overload', 1],
  ]);
});

test('so it does for a channel of an encoder that is drained, and for one that is pinned elsewhere', () => {
  const draining = { 'enc-1': { draining: true, cordoned: true } };
  const drained = planOf({ ...chain, 'enc-1': { b: 2.4 } }, draining);
  expect(inWords(drained.moves)).toEqual([
    'b enc-1 enc-2 drain',
    expect.stringMatching(/^[cd] enc-2 enc-3 make-room$/),
  ]);
  expect(drained.unmet).toEqual([]);
  expect(drained.moves.find((m) => m.reason === 'make-room')!.explanation.summary).toMatch(
    /^enc-2 makes room for a channel that must move; /,
  );
  const pins = { b: { encoderId: 'enc-2' } };
  const pinned = planOf(chain, {}, { pins });
  expect(inWords(pinned.moves)).toEqual([
    ...['b enc-1 enc-2 placement', expect.stringMatching(/^[cd] enc-2 enc-3 make-room$/)],
  ]);
  expect(pinned.unmet).toEqual([]);
});

test('and for the channels of an encoder that can go', () => {
  const { moves, scale } = planOf({ ...chain, 'enc-1': { b: 2.4 } }, {}, { lowSeconds: 60 });
  expect(scale).toMatchObject({ kind: 'deprovision', encoderId: 'enc-1', figures: { channels: 2 } });
  expect(inWords(moves)).toEqual([
    ...['b enc-1 enc-2 consolidation', expect.stringMatching(/^[cd] enc-2 enc-3 make-room$/)],
  ]);
  expect(moves.find((m) => m.reason === 'make-room')!.explanation.summary).toMatch(
    /^enc-2 makes room for channels of an encoder that can go: channels will need/,
  );
});

test('not by a channel that rests, nor on an encoder that takes no work', () => {
  for (const plan of [
    planOf(chain, {}, { resting: ['c', 'd'] }),
    planOf(chain, { 'enc-2': { cordoned: true } }),
    planOf(chain, { 'enc-3': { cordoned: true } }),
    planOf(chain, { 'enc-3': { maxSessions: 1 } }),
    planOf(chain, { 'enc-3': { region: 'us' } }),
  ]) {
    expect(plan.moves.filter((m) => m.reason !== 'placement')).toEqual([]);
    expect(plan.unmet[0]).toMatchObject({
      encoderId: 'enc-1',
      why: expect.stringMatching(/no other encoder has room/),
    });
  }
});

test('those with most room are looked at, eight in all: a chain over the ninth is not found', () => {
  // With more room than the others, but no session left for any channel.
  const roomy = (count: number): Plan => {
    const ids = Array.from({ length: count }, (_, i) => `enc-${11 + i}`);
    const loads = Object.fromEntries(ids.map((id) => [id, { [`on-${id}`]: 2.6 }]));
    return planOf({ ...chain, ...loads }, Object.fromEntries(ids.map((id) => [id, { maxSessions: 1 }])));
  };
  expect(roomy(5)).toMatchObject({ unmet: [], moves: [{ reason: 'make-room' }, { channelId: 'b' }] });
  const { moves, unmet } = roomy(6);
  expect(moves).toEqual([]);
  expect(unmet[0]).toMatchObject({ encoderId: 'enc-1' });
});

test('those that may not take its channels are not among the eight', () => {
  const empty: Loads = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`enc-${11 + i}`, {}]));
  for (const over of [{ region: 'us' }, { cordoned: true }, { buildDigest: 'other' }]) {
    const { moves, unmet } = planOf(
      { ...chain, ...empty },
      Object.fromEntries(Object.keys(empty).map((id) => [id, over])),
    );
    expect(unmet).toEqual([]);
    expect(moves).toHaveLength(2);
  }
});

test('many encoders in trouble: simple moves first, then around those that are left', () => {
  // Nine that one move relieves, each to the one empty encoder of its own, and the one that needs the chain.
  const simple = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`enc-${4 + i}`, { [`p-${i}`]: 4.6, [`q-${i}`]: 0.4 }]),
  );
  const { moves, unmet } = planOf({ ...chain, ...simple }, {}, { others: 4.3 });
  expect(unmet).toEqual([]);
  expect(moves.filter((m) => m.channelId.startsWith('q-'))).toHaveLength(8);
  expect(moves.find((m) => m.channelId === 'b')).toMatchObject({ toEncoderId: 'enc-2' });
});

test('of very many in trouble, those around which eight searches find nothing leave the rest to a second look', () => {
  // Eight whose one channel fits nowhere, looked at first, as they come first by id; the ninth needs the chain.
  const plan = (hopeless: number): Plan =>
    planOf({
      ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`enc-${i + 10}`, { [`h-${i}`]: hopeless }])),
      ...{ 'enc-9': { a: 3.6, b: 2.4 }, 'enc-2': { c: 1.4, d: 1.4 }, 'enc-3': { e: 3.4 } },
    });
  // The second look begins with the worst: that is the ninth, or one of the eight.
  const found = plan(5);
  expect(found.moves).toMatchObject([{ reason: 'make-room' }, { channelId: 'b', toEncoderId: 'enc-2' }]);
  expect(found.unmet.flatMap((u) => u.encoderId ?? [])).toHaveLength(8);
  const beyond = plan(6.5);
  expect(beyond.moves).toEqual([]);
  expect(beyond.unmet.flatMap((u) => u.encoderId ?? [])).toHaveLength(9);
});

describe('of many encoders that are drained at once', () => {
  const ids = Array.from({ length: 10 }, (_, i) => `enc-${i + 11}`);
  const drained = Object.fromEntries(ids.map((id) => [id, { draining: true }]));

  test('each channel goes where there is room, for that reason', () => {
    const { moves, unmet } = planOf({}, drained, { others: 2 });
    expect(unmet).toEqual([]);
    expect(moves.map((m) => [m.channelId, m.fromEncoderId, m.reason]).sort()).toEqual(
      ids.map((id) => [`on-${id}`, id, 'drain']),
    );
    for (const { fromEncoderId, toEncoderId, explanation } of moves) {
      expect(ids).not.toContain(toEncoderId);
      expect(explanation.summary).toMatch(new RegExp(`^${fromEncoderId} is being drained`));
    }
  });

  test('the largest goes first, as long as there is room for it', () => {
    // One of the others has room for the large one, and none for both.
    const loads: Loads = {
      ...Object.fromEntries(ids.map((id) => [id, {}])),
      'enc-11': { a: 0.5, b: 2.4 },
      'enc-2': { on: 2.4 },
      ...Object.fromEntries([1, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => [`enc-${n}`, { [`o-${n}`]: 4.3 }])),
    };
    const { moves, unmet } = planOf(loads, drained);
    expect(unmet).toEqual([]);
    expect(moves.find((m) => m.channelId === 'b')!.toEncoderId).toBe('enc-2');
    expect(moves.find((m) => m.channelId === 'a')!.toEncoderId).not.toBe('enc-2');
  });
});

test('of very many that must not stay where they are all leave at once, the largest first', () => {
  const ids = Array.from({ length: 10 }, (_, i) => `enc-${i + 11}`);
  const pins = Object.fromEntries(ids.map((id) => [`on-${id}`, { otherRegions: ['us'] }]));
  const abroad = Object.fromEntries(ids.map((id) => [id, { region: 'us' }]));
  // Those without a pin have to be in their own region.
  const { moves, unmet } = planOf({}, abroad, { others: 2 });
  expect(unmet).toEqual([]);
  expect(moves.map((m) => [m.channelId, m.fromEncoderId, m.reason]).sort()).toEqual(
    ids.map((id) => [`on-${id}`, id, 'placement']),
  );
  for (const { fromEncoderId, toEncoderId, explanation } of moves) {
    expect(ids).not.toContain(toEncoderId);
    expect(explanation.summary).toMatch(new RegExp(`^${fromEncoderId}, which encodes on-${fromEncoderId}, `));
  }
  expect(planOf({}, abroad, { others: 2, pins }).moves).toEqual([]);
  // One that has moved lately stays all the same.
  const resting = planOf({}, abroad, { others: 2, resting: ['on-enc-11', 'on-enc-12'] });
  expect(resting.moves.map((m) => m.fromEncoderId).sort()).toEqual(ids.slice(2));
});
