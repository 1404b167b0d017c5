import type { EncoderObservation, SessionInfo, SwarmChange, SwarmSnapshot } from '../../src/domain';
import { FitnessEvaluator, fitnessOf } from '../../src/fitness';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  sessionOf,
} from '../planner/swarm-fixtures';

const aSpec = defaultSwarm().channels[0]!.spec;
const session = (over: Partial<SessionInfo> = {}): SessionInfo =>
  sessionOf(channelOn(aSpec, 'enc-1'), { units: 1, ...over });
/** An encoder with fresh telemetry. */
const encoder = (
  id: string,
  sessions: SessionInfo[] = [],
  over: Partial<EncoderObservation> = {},
  unitsUsed = 0,
): EncoderObservation =>
  encoderWith(id, {
    zone: 'a',
    telemetry: { atMs: NOW_MS, cpuCores: 0, memoryMiB: 0, networkKbps: 0, unitsUsed, sessions },
    ...over,
  });
const swarmOf = (...encoders: EncoderObservation[]): SwarmSnapshot => ({
  ...defaultSwarm(),
  channels: [],
  encoders,
});
const termsOf = (snapshot: SwarmSnapshot, id = 'enc-1', forecast: Parameters<typeof fitnessOf>[1] = null) =>
  fitnessOf(snapshot, forecast, defaultPolicy).find(({ encoderId }) => encoderId === id)!.terms;

/** Units that the policy lets an encoder be planned for. */
const LIMIT_UNITS = 6 * defaultPolicy.limitFraction;

describe('headroom', () => {
  test('is that of now, where nothing is forecast', () => {
    expect(termsOf(swarmOf(encoder('enc-1', [], {}, 2))).headroom).toBeCloseTo(1 - 2 / LIMIT_UNITS, 6);
  });

  test('is the mean of now and of the highest step of the forecast that is not over', () => {
    const snapshot = {
      ...defaultSwarm(),
      encoders: [encoder('enc-1', [], {}, 2), encoder('enc-2'), encoder('enc-3')],
    };
    // ch-1 and ch-4 are on enc-1.
    const forecast = forecastOf(snapshot, { 'ch-1': [3.5, 2, 1, 1, 1, 1], 'ch-4': [1, 1, 2, 1, 1, 1] });
    const headroomAt = (peak: number): number => (1 - 2 / LIMIT_UNITS + (1 - peak / LIMIT_UNITS)) / 2;
    expect(termsOf(snapshot, 'enc-1', forecast).headroom).toBeCloseTo(headroomAt(4.5), 6);
    const later = { ...snapshot, atMs: NOW_MS + 5_000 };
    const fresh = later.encoders.map((e) => ({ ...e, telemetry: { ...e.telemetry!, atMs: later.atMs } }));
    expect(termsOf({ ...later, encoders: fresh }, 'enc-1', forecast).headroom).toBeCloseTo(headroomAt(3), 6);
  });

  test('counts what the forecast does not know of as nothing', () => {
    const swarm = { ...defaultSwarm(), encoders: [encoder('enc-1'), encoder('enc-2'), encoder('enc-3')] };
    const forecast = forecastOf(swarm, { 'ch-1': [2] });
    delete forecast.channelUnits['ch-4'];
    // The first step is 2; the others of ch-1 are not told.
    expect(termsOf(swarm, 'enc-1', forecast).headroom).toBeCloseTo(1 - 2 / LIMIT_UNITS / 2, 6);
  });
});

describe('quality', () => {
  const qualityOf = (own: SessionInfo[], ...others: SessionInfo[][]): number =>
    termsOf(swarmOf(encoder('enc-1', own), ...others.map((s, i) => encoder(`enc-${i + 2}`, s)))).quality;

  test('is whole without any session that has encoded a GOP', () => {
    expect(qualityOf([])).toBe(1);
    expect(qualityOf([session({ lastEncodedGop: -1, realTimeRatio: 0 })])).toBe(1);
    expect(qualityOf([session({ state: 'released', realTimeRatio: 0 })])).toBe(1);
    expect(qualityOf([session({ lastEncodedGop: 0, realTimeRatio: 0 })])).toBe(0);
  });

  test('is the mean of how well sessions keep up with real time; more is no merit', () => {
    expect(qualityOf([session({ realTimeRatio: 0.5 }), session({ units: 2, realTimeRatio: 2 })])).toBeCloseTo(
      0.75,
      6,
    );
  });

  test('halves with every five GOPs that came late', () => {
    expect(qualityOf([session({ lateGops: 5 })])).toBeCloseTo(0.5, 6);
    expect(qualityOf([session({ lateGops: 10 })])).toBeCloseTo(0.25, 6);
    expect(qualityOf([session({ lateGops: -5 })])).toBe(1);
  });

  test('is told against what others do on like content, down to half, and never lifted by them', () => {
    const slow = session({ realTimeRatio: 0.8 });
    expect(qualityOf([slow], [session()])).toBeCloseTo(0.8 * 0.8, 6);
    expect(qualityOf([slow], [session({ realTimeRatio: 0.6 }), session()])).toBeCloseTo(0.8, 6);
    expect(qualityOf([slow], [session({ realTimeRatio: 0.4 })])).toBeCloseTo(0.8, 6);
    expect(qualityOf([session({ realTimeRatio: 0.1 })], [session()])).toBeCloseTo(0.1 * 0.5, 6);
  });

  test('is not told against its own sessions, those of other content, nor those that stand still', () => {
    const slow = session({ realTimeRatio: 0.8 });
    expect(qualityOf([slow, session()])).toBeCloseTo(0.9, 6);
    expect(qualityOf([slow], [session({ units: 2 })])).toBeCloseTo(0.8, 6);
    expect(qualityOf([slow], [session({ realTimeRatio: 0 })])).toBeCloseTo(0.8, 6);
    expect(qualityOf([slow], [session({ lastEncodedGop: -1 })])).toBeCloseTo(0.8, 6);
  });

  test('does not depend on which encoder is read first', () => {
    const [slow, fast] = [session({ realTimeRatio: 0.8 }), session()];
    const swarm = swarmOf(encoder('enc-1', [fast]), encoder('enc-2', [slow]), encoder('enc-3', [fast]));
    expect(termsOf(swarm, 'enc-2').quality).toBeCloseTo(0.8 * 0.8, 6);
  });

  test('of one session that stands still leaves that of the others whole', () => {
    expect(qualityOf([session({ realTimeRatio: 0 }), session({ units: 2 })])).toBeCloseTo(0.5, 6);
  });

  test('leaves encoders that do not answer out', () => {
    const away = encoder('enc-2', [session()], { reachable: false });
    expect(termsOf(swarmOf(encoder('enc-1', [session({ realTimeRatio: 0.8 })]), away)).quality).toBeCloseTo(
      0.8,
      6,
    );
  });
});

describe('version', () => {
  test('is the mean of the shares of its host version and of its ffmpeg, among those that answer', () => {
    const swarm = swarmOf(
      encoder('enc-1'),
      encoder('enc-2', [], { version: '0.2.0' }),
      encoder('enc-3', [], { version: '0.2.0', ffmpegVersion: '4.1' }),
      encoder('enc-4', [], { ffmpegVersion: '4.1' }),
      encoder('enc-5', [], { reachable: false }),
    );
    expect(termsOf(swarm).version).toBeCloseTo((2 / 4 + 2 / 4) / 2, 12);
    expect(termsOf(swarmOf(encoder('enc-1'), encoder('enc-2', [], { ffmpegVersion: '4.1' }))).version).toBe(
      0.75,
    );
  });

  test('goes by the compatibility class where one is known, and by that alone', () => {
    const of = (compatibilityClass: string | undefined, ffmpegVersion = '5.1') =>
      encoder('enc-2', [], { compatibilityClass: compatibilityClass as never, ffmpegVersion });
    const own = encoder('enc-1', [], { compatibilityClass: 'x' });
    expect(termsOf(swarmOf(own, of('x', '4.1'))).version).toBe(1);
    expect(termsOf(swarmOf(own, of('y'))).version).toBe(0.75);
    expect(termsOf(swarmOf(own, of(undefined))).version).toBe(0.75);
  });
});

describe('zone', () => {
  test('is the part of it that answers, times how little it carries beyond its share', () => {
    const one = encoder('enc-1', [], {}, 3);
    const two = encoder('enc-2', [], { zone: 'b' }, 1);
    expect(termsOf(swarmOf(one, two)).zone).toBeCloseTo(0.5 / 0.75, 6);
    expect(termsOf(swarmOf(one, two), 'enc-2').zone).toBe(1);
    // Twice the capacity makes two thirds of it: three quarters of the load are not much beyond that.
    const large = encoder('enc-1', [], { capacityUnits: 12 }, 3);
    expect(termsOf(swarmOf(large, two)).zone).toBeCloseTo(2 / 3 / 0.75, 6);
    const away = encoder('enc-3', [], { reachable: false }, 100);
    // It makes half the zone, and two thirds of all capacity; what it carries is not known.
    expect(termsOf(swarmOf(one, two, away)).zone).toBeCloseTo(0.5 * (2 / 3 / 0.75), 6);
  });
});

test('telemetry that is half as fresh makes headroom, quality and zone worth half, and nothing else', () => {
  const old = encoder('enc-1', [session()], { troubles: 1 });
  const aged = { ...old, telemetry: { ...old.telemetry!, atMs: NOW_MS - 9_000 } };
  expect(termsOf(swarmOf(old))).toEqual({ headroom: 1, quality: 1, version: 1, zone: 1, stability: 0.5 });
  expect(termsOf(swarmOf(aged))).toEqual({
    headroom: 0.5,
    quality: 0.5,
    version: 1,
    zone: 0.5,
    stability: 0.5,
  });
});

test('an encoder that answers but did not tell of its work yet is worth what does not rest on that', () => {
  const silent = encoder('enc-1', [], { telemetry: undefined });
  const busy = encoder('enc-2', [session()], {}, 1);
  expect(termsOf(swarmOf(silent, busy))).toEqual({
    headroom: 0,
    quality: 0,
    version: 1,
    zone: 0,
    stability: 1,
  });
  expect(termsOf(swarmOf(silent, busy), 'enc-2')).toMatchObject({ quality: 1, version: 1, zone: 1 });
});

test('an encoder that does not answer scores nothing in every term', () => {
  const [fitness] = fitnessOf(swarmOf(encoder('enc-1', [], { reachable: false })), null, defaultPolicy);
  expect(fitness).toMatchObject({
    encoderId: 'enc-1',
    score: 0,
    terms: { headroom: 0, quality: 0, version: 0, zone: 0, stability: 0 },
  });
  const weights = Object.entries(defaultPolicy.fitnessWeights);
  const heaviest = Math.max(...weights.map(([, weight]) => weight));
  expect(fitness!.weakestTerm).toBe(weights.find(([, weight]) => weight === heaviest)![0]);
});

test('they come ordered by id', () => {
  const swarm = swarmOf(...['enc-3', 'enc-1', 'enc-2', 'enc-4', 'enc-0'].map((id) => encoder(id)));
  expect(fitnessOf(swarm, null, defaultPolicy).map(({ encoderId }) => encoderId)).toEqual([
    'enc-0',
    'enc-1',
    'enc-2',
    'enc-3',
    'enc-4',
  ]);
});

describe('after changes the judgement is that of the whole', () => {
  const before = defaultSwarm();
  const forecast = forecastOf(before, { 'ch-1': [1, 3, 1, 1, 1, 1], 'ch-2': [2, 2, 2, 2, 2, 4] });
  const [one, two, three] = before.encoders as [EncoderObservation, EncoderObservation, EncoderObservation];
  const channelsBut = (...ids: string[]) => before.channels.filter(({ spec }) => !ids.includes(spec.id));
  const channel = (id: string) => before.channels.find(({ spec }) => spec.id === id)!;
  const onEnc2 = { ...channel('ch-1'), owner: { encoderId: 'enc-2', sessionId: 's' } };
  const ownerless = { ...channel('ch-1'), owner: null };
  const busy = { ...two, telemetry: { ...two.telemetry!, unitsUsed: 5 } };
  const paced = (encoderThen: EncoderObservation, realTimeRatio: number): EncoderObservation => ({
    ...encoderThen,
    telemetry: {
      ...encoderThen.telemetry!,
      sessions: encoderThen.telemetry!.sessions.map((s) => ({ ...s, realTimeRatio })),
    },
  });
  const slower = paced(two, 0.5);
  // Of the pace that is usual by now.
  const usual = paced(three, 0.75);
  const four = encoder('enc-4', [session({ realTimeRatio: 0.5 })], { zone: 'c', version: '0.2.0' });

  test.each<[string, Omit<SwarmChange, 'atMs'>, Partial<SwarmSnapshot>]>([
    ['an encoder comes', { encoders: [four] }, { encoders: [...before.encoders, four] }],
    ['an encoder is busier', { encoders: [busy] }, { encoders: [one, busy, three] }],
    ['an encoder keeps up worse', { encoders: [slower] }, { encoders: [one, slower, three] }],
    ['two keep up worse', { encoders: [slower, usual] }, { encoders: [one, slower, usual] }],
    ['an encoder leaves', { removedEncoders: ['enc-2'] }, { encoders: [one, three] }],
    ['one leaves that was never there', { removedEncoders: ['enc-9'] }, {}],
    ['a channel moves', { channels: [onEnc2] }, { channels: [...channelsBut('ch-1'), onEnc2] }],
    [
      'a channel loses its owner',
      { channels: [ownerless] },
      { channels: [...channelsBut('ch-1'), ownerless] },
    ],
    ['a channel is removed', { removedChannels: ['ch-1'] }, { channels: channelsBut('ch-1') }],
    ['one is removed that was never there', { removedChannels: ['ch-9'] }, {}],
  ])('%s', (_, change, after) => {
    const evaluator = new FitnessEvaluator(forecast, defaultPolicy);
    evaluator.update(before);
    evaluator.evaluate();
    evaluator.update({ ...change, atMs: before.atMs });
    expect(evaluator.evaluate()).toEqual(fitnessOf({ ...before, ...after }, forecast, defaultPolicy));
  });

  test('time goes on', () => {
    const evaluator = new FitnessEvaluator(forecast, defaultPolicy);
    evaluator.update(before);
    evaluator.update({ atMs: before.atMs + 6_000 });
    const later = { ...before, atMs: before.atMs + 6_000 };
    expect(evaluator.evaluate()).toEqual(fitnessOf(later, forecast, defaultPolicy));
  });

  test('a channel is forecast anew, and moves, or is read again, after that', () => {
    const evaluator = new FitnessEvaluator(forecast, defaultPolicy);
    evaluator.update(before);
    const curve = { p10: [], p50: [], p90: [1, 1, 1, 4, 1, 1] };
    evaluator.update({ atMs: before.atMs, channelUnits: { 'ch-1': curve, 'ch-9': curve } });
    const renewed = { ...forecast, channelUnits: { ...forecast.channelUnits, 'ch-1': curve } };
    expect(evaluator.evaluate()).toEqual(fitnessOf(before, renewed, defaultPolicy));
    evaluator.update({ atMs: before.atMs, channels: [onEnc2] });
    const after = { ...before, channels: [...channelsBut('ch-1'), onEnc2] };
    expect(evaluator.evaluate()).toEqual(fitnessOf(after, renewed, defaultPolicy));
  });
});

test('without a forecast channels do not matter', () => {
  const evaluator = new FitnessEvaluator(null, defaultPolicy);
  const before = defaultSwarm();
  evaluator.update(before);
  const evaluated = evaluator.evaluate();
  evaluator.update({
    atMs: before.atMs,
    removedChannels: ['ch-1'],
    channels: before.channels,
    channelUnits: { 'ch-2': { p10: [], p50: [], p90: [9] } },
  });
  expect(evaluator.evaluate()).toEqual(evaluated);
});
