import { channelWithDefaults, type ChannelObservation, type SwarmSnapshot } from '../../src/domain';
import type { SwarmTracker } from '../../src/planner/swarm-tracker';
import { channelOn, encoderWith, NOW_MS, sessionOf, trackerOf } from './swarm-fixtures';

/** What encoders carry, as snapshots tell of sessions and owners. Each channel needs one unit and encodes one rung. */

const a = channelOn(channelWithDefaults('a'), 'enc-1');
const b = channelOn(channelWithDefaults('b'), 'enc-1');
const telemetry = (...sessions: ReturnType<typeof sessionOf>[]) => ({
  ...{ atMs: NOW_MS, cpuCores: 0.1, memoryMiB: 100, networkKbps: 500, unitsUsed: 0, sessions },
});
const [ofA, ofB] = [sessionOf(a), sessionOf(b)];
const next = sessionOf(a, { sessionId: 'next', state: 'holding' });

const swarmOf = (
  encoders: SwarmSnapshot['encoders'],
  channels: ChannelObservation[] = [a, b],
): SwarmSnapshot => ({ cell: 'local', atMs: NOW_MS, encoders, channels });

interface Shown {
  /** Where each channel is, or is going; `waits`: nobody encodes it. */
  homes: Record<string, string>;
  /** Encoders that a channel is leaving. */
  leaving: Record<string, string>;
  /** By encoder: channels that it owns, sessions, units occupied and encoded. */
  carried: Record<string, [string, number, number, number]>;
}

const shown = ({ table, placements }: SwarmTracker): Shown => {
  const nameOf = (slot: number): string => (slot < 0 ? 'nowhere' : table.encoders.idOf(slot));
  const channels = table.channels.inOrder();
  const leaving = channels.filter((c) => table.leftFrom[c]! >= 0);
  return {
    homes: Object.fromEntries(
      channels.map((c) => [
        table.channels.idOf(c),
        table.isWaiting[c] === 1 ? 'waits' : nameOf(table.homeOf[c]!),
      ]),
    ),
    leaving: Object.fromEntries(leaving.map((c) => [table.channels.idOf(c), nameOf(table.leftFrom[c]!)])),
    carried: Object.fromEntries(
      table.encoders.inOrder().map((e) => {
        const owned = placements.ownedOn(e).map((c) => table.channels.idOf(c));
        const units = [table.occupiedOn[e]! / 1e8, table.encodedOn[e]! / 1e8] as const;
        return [table.encoders.idOf(e), [owned.sort().join(' '), table.sessionsOn[e]!, ...units]];
      }),
    ),
  };
};

describe('a channel is', () => {
  test('where its owner has its session', () => {
    const tracker = trackerOf(
      swarmOf([encoderWith('enc-1', { telemetry: telemetry(ofA, ofB) }), encoderWith('enc-2')]),
    );
    expect(shown(tracker)).toEqual({
      homes: { a: 'enc-1', b: 'enc-1' },
      leaving: {},
      carried: { 'enc-1': ['a b', 2, 2, 2], 'enc-2': ['', 0, 0, 0] },
    });
  });

  test.each([
    ['with an owner that does not answer', { reachable: false, telemetry: telemetry(ofA) }, 'waits'],
    ['with an owner that tells of other sessions', { telemetry: telemetry(ofB) }, 'waits'],
    ['with an owner that tells of none', { telemetry: telemetry() }, 'waits'],
    [
      'with one whose session has failed',
      { telemetry: telemetry(ofB, { ...ofA, state: 'failed' as const }) },
      'waits',
    ],
    ['with one that has told nothing yet', {}, 'enc-1'],
  ])('%s: %s', (_, encoder, home) => {
    expect(shown(trackerOf(swarmOf([encoderWith('enc-1', encoder)]))).homes).toMatchObject({ a: home });
  });

  test('waiting where nobody owns it, or an encoder that nobody knows', () => {
    const channels = [
      channelOn(channelWithDefaults('a'), null),
      channelOn(channelWithDefaults('b'), 'enc-9'),
    ];
    expect(shown(trackerOf(swarmOf([encoderWith('enc-1')], channels))).homes).toEqual({
      ...{ a: 'waits', b: 'waits' },
    });
  });

  test('where it is being prepared; it leaves its owner, and takes up room at both', () => {
    const encoders = [
      encoderWith('enc-1', { telemetry: telemetry(ofA, ofB) }),
      encoderWith('enc-2', { telemetry: telemetry(next) }),
    ];
    expect(shown(trackerOf(swarmOf(encoders)))).toEqual({
      homes: { a: 'enc-2', b: 'enc-1' },
      leaving: { a: 'enc-1' },
      carried: { 'enc-1': ['a b', 2, 2, 2], 'enc-2': ['', 1, 1, 1] },
    });
  });

  test('there alone where its owner is lost', () => {
    const encoders = [
      encoderWith('enc-1', { reachable: false }),
      encoderWith('enc-2', { telemetry: telemetry(next) }),
    ];
    const { homes, leaving, carried } = shown(trackerOf(swarmOf(encoders, [a])));
    expect([homes, leaving]).toEqual([{ a: 'enc-2' }, {}]);
    expect(carried).toEqual({ 'enc-1': ['a', 1, 0, 0], 'enc-2': ['', 1, 1, 1] });
  });

  test('not where an encoder that does not answer was preparing it', () => {
    const encoders = [
      encoderWith('enc-1', { telemetry: telemetry(ofA) }),
      encoderWith('enc-2', { reachable: false, telemetry: telemetry(next) }),
    ];
    expect(shown(trackerOf(swarmOf(encoders, [a]))).homes).toEqual({ a: 'enc-1' });
  });
});

test('sessions are those that live, or the channels that an encoder owns where these are more', () => {
  const failed = { ...next, state: 'failed' as const };
  const encoders = [
    encoderWith('enc-1', { telemetry: telemetry(ofA) }),
    encoderWith('enc-2', { telemetry: telemetry(next, { ...next, sessionId: 'x' }, failed) }),
  ];
  const { carried } = shown(trackerOf(swarmOf(encoders)));
  expect([carried['enc-1']![1], carried['enc-2']![1]]).toEqual([2, 2]);
});

test('sessions of channels that nobody knows take room, now and at every step, until their channel is known', () => {
  const unknown = sessionOf(b, { units: 2.5 });
  const failed = { ...unknown, sessionId: 'x', state: 'failed' as const };
  const seen = encoderWith('enc-1', { telemetry: telemetry(ofA, unknown, failed) });
  const tracker = trackerOf(swarmOf([seen], [a]));
  const { table } = tracker;
  const carried = (): number[] => [
    ...[table.occupiedOn[0]!, table.encodedOn[0]!, table.peakOn[0]!].map((units) => units / 1e8),
    ...[0, 3, 6].map((step) => table.sumOn(0, step) / 1e8),
  ];
  expect(carried()).toEqual([3.5, 3.5, 3.5, 3.5, 3.5, 3.5]);
  tracker.read({ atMs: NOW_MS, channels: [b] });
  expect(carried()).toEqual([2, 2, 2, 2, 2, 2]);
  tracker.read({ atMs: NOW_MS, removedChannels: ['b'] });
  expect(carried()).toEqual([3.5, 3.5, 3.5, 3.5, 3.5, 3.5]);
  tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-1', { telemetry: telemetry(ofA) })] });
  expect(carried()).toEqual([1, 1, 1, 1, 1, 1]);
});

describe('after a change', () => {
  const encoders = [
    encoderWith('enc-1', { telemetry: telemetry(ofA, ofB) }),
    encoderWith('enc-2', { telemetry: telemetry(next, { ...next, sessionId: 'next-b', channelId: 'b' }) }),
    encoderWith('enc-3', { telemetry: telemetry() }),
  ];

  test('one that begins to be prepared is on its way from then on', () => {
    const tracker = trackerOf(swarmOf([encoders[0]!, encoderWith('enc-2'), encoders[2]!]));
    expect(shown(tracker).homes).toEqual({ a: 'enc-1', b: 'enc-1' });
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-2', { telemetry: telemetry(next) })] });
    expect(shown(tracker)).toEqual({
      homes: { a: 'enc-2', b: 'enc-1' },
      leaving: { a: 'enc-1' },
      carried: { 'enc-1': ['a b', 2, 2, 2], 'enc-2': ['', 1, 1, 1], 'enc-3': ['', 0, 0, 0] },
    });
  });

  test('one of two that an encoder prepared is given up: the other is on its way still', () => {
    const tracker = trackerOf(swarmOf(encoders));
    expect(shown(tracker).homes).toEqual({ a: 'enc-2', b: 'enc-2' });
    const left = telemetry({ ...next, sessionId: 'next-b', channelId: 'b' });
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-2', { telemetry: left })] });
    expect(shown(tracker)).toEqual({
      homes: { a: 'enc-1', b: 'enc-2' },
      leaving: { b: 'enc-1' },
      carried: { 'enc-1': ['a b', 2, 2, 2], 'enc-2': ['', 1, 1, 1], 'enc-3': ['', 0, 0, 0] },
    });
  });

  test('one of two encoders that prepared a channel gives it up: the other goes on', () => {
    const third = encoderWith('enc-3', { telemetry: telemetry({ ...next, sessionId: 'third' }) });
    const tracker = trackerOf(swarmOf([...encoders.slice(0, 2), third]));
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-2', { telemetry: telemetry() })] });
    expect(shown(tracker).homes).toEqual({ a: 'enc-3', b: 'enc-1' });
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-3', { telemetry: telemetry() })] });
    expect(shown(tracker)).toEqual({
      homes: { a: 'enc-1', b: 'enc-1' },
      leaving: {},
      carried: { 'enc-1': ['a b', 2, 2, 2], 'enc-2': ['', 0, 0, 0], 'enc-3': ['', 0, 0, 0] },
    });
  });

  test('a session that publishes by now is not on its way: to forget it forgets no other', () => {
    const publishing = { ...next, state: 'publishing' as const };
    const other = encoderWith('enc-3', { telemetry: telemetry({ ...next, sessionId: 'third' }) });
    const seen = [encoders[0]!, encoderWith('enc-2', { telemetry: telemetry(publishing) }), other];
    const tracker = trackerOf(swarmOf(seen, [a]));
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-2', { telemetry: telemetry() })] });
    expect(shown(tracker).homes).toEqual({ a: 'enc-3' });
  });

  test('a channel with another owner counts there, and others stay with theirs', () => {
    const tracker = trackerOf(swarmOf([encoders[0]!, encoderWith('enc-2'), encoders[2]!]));
    const moved = { ...a, owner: { encoderId: 'enc-2', sessionId: 'next' } };
    tracker.read({ atMs: NOW_MS, channels: [moved] });
    expect(shown(tracker).carried).toEqual({
      // Its old session is still there.
      ...{ 'enc-1': ['b', 2, 1, 1], 'enc-2': ['a', 1, 1, 1], 'enc-3': ['', 0, 0, 0] },
    });
    tracker.read({ atMs: NOW_MS, removedChannels: ['a'] });
    expect(shown(tracker).carried['enc-2']).toEqual(['', 0, 0, 0]);
    expect(shown(tracker).homes).toEqual({ b: 'enc-1' });
  });

  test('an encoder that has left takes nothing along for the next one', () => {
    const tracker = trackerOf(swarmOf(encoders));
    tracker.read({ atMs: NOW_MS, removedEncoders: ['enc-1', 'enc-2'] });
    expect(shown(tracker)).toEqual({
      homes: { a: 'waits', b: 'waits' },
      leaving: {},
      carried: { 'enc-3': ['', 0, 0, 0] },
    });
    tracker.read({ atMs: NOW_MS, encoders: [encoderWith('enc-7'), encoderWith('enc-8')] });
    expect(shown(tracker).carried).toEqual({
      ...{ 'enc-3': ['', 0, 0, 0], 'enc-7': ['', 0, 0, 0], 'enc-8': ['', 0, 0, 0] },
    });
    expect(shown(tracker).homes).toEqual({ a: 'waits', b: 'waits' });
  });

  test('the same with other rungs is entered anew; whose channel it is stays known', () => {
    const tracker = trackerOf(swarmOf(encoders));
    const { table, placements } = tracker;
    const slot = table.channels.slotOf('a');
    const owner = table.ownerOf[slot]!;
    placements.removeWith(slot, 2);
    expect([table.ownerOf[slot], table.homeOf[slot], table.leftFrom[slot]]).toEqual([owner, -1, -1]);
    const { carried } = shown(tracker);
    expect(carried['enc-1']!.slice(1)).toEqual([2, 1, 1]);
    expect(carried['enc-2']!.slice(2)).toEqual([1, 1]);
  });

  test('one that nobody owns can be entered anew too', () => {
    const tracker = trackerOf(swarmOf(encoders, [channelOn(channelWithDefaults('a'), null), b]));
    const { table, placements } = tracker;
    const slot = table.channels.slotOf('a');
    placements.removeWith(slot, 2);
    expect([table.ownerOf[slot], shown(tracker).carried['enc-1']]).toEqual([-1, ['b', 2, 1, 1]]);
  });
});
