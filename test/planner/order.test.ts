import { channelWithDefaults, type ChannelObservation, type SwarmSnapshot } from '../../src/domain';
import { buildContext } from '../../src/planner/context';
import { PlanDraft, type Intent } from '../../src/planner/draft';
import { orderOf } from '../../src/planner/order';
import { SwarmTracker } from '../../src/planner/swarm-tracker';
import { channelOn, defaultPolicy, encoderWith, forecastOf, NOW_MS, withTelemetry } from './swarm-fixtures';

/** Each encoder is in a zone of its own and may carry ten units; a channel needs one unit, and later what is given. */

interface Given {
  /** Encoder of each channel, its units at P90 from the second step on, and what else is seen of it. */
  channels: Record<string, [encoder: string, laterUnits: number, more?: Partial<ChannelObservation>]>;
  /** Units that each channel takes now; default 1. */
  nowUnits?: number;
  zones?: Record<string, string>;
  maxSessions?: number;
  group?: string[];
}

const policy = { ...defaultPolicy, limitFraction: 1 };
const ENCODERS = 'abcdefgh'.split('');

const draftOf = ({ channels, nowUnits = 1, zones = {}, maxSessions = 8, group = [] }: Given): PlanDraft => {
  const swarm: SwarmSnapshot = withTelemetry({
    cell: 'local',
    atMs: NOW_MS,
    encoders: ENCODERS.map((id) =>
      encoderWith(id, { zone: zones[id] ?? id, capacityUnits: 10, maxSessions }),
    ),
    channels: Object.entries(channels).map(([id, [encoder, , more]]) => {
      const spec = channelWithDefaults(id);
      const placement = group.includes(id) ? { redundancyGroup: 'final' } : {};
      // As many units as pictures of 320x180 beside each other.
      const [rung] = spec.ladder;
      const ladder = [{ ...rung!, widthPx: 320 * nowUnits, heightPx: 180 }];
      return channelOn({ ...spec, ladder, viewersPerRung: [], placement }, encoder, more);
    }),
  });
  const later = Object.fromEntries(
    Object.entries(channels).map(([id, [, units]]) => [id, [nowUnits, ...Array<number>(5).fill(units)]]),
  );
  const tracker = new SwarmTracker(forecastOf(swarm, later), policy);
  tracker.read(swarm);
  return new PlanDraft(buildContext(tracker, new Map(), policy));
};

type Wish = [channel: string, target: string, reason?: 'drain' | 'placement'];
/** Turns as `channel>target wave`, with those alongside in brackets. */
const turnsOf = (
  given: Given,
  wishes: Wish[],
  budget?: { moves: number; movesPerEncoder: number },
  prepare?: (draft: PlanDraft) => void,
): string[] => {
  const draft = draftOf(given);
  prepare?.(draft);
  const { channels, encoders } = draft.context.table;
  const intents = wishes.map(
    ([channel, target, reason = 'placement']) =>
      ({
        channel: channels.slotOf(channel),
        target: encoders.slotOf(target),
        cause: { reason },
      }) as unknown as Intent,
  );
  const before = [...draft.context.table.peakOn];
  const occupied = [...draft.context.table.occupiedOn];
  const turns = orderOf(draft, intents, budget);
  expect([...draft.context.table.peakOn]).toEqual(before);
  expect([...draft.context.table.occupiedOn]).toEqual(occupied);
  const nameOf = ({ channel, target }: Intent): string =>
    `${channels.idOf(channel)}>${encoders.idOf(target)}`;
  return turns.map(({ intent, wave, alongside }) =>
    [nameOf(intent), wave, ...(alongside.length > 0 ? [`(${alongside.map(nameOf).join()})`] : [])].join(' '),
  );
};

test('a move into the place of another waits until that one has left', () => {
  const given = { channels: { x: ['a', 6], y: ['b', 6] }, nowUnits: 6 } as Given;
  expect(
    turnsOf(given, [
      ['x', 'b'],
      ['y', 'c'],
    ]),
  ).toEqual(['y>c 0', 'x>b 1']);
});

test('a place may be filled to the very limit, now and later, and no further', () => {
  const exact = { channels: { x: ['a', 5], y: ['b', 5] }, nowUnits: 5 } as Given;
  expect(turnsOf(exact, [['x', 'b']])).toEqual(['x>b 0']);
  expect(turnsOf({ channels: { x: ['a', 5], y: ['b', 6] } }, [['x', 'b']])).toEqual([]);
  expect(turnsOf({ channels: { x: ['a', 4], y: ['b', 4] }, nowUnits: 6 }, [['x', 'b']])).toEqual([]);
});

test('an encoder without a session left takes none until one leaves', () => {
  const given = { channels: { x: ['a', 1], y: ['b', 1] }, maxSessions: 1 } as Given;
  expect(turnsOf(given, [['x', 'b']])).toEqual([]);
  expect(
    turnsOf(given, [
      ['x', 'b'],
      ['y', 'c'],
    ]),
  ).toEqual(['y>c 0', 'x>b 1']);
});

test('moves that wait for each other in a circle go at once, each named to the others', () => {
  const given = { channels: { x: ['a', 6], y: ['b', 6] } } as Given;
  expect(
    turnsOf(given, [
      ['x', 'b'],
      ['y', 'a'],
    ]),
  ).toEqual(['x>b 0 (y>a)', 'y>a 0 (x>b)']);
  // Both encoders would have both channels meanwhile.
  expect(
    turnsOf({ ...given, nowUnits: 6 }, [
      ['x', 'b'],
      ['y', 'a'],
    ]),
  ).toEqual([]);
});

const ring = (length: number): [Given, Wish[]] => {
  const ids = ENCODERS.slice(0, length);
  return [
    { channels: Object.fromEntries(ids.map((id) => [`on-${id}`, [id, 6] as [string, number]])) },
    ids.map((id, i) => [`on-${id}`, ids[(i + 1) % length]!]),
  ];
};

test('a circle has six moves at most', () => {
  expect(turnsOf(...ring(6))).toHaveLength(6);
  expect(turnsOf(...ring(7))).toEqual([]);
});

test('a circle is no way to give one encoder two channels at once', () => {
  // w alone does not fit beside y; with both it would go with x into the place of y.
  const given = { channels: { w: ['c', 3], x: ['a', 6], y: ['b', 8] } } as Given;
  const turns = turnsOf(given, [
    ['w', 'b'],
    ['x', 'b'],
    ['y', 'a'],
  ]);
  expect(turns).toEqual(['x>b 0 (y>a)', 'y>a 0 (x>b)', 'w>b 1']);
});

test('what can go goes, where another must stay', () => {
  const given = { channels: { x: ['a', 6], y: ['b', 6], z: ['c', 1] } } as Given;
  expect(
    turnsOf(given, [
      ['x', 'b'],
      ['z', 'd'],
    ]),
  ).toEqual(['z>d 0']);
});

describe('a budget', () => {
  const given = { channels: { x: ['a', 1], y: ['a', 1], z: ['b', 1] } } as Given;
  const wishes: Wish[] = [
    ['x', 'c'],
    ['y', 'd'],
    ['z', 'e'],
  ];

  test('of moves in all', () => {
    expect(turnsOf(given, wishes, { moves: 2, movesPerEncoder: 9 })).toEqual(['x>c 0', 'y>d 0']);
    expect(turnsOf(given, wishes, { moves: 0, movesPerEncoder: 9 })).toEqual([]);
  });

  test('of moves for an encoder, those that leave and those that come', () => {
    expect(turnsOf(given, wishes, { moves: 9, movesPerEncoder: 1 })).toEqual(['x>c 0', 'z>e 0']);
    const into: Wish[] = [
      ['x', 'c'],
      ['z', 'c'],
    ];
    expect(turnsOf(given, into, { moves: 9, movesPerEncoder: 1 })).toEqual(['x>c 0']);
    expect(turnsOf(given, wishes, { moves: 9, movesPerEncoder: 2 })).toHaveLength(3);
  });

  test('counts what the plan has settled on already', () => {
    const settled = (draft: PlanDraft): void =>
      void draft.movesOn.set(draft.context.table.encoders.slotOf('e'), 1);
    expect(turnsOf(given, wishes, { moves: 9, movesPerEncoder: 2 }, settled)).toHaveLength(3);
    expect(turnsOf(given, wishes, { moves: 9, movesPerEncoder: 1 }, settled)).toEqual(['x>c 0']);
  });

  test('is not used up by drains', () => {
    const drains: Wish[] = [
      ['x', 'c', 'drain'],
      ['y', 'd', 'drain'],
      ['z', 'e'],
    ];
    expect(turnsOf(given, drains, { moves: 1, movesPerEncoder: 1 })).toEqual(['x>c 0', 'y>d 0', 'z>e 0']);
  });

  test('of a circle is that of all its moves', () => {
    const circle: Given = { channels: { x: ['a', 6], y: ['b', 6] } };
    const both: Wish[] = [
      ['x', 'b'],
      ['y', 'a'],
    ];
    expect(turnsOf(circle, both, { moves: 1, movesPerEncoder: 9 })).toEqual([]);
    expect(turnsOf(circle, both, { moves: 2, movesPerEncoder: 1 })).toEqual([]);
    expect(turnsOf(circle, both, { moves: 2, movesPerEncoder: 2 })).toHaveLength(2);
  });
});

describe('channels of a redundancy group', () => {
  const given: Given = { channels: { m: ['a', 1], n: ['b', 1], other: ['c', 1] }, group: ['m', 'n'] };

  test('one may not come where the other is, nor where it is still leaving', () => {
    expect(turnsOf(given, [['m', 'b']])).toEqual([]);
    // n comes into the zone of m once m has left it; not in the same wave.
    expect(
      turnsOf(given, [
        ['m', 'd'],
        ['n', 'a'],
      ]),
    ).toEqual(['m>d 0', 'n>a 1']);
    expect(
      turnsOf(given, [
        ['n', 'a'],
        ['m', 'd'],
      ]),
    ).toEqual(['m>d 0', 'n>a 1']);
  });

  test('a handoff under way keeps the zone that it leaves', () => {
    const moving = (owner: string): Given => ({
      ...given,
      channels: { ...given.channels, n: [owner, 1, { moving: true }] },
    });
    expect(turnsOf(moving('b'), [['m', 'b']])).toEqual([]);
    expect(turnsOf(moving('b'), [['m', 'd']])).toEqual(['m>d 0']);
  });

  test('one may move within its own zone, and others come and go', () => {
    const shared = { ...given, zones: { d: 'a' } };
    expect(turnsOf(shared, [['m', 'd']])).toEqual(['m>d 0']);
    expect(
      turnsOf(given, [
        ['other', 'a'],
        ['m', 'c'],
      ]),
    ).toEqual(['other>a 0', 'm>c 0']);
    expect(turnsOf({ ...given, group: [] }, [['m', 'b']])).toEqual(['m>b 0']);
  });

  test('they do not change places: both would be in one zone meanwhile', () => {
    const full: Given = { channels: { m: ['a', 6], n: ['b', 6] }, group: ['m', 'n'] };
    expect(
      turnsOf(full, [
        ['m', 'b'],
        ['n', 'a'],
      ]),
    ).toEqual([]);
  });
});
