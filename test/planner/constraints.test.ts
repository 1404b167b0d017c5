import type { ChannelObservation, EncoderObservation, Policy, Placement } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import {
  breachOf,
  groupMateIn,
  isAllowed,
  keepsClass,
  pinBreachOf,
  regionsOf,
  rejectionOf,
} from '../../src/planner/constraints';
import { buildContext } from '../../src/planner/context';
import { overloadOf } from '../../src/planner/explain';
import type { SwarmTracker } from '../../src/planner/swarm-tracker';
import {
  channelOn,
  defaultPolicy,
  encoderWith,
  NOW_MS,
  sessionOf,
  trackerOf,
  withTelemetry,
} from './swarm-fixtures';

/** Which encoder may take which channel, room aside. ch-1 is on enc-1; enc-2 is asked about. */

const on = (placement?: Placement, over: Partial<ChannelObservation> = {}): ChannelObservation =>
  channelOn({ ...channelWithDefaults('ch-1'), ...(placement && { placement }) }, 'enc-1', over);
const readOf = (
  channels: ChannelObservation[],
  one: Partial<EncoderObservation> = {},
  two: Partial<EncoderObservation> = {},
): SwarmTracker => {
  const encoders = [encoderWith('enc-1', { zone: 'a', ...one }), encoderWith('enc-2', { zone: 'b', ...two })];
  const swarm = withTelemetry({ cell: 'local', atMs: NOW_MS, encoders, channels });
  return trackerOf(swarm);
};
const pinOf = (placement: Placement | undefined, two: Partial<EncoderObservation> = {}): string | null => {
  const { table } = readOf([on(placement)], {}, two);
  return pinBreachOf(table, table.encoders.slotOf('enc-2'), table.channels.slotOf('ch-1'));
};

describe('pins', () => {
  test.each<[string, Placement | undefined, Partial<EncoderObservation>, string | null]>([
    ['no rules', undefined, {}, null],
    ['no rules, a build', undefined, { buildId: 'x' }, null],
    ['rules of other kinds, a build', { otherRegions: ['us'] }, { buildId: 'x' }, null],
    ['its encoder', { encoderId: 'enc-2' }, {}, null],
    ['another encoder', { encoderId: 'enc-9' }, {}, 'is not enc-9, to which it is pinned'],
    ['its zone', { zone: 'b' }, {}, null],
    ['another zone', { zone: 'c' }, {}, 'is in zone b, the channel is pinned to zone c'],
    ['its build', { buildId: 'x' }, { buildId: 'x' }, null],
    ['another build', { buildId: 'y' }, { buildId: 'x' }, 'runs x, the channel is pinned to build y'],
    ['a build that is not known', { buildId: 'y' }, {}, 'runs an unknown build, the channel is pinned to build y'],
    ['a region that it may be in', { otherRegions: ['us'] }, { region: 'us' }, null],
    ['a region that it may not be in', { otherRegions: ['us'] }, { region: 'ap' }, 'is in region ap, the channel in eu or us'],
    ['another region, without rules', undefined, { region: 'us' }, 'is in region us, the channel in eu'],
  ])('%s', (_, placement, two, expected) => expect(pinOf(placement, two)).toBe(expected)); // prettier-ignore

  test('regions of a channel are its own first', () => {
    const { table } = readOf([on({ otherRegions: ['us', 'ap'] })]);
    expect(regionsOf(table, table.channels.slotOf('ch-1'))).toEqual(['eu', 'us', 'ap']);
    expect(regionsOf(table, 7)).toEqual([]);
  });
});

describe('classes', () => {
  const [x, y] = [{ compatibilityClass: 'x' }, { compatibilityClass: 'y' }];
  const keeps = (channel: ChannelObservation, one: object = x, two: object = y): boolean => {
    const { table } = readOf([channel], one, two);
    return keepsClass(table, table.channels.slotOf('ch-1'), table.encoders.slotOf('enc-2'));
  };
  test('a channel keeps that of its owner', () => {
    expect([keeps(on()), keeps(on(), x, x)]).toEqual([false, true]);
  });
  test('one that nobody encodes has none to keep', () => {
    expect(keeps({ ...on(), owner: null })).toBe(true);
    expect(keeps(on(), { ...x, reachable: false })).toBe(true);
    expect(keeps({ ...on(), owner: { encoderId: 'enc-9', sessionId: 's' } })).toBe(true);
  });

  test.each<[string, object, string]>([
    ['a class', y, 'is of another compatibility class'],
    ['a build alone', { buildDigest: 'd' }, 'is of another compatibility class'],
    ['neither', {}, 'has not said yet which build it runs'],
  ])('an encoder that has told %s', (_, two, words) => {
    const { table } = readOf([on()], x, two);
    const places = [table.encoders.slotOf('enc-2'), table.channels.slotOf('ch-1')] as const;
    const policy: Policy = { ...defaultPolicy, allowDiscontinuity: false };
    expect(breachOf(table, policy, ...places)).toBe(`${words}, and the policy allows no discontinuity`);
    expect(isAllowed(table, policy, ...places)).toBe(false);
    const tolerant = { ...policy, allowDiscontinuity: true };
    expect([breachOf(table, tolerant, ...places), isAllowed(table, tolerant, ...places)]).toEqual([
      null,
      true,
    ]);
  });
});

describe('redundancy groups', () => {
  const grouped = { redundancyGroup: 'g' };
  const mateIn = (channels: ChannelObservation[], zone: string): string | null => {
    const { table, zones } = readOf(channels);
    const mate = groupMateIn(table, table.channels.slotOf('ch-1'), zones.numberOf(zone));
    return mate < 0 ? null : table.channels.idOf(mate);
  };
  const mate = (encoderId: string | null): ChannelObservation =>
    channelOn({ ...channelWithDefaults('ch-2'), placement: grouped }, encoderId);

  test('a mate is where it is, and not the channel itself', () => {
    expect(mateIn([on(grouped), mate('enc-2')], 'b')).toBe('ch-2');
    expect(mateIn([on(grouped), mate('enc-2')], 'a')).toBeNull();
    expect(mateIn([on(grouped)], 'a')).toBeNull();
  });
  test('one that is nowhere is in no zone', () => {
    // The zone of an encoder that is not there has no number either.
    const { table } = readOf([on(grouped), mate(null)]);
    expect(groupMateIn(table, table.channels.slotOf('ch-1'), undefined as unknown as number)).toBe(-1);
  });
  test('a channel without a group has no mates', () => {
    expect(mateIn([on(), mate('enc-2')], 'b')).toBeNull();
    expect(mateIn([on(), channelOn(channelWithDefaults('ch-2'), 'enc-2')], 'b')).toBeNull();
  });
});

describe('why an encoder can’t take a channel', () => {
  const rejection = (two: Partial<EncoderObservation>): unknown => {
    const { table } = readOf([on()], {}, two);
    return rejectionOf(
      ...([table, defaultPolicy, table.encoders.slotOf('enc-2')] as const),
      ...([table.channels.slotOf('ch-1'), 'limit'] as const),
    );
  };
  test.each<[Partial<EncoderObservation>, string, string]>([
    [{ reachable: false }, 'encoder-unreachable', 'does not answer'],
    [{ draining: true }, 'encoder-cordoned', 'is being drained'],
    [{ cordoned: true }, 'encoder-cordoned', 'is cordoned'],
    [{ region: 'us' }, 'encoder-incompatible', 'is in region us, the channel in eu'],
    [{ maxSessions: 0 }, 'encoder-full', 'has all of its 0 sessions in use'],
  ])('%j', (two, code, why) => expect(rejection(two)).toEqual({ encoderId: 'enc-2', code, why }));
  test('nothing', () => expect(rejection({})).toBeNull());
});

test('an overload tells of the units with which an encoder falls behind real time, where these are fewer', () => {
  const overloaded = (one: Partial<EncoderObservation>): string => {
    const channels = ['ch-1', 'ch-2'].map((id) => channelOn(channelWithDefaults(id), 'enc-1'));
    const tracker = readOf(channels, { capacityUnits: 2, ...one });
    const context = buildContext(tracker, new Map(), defaultPolicy);
    return overloadOf(context, tracker.table.encoders.slotOf('enc-1'))!.cause.words;
  };
  expect(overloaded({})).not.toMatch(/behind/);
  const sessions = ['ch-1', 'ch-2'].map((id) =>
    sessionOf(channelOn(channelWithDefaults(id), 'enc-1'), { ready: false, lateGops: 1, realTimeRatio: 0.5 }),
  );
  const telemetry = { atMs: NOW_MS, cpuCores: 1, memoryMiB: 100, networkKbps: 0, unitsUsed: 2, sessions };
  expect(overloaded({ capacityUnits: 6, telemetry })).toMatch(
    /of 6\.00 units \(limit 0\.80; it falls behind real time with more than 1\.00\) now$/,
  );
});
