import type { ChannelObservation, EncoderObservation, Move, Plan, Policy } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { buildContext } from '../../src/planner/context';
import { unitsOfRungs } from '../../src/planner/demand';
import { PlanDraft } from '../../src/planner/draft';
import { planLadders } from '../../src/planner/ladders';
import {
  channelOn,
  defaultPolicy,
  encoderWith,
  forecastOf,
  NOW_MS,
  trackerOf,
  withTelemetry,
} from './swarm-fixtures';

/** The step of a plan in which ladders follow the audience, by itself: no other has made room before. */

const spec = channelWithDefaults('ch-1');
const [one, two] = [1, 2].map((rungs) => unitsOfRungs(spec, rungs)) as [number, number];
/** 1,200 viewers earn two rungs of the default ladder. */
const grows = (id: string, over: Partial<ChannelObservation> = {}): ChannelObservation =>
  channelOn(channelWithDefaults(id), 'enc-1', { viewers: 1_200, ...over });
const stays = (id: string, encoderId = 'enc-1'): ChannelObservation =>
  channelOn(channelWithDefaults(id), encoderId);
const shrinks = (id: string, over: Partial<ChannelObservation> = {}): ChannelObservation =>
  channelOn(channelWithDefaults(id), 'enc-1', { viewers: 0, rungs: 2, ...over });

interface Laddered {
  draft: PlanDraft;
  moves: Move[];
  unmet: Plan['unmet'];
}
interface Given {
  channels: ChannelObservation[];
  /** Units of enc-1. */
  units?: number;
  encoders?: EncoderObservation[];
  policy?: Partial<Policy>;
  /** What another step did before. */
  before?: (draft: PlanDraft) => void;
}

const laddersOf = ({ channels, units = 6, encoders, policy = {}, before }: Given): Laddered => {
  const full = { ...defaultPolicy, limitFraction: 1, ...policy };
  const swarm = withTelemetry({
    ...{ cell: 'local', atMs: NOW_MS, channels },
    encoders: encoders ?? [encoderWith('enc-1', { capacityUnits: units }), encoderWith('enc-2')],
  });
  const forecast = forecastOf(swarm, Object.fromEntries(channels.map((c) => [c.spec.id, [0.1]])));
  const tracker = trackerOf(swarm, forecast, full);
  const fitness = new Map(fitnessOf(swarm, forecast, full).map((f) => [f.encoderId, f]));
  const draft = new PlanDraft(buildContext(tracker, fitness, full));
  before?.(draft);
  planLadders(draft);
  return { draft, moves: draft.moves, unmet: draft.unmet };
};
const ways = (moves: readonly Move[]): string[] =>
  moves.map((m) => `${m.channelId} ${m.fromEncoderId} ${m.toEncoderId} ${m.rungs}`);
const slotOf = ({ draft }: Laddered, id: string): number => draft.context.table.channels.slotOf(id);

test('a channel gets the rungs that it earns where it is, with the score of its encoder', () => {
  const { moves } = laddersOf({ channels: [grows('ch-1'), stays('ch-2')] });
  expect(ways(moves)).toEqual(['ch-1 enc-1 enc-1 2']);
  const { fitness, summary } = moves[0]!.explanation;
  expect(fitness!.from).toBeGreaterThan(0);
  expect(fitness).toEqual({ from: fitness!.from, to: fitness!.from });
  expect(summary).toMatch(/^ch-1 has 1200 viewers, which earns 2 of 3 renditions \(now 1\)/);
});

test('a limit that is met exactly is met', () => {
  expect(ways(laddersOf({ channels: [grows('ch-1')], units: two }).moves)).toEqual(['ch-1 enc-1 enc-1 2']);
  const one_ = laddersOf({ channels: [grows('ch-1'), stays('ch-2')], units: two, encoders: undefined });
  expect(one_.moves.every((m) => m.toEncoderId !== 'enc-1')).toBe(true);
});

describe('smaller ladders', () => {
  const resting = { movedAtMs: NOW_MS - 1 };

  test('come first, by encoder and id, and larger ones by audience', () => {
    const { moves } = laddersOf({
      units: 40,
      channels: [
        ...[grows('ch-1'), shrinks('ch-4'), grows('ch-3', { viewers: 1_300 }), shrinks('ch-2')],
        ...[grows('ch-5'), stays('ch-6')],
      ],
      policy: { maxMovesPerCycle: 20 },
    });
    expect(moves.map((m) => m.channelId)).toEqual(['ch-2', 'ch-4', 'ch-3', 'ch-1', 'ch-5']);
    expect(moves[0]!.explanation.summary).toMatch(/which no longer earns more than 1 of 3/);
  });

  test('wait while the channel rests, unless its encoder is over its limit', () => {
    const channels = [shrinks('ch-1', resting), stays('ch-2')];
    expect(laddersOf({ channels }).moves).toEqual([]);
    expect(laddersOf({ channels, units: two + one }).moves).toEqual([]);
    expect(ways(laddersOf({ channels, units: two + one - 0.01 }).moves)).toEqual(['ch-1 enc-1 enc-1 1']);
  });
});

describe('of the moves of a cycle', () => {
  test.each([
    ['smaller', [shrinks('ch-1'), shrinks('ch-2'), grows('ch-3')], ['ch-1']],
    ['larger', [grows('ch-1'), grows('ch-2')], ['ch-1']],
  ])('%s ladders take no more than there are', (_, channels, expected) => {
    const policy = { maxMovesPerCycle: 1 };
    const { moves, unmet, draft } = laddersOf({ channels, policy, units: 20 });
    expect(moves.map((m) => m.channelId)).toEqual(expected);
    expect([unmet, draft.movesLeft]).toEqual([[], 0]);
  });
});

test('a channel that something moves already, or that is being drained, is left alone', () => {
  const draining = [encoderWith('enc-1', { draining: true }), encoderWith('enc-2')];
  expect(laddersOf({ channels: [grows('ch-1'), shrinks('ch-2')], encoders: draining }).moves).toEqual([]);
  expect(laddersOf({ channels: [grows('ch-1', { moving: true })] }).moves).toEqual([]);
});

describe('where the ladder exceeds the whole encoder', () => {
  /** enc-1 has no room for the second rung of ch-1, now or later. */
  const full = { channels: [grows('ch-1'), stays('ch-2')], units: one + two - 0.01 };
  const words = /^enc-1 would carry \d\.\d\d units, over its limit of \d\.\d\d, if ch-1 grew to 2 renditions/;

  test('the channel grows elsewhere, and is there from then on', () => {
    const grown = laddersOf(full);
    expect(ways(grown.moves)).toEqual(['ch-1 enc-1 enc-2 2']);
    expect(grown.moves[0]).toMatchObject({ reason: 'ladder' });
    expect(grown.moves[0]!.explanation.summary).toMatch(words);
    expect(grown.unmet).toEqual([]);
    const { table } = grown.draft.context;
    expect(table.encoders.idOf(table.homeOf[slotOf(grown, 'ch-1')]!)).toBe('enc-2');
    expect([...grown.draft.movesOn.values()]).toEqual([1, 1]);
    expect(grown.draft.movesLeft).toBe(defaultPolicy.maxMovesPerCycle - 1);
  });

  test.each<[string, Partial<Given>]>([
    ['it rests', { channels: [grows('ch-1', { movedAtMs: NOW_MS - 1 }), stays('ch-2')] }],
    ['no other has room', { encoders: [encoderWith('enc-1', { capacityUnits: full.units })] }],
    [
      'the other takes no work',
      {
        encoders: [
          encoderWith('enc-1', { capacityUnits: full.units }),
          encoderWith('enc-2', { cordoned: true }),
        ],
      },
    ],
    ['its encoder has had its moves', { policy: { maxMovesPerEncoder: 0 } }],
    [
      'others leave its encoder in this plan',
      {
        before: (draft) => {
          const { channels, encoders } = draft.context.table;
          draft.relocate(channels.slotOf('ch-2'), encoders.slotOf('enc-2'));
        },
      },
    ],
  ])('it waits where %s', (_, given) => {
    const { moves, unmet } = laddersOf({ ...full, ...given });
    expect(moves).toEqual([]);
    expect(unmet).toMatchObject([
      { channelId: 'ch-1', encoderId: 'enc-1', why: expect.stringMatching(words) },
    ]);
    expect(unmet[0]!.why).toMatch(/; it waits until others have left$/);
  });

  test('nor does it go where it would be over the limit', () => {
    const encoders = [
      encoderWith('enc-1', { capacityUnits: full.units }),
      encoderWith('enc-2', { capacityUnits: two + 0.1 }),
    ];
    const { moves, unmet } = laddersOf({ ...full, encoders, policy: { limitFraction: 0.9 } });
    expect([moves, unmet.length]).toEqual([[], 1]);
  });

  test('so it does where the encoder could carry it, but not within its limit', () => {
    const policy = { limitFraction: 0.8 };
    const units = one + two;
    const { moves, unmet } = laddersOf({ ...full, units, policy });
    expect([moves, unmet.length]).toEqual([[], 1]);
  });
});
