import type {
  ChannelObservation,
  EncoderObservation,
  Plan,
  SessionInfo,
  SwarmChange,
  SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { createPlanner, makePlan } from '../../src/planner';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  sessionOf,
  withTelemetry,
} from './swarm-fixtures';

/** ch-1 and ch-4 outgrow enc-1: a plan has something to decide. */
const surge = { 'ch-1': [1, 1, 1, 3.415, 3.415, 3.415], 'ch-4': [1, 1, 1, 1.64, 1.64, 1.64] };
const before = defaultSwarm({ 'ch-2': { viewers: 1_200 }, 'ch-5': { rungs: 2, viewers: 1_500 } });
const forecast = forecastOf(before, surge);
const memory = { lowDemandSinceMs: null };
const policy = { ...defaultPolicy, restSeconds: 3 };

const planOf = (snapshot: SwarmSnapshot, with_ = forecast): Plan =>
  makePlan(snapshot, with_, fitnessOf(snapshot, with_, policy), policy, memory);

const encoder = (id: string): EncoderObservation => before.encoders.find((e) => e.id === id)!;
const channel = (id: string, over: Partial<ChannelObservation> = {}): ChannelObservation => ({
  ...before.channels.find((c) => c.spec.id === id)!,
  ...over,
});
const ownedBy = (encoderId: string, sessionId: string) => ({ owner: { encoderId, sessionId } });
const withSessions = (id: string, sessions: SessionInfo[]): EncoderObservation => ({
  ...encoder(id),
  telemetry: { ...encoder(id).telemetry!, sessions },
});
const sessionsOf = (id: string): SessionInfo[] => encoder(id).telemetry!.sessions;
const holding = sessionOf(channel('ch-4'), { sessionId: 'next', state: 'holding' });
const unknown = sessionOf(channel('ch-1'), { sessionId: 'x', channelId: 'nobody-knows', units: 2 });
const four = encoderWith('enc-4', { zone: 'b', telemetry: { ...encoder('enc-1').telemetry!, sessions: [] } });
const newcomer = channelOn({ ...before.channels[0]!.spec, id: 'ch-7' }, null);

/** The snapshot that a change leads to. */
const after = (snapshot: SwarmSnapshot, change: SwarmChange): SwarmSnapshot => {
  const { atMs, channels = [], encoders = [], removedChannels = [], removedEncoders = [], ...rest } = change;
  const merged = <T>(
    old: readonly T[],
    fresh: readonly T[],
    gone: readonly string[],
    idOf: (x: T) => string,
  ) => [...old.filter((x) => !gone.includes(idOf(x)) && !fresh.some((y) => idOf(y) === idOf(x))), ...fresh];
  return {
    ...snapshot,
    atMs,
    channels: merged(snapshot.channels, channels, removedChannels, (c) => c.spec.id),
    encoders: merged(snapshot.encoders, encoders, removedEncoders, (e) => e.id),
    ...(rest.pendingEncoders && { pendingEncoders: rest.pendingEncoders }),
    ...(rest.provisioning && { provisioning: rest.provisioning }),
  } as SwarmSnapshot;
};

type Change = Omit<SwarmChange, 'atMs'> & { afterMs?: number };
const changes: Record<string, Change> = {
  'nothing but time': { afterMs: 6_000 },
  'so much time that the forecast is over': { afterMs: 60_000 },
  'an encoder comes': { encoders: [four] },
  'an encoder that owns channels comes back': {
    encoders: [encoder('enc-3')],
    channels: [channel('ch-3'), channel('ch-6')],
  },
  'an encoder falls silent': { encoders: [{ ...encoder('enc-2'), reachable: false, telemetry: undefined }] },
  'an encoder leaves': { removedEncoders: ['enc-2'] },
  'one leaves that was never there': { removedEncoders: ['enc-9'] },
  'an encoder is drained': { encoders: [{ ...encoder('enc-2'), cordoned: true, draining: true }] },
  'an encoder is cordoned': { encoders: [{ ...encoder('enc-2'), cordoned: true }] },
  'an encoder is smaller': { encoders: [{ ...encoder('enc-2'), capacityUnits: 3, maxSessions: 2 }] },
  'an encoder is of another zone, region and build': {
    encoders: [{ ...encoder('enc-2'), zone: 'z', region: 'us', buildDigest: 'other' }],
  },
  'a handoff is under way': {
    channels: [channel('ch-4', { moving: true })],
    encoders: [withSessions('enc-2', [...sessionsOf('enc-2'), holding])],
  },
  'a session of a channel that nobody knows is there': {
    encoders: [withSessions('enc-3', [...sessionsOf('enc-3'), unknown, unknown])],
  },
  'an encoder forgot its sessions': { encoders: [withSessions('enc-1', [])] },
  'an encoder has failed sessions': {
    encoders: [withSessions('enc-1', sessionsOf('enc-1').map((s) => ({ ...s, state: 'failed' as const })))],
  }, // prettier-ignore
  'a channel comes': { channels: [newcomer] },
  'a channel moved': { channels: [channel('ch-4', { ...ownedBy('enc-3', 's'), movedAtMs: NOW_MS })] },
  'a channel lost its owner': { channels: [channel('ch-4', { owner: null })] },
  'a channel is owned by an encoder that nobody knows': {
    channels: [channel('ch-4', ownedBy('enc-9', 's'))],
  },
  'a channel is removed': { removedChannels: ['ch-4'] },
  'a channel that nobody encodes is removed': { channels: [newcomer], removedChannels: ['ch-1'] },
  'one is removed that was never there': { removedChannels: ['ch-9'] },
  'an audience grows and another shrinks': {
    channels: [channel('ch-3', { viewers: 3_000 }), channel('ch-5', { viewers: 0 })],
  },
  'channels form a group, and get pins': {
    channels: ['ch-1', 'ch-4', 'ch-2'].map((id) =>
      channel(id, { spec: { ...channel(id).spec, placement: { redundancyGroup: 'g', zone: 'a' } } }),
    ),
  },
  'encoders were asked for': {
    pendingEncoders: [{ requestId: 'r', askedAtMs: NOW_MS }],
    provisioning: [{ askedAtMs: NOW_MS - 9_000, endedAtMs: NOW_MS - 1_000, asked: 1, got: 0 }],
  },
};

const enter = (planner: ReturnType<typeof createPlanner>, snapshot: SwarmSnapshot, change: Change) => {
  const { afterMs = 0, ...rest } = change;
  const entered: SwarmChange = { ...rest, atMs: snapshot.atMs + afterMs };
  const next = after(snapshot, entered);
  planner.update({ ...entered, fitness: fitnessOf(next, forecast, policy) });
  return next;
};
const plannerOf = (snapshot: SwarmSnapshot) =>
  createPlanner(snapshot, forecast, fitnessOf(snapshot, forecast, policy), policy);

test('a plan leaves no trace: the next one is the same', () => {
  const planner = plannerOf(before);
  const first = planner.plan(memory);
  expect(first.moves.length).toBeGreaterThan(0);
  expect(planner.plan(memory)).toEqual(first);
  expect(first).toEqual(planOf(before));
});

test.each(Object.keys(changes))('after a change the plan is that of the whole swarm: %s', (name) => {
  const planner = plannerOf(before);
  const next = enter(planner, before, changes[name]!);
  expect(planner.plan(memory)).toEqual(planOf(next));
  // And when it is taken back, as far as it can be.
  const gone = new Set(before.encoders.map((e) => e.id));
  const back: Change = {
    encoders: before.encoders,
    channels: before.channels,
    removedEncoders: next.encoders.map((e) => e.id).filter((id) => !gone.has(id)),
    removedChannels: next.channels.flatMap((c) => (c.spec.id === 'ch-7' ? ['ch-7'] : [])),
    ...{ pendingEncoders: [], provisioning: [] },
  };
  const again = enter(planner, next, back);
  expect(planner.plan(memory)).toEqual(planOf(again));
});

test('so is it after all of them, one after the other', () => {
  const planner = plannerOf(before);
  let swarm = before;
  for (const change of Object.values(changes)) {
    swarm = enter(planner, swarm, change);
    expect(planner.plan(memory)).toEqual(planOf(swarm));
  }
});

test('an encoder that comes later than its channels takes them up', () => {
  const orphaned = { ...before, encoders: before.encoders.filter((e) => e.id !== 'enc-3') };
  const planner = plannerOf(orphaned);
  const next = enter(planner, orphaned, { encoders: [encoder('enc-3')] });
  expect(planner.plan(memory)).toEqual(planOf(next));
  expect(planner.plan(memory)).toEqual(planOf(before));
});

test('a channel whose need was forecast anew is planned by that', () => {
  const planner = plannerOf(before);
  const curve = { p10: [0], p50: [0.5], p90: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5] };
  const swarm = { ...before };
  planner.update({ atMs: swarm.atMs, channelUnits: { 'ch-1': curve, 'ch-9': curve } });
  const renewed = { ...forecast, channelUnits: { ...forecast.channelUnits, 'ch-1': curve } };
  expect(planner.plan(memory)).toEqual(
    makePlan(swarm, renewed, fitnessOf(swarm, forecast, policy), policy, memory),
  );
  expect(planner.plan(memory).moves).not.toEqual(planOf(before).moves);
});

test('so is it without a forecast', () => {
  const planner = createPlanner(before, null, fitnessOf(before, null, policy), policy);
  const change = { channels: [channel('ch-1', { viewers: 3_000, rungs: 3 })], atMs: NOW_MS + 1 };
  const next = after(before, change);
  planner.update({ ...change, fitness: fitnessOf(next, null, policy) });
  expect(planner.plan(memory)).toEqual(makePlan(next, null, fitnessOf(next, null, policy), policy, memory));
});

test.each([
  ['without a forecast', null],
  ['with one of less than they need now', forecastOf(before, {})],
])('what all channels need now follows those that leave and come, %s', (_, given) => {
  const heavy = { rungs: 3, viewers: 3_000 };
  const six = defaultSwarm(Object.fromEntries(before.channels.map((c) => [c.spec.id, heavy])));
  const none: never[] = [];
  const planner = createPlanner(six, given, none, policy);
  const demand = (): number => {
    const { scale } = planner.plan(memory);
    return scale.kind === 'provision' ? scale.figures.demandUnits! : 0;
  };
  // 3.415 units each, and all that three encoders may carry is 14.4.
  expect(demand()).toBe(20.49);
  planner.update({ atMs: NOW_MS, removedChannels: ['ch-6'] });
  expect(demand()).toBe(17.075);
  // It takes the place of the one that left.
  planner.update({ atMs: NOW_MS, channels: [channelOn({ ...newcomer.spec, id: 'ch-8' }, 'enc-3')] });
  expect(demand()).toBe(18.075);
  planner.update({ atMs: NOW_MS, removedChannels: ['ch-8', 'ch-5', 'ch-4'] });
  // Three are left; sessions of the others are still there, so that encoders are asked for all the same.
  expect(demand()).toBe(10.245);
});

test('a session of an unknown channel takes room now and later, until its channel is known', () => {
  const crowded = { ...before, encoders: [encoder('enc-1'), withSessions('enc-2', [...sessionsOf('enc-2'), unknown, unknown]), { ...encoder('enc-3'), cordoned: true }] }; // prettier-ignore
  // 2 + 2 x 2 units on enc-2 of 4.8: ch-4 has nowhere to go.
  expect(planOf(crowded).moves.filter((m) => m.reason === 'predicted-overload')).toEqual([]);
  const known = { ...crowded, channels: [...crowded.channels, channelOn({ ...newcomer.spec, id: 'nobody-knows' }, 'enc-2')] }; // prettier-ignore
  const planner = plannerOf(crowded);
  planner.update({ atMs: NOW_MS, channels: [known.channels.at(-1)!], fitness: fitnessOf(known, forecast, policy) }); // prettier-ignore
  expect(planner.plan(memory)).toEqual(planOf(known));
});

test('a new encoder judged by nobody is the least fit', () => {
  const swarm = withTelemetry({ ...before, encoders: [...before.encoders, four] });
  const judged = fitnessOf(before, forecast, policy);
  const plan = makePlan(swarm, forecast, judged, policy, memory);
  expect(plan.moves.map((m) => m.toEncoderId)).not.toContain('enc-4');
});
