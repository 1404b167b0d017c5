import { channelWithDefaults } from '../../src/domain';
import type { Policy, ChannelObservation, EncoderObservation } from '../../src/domain';
import { buildContext } from '../../src/planner/context';
import { PlanDraft } from '../../src/planner/draft';
import type { Cause } from '../../src/planner/explain';
import { neighbourhoodOf, type Neighbourhood } from '../../src/planner/neighbourhood';
import { fewestMoves } from '../../src/planner/rearrange';
import {
  channelOn,
  defaultPolicy,
  encoderWith,
  forecastOf,
  NOW_MS,
  sessionOf,
  trackerOf,
  withTelemetry,
} from './swarm-fixtures';

/** The problem that a search is given: a few encoders, and what of their channels it may move where. */

const spec = (id: string, redundancyGroup?: string) => ({
  ...channelWithDefaults(id),
  ...(redundancyGroup !== undefined && { placement: { redundancyGroup } }),
});
/** Of enc-1 to enc-3, zones a, b and c. */
const encoders = (over: Record<string, Partial<EncoderObservation>> = {}): EncoderObservation[] =>
  ['a', 'b', 'c'].map((zone, i) => encoderWith(`enc-${i + 1}`, { zone, ...over[`enc-${i + 1}`] }));

interface Given {
  channels: ChannelObservation[];
  over?: Record<string, Partial<EncoderObservation>>;
  policy?: Partial<Policy>;
  /** Encoders that are searched; default: enc-1 and enc-2. */
  among?: string[];
  closed?: string;
}

const draftOf = ({ channels, over, policy = {} }: Given, needs: Record<string, number[]> = {}): PlanDraft => {
  const full = { ...defaultPolicy, ...policy };
  const swarm = withTelemetry({ cell: 'local', atMs: NOW_MS, channels, encoders: encoders(over) });
  return new PlanDraft(buildContext(trackerOf(swarm, forecastOf(swarm, needs), full), new Map(), full));
};
const CLOSING: Cause = { reason: 'consolidation', words: 'it can go' };

const problemOf = (given: Given): Neighbourhood & { allowed: Record<string, string> } => {
  const { among = ['enc-1', 'enc-2'], closed } = given;
  const draft = draftOf(given);
  const { table } = draft.context;
  const slots = among.map((id) => table.encoders.slotOf(id));
  const found = neighbourhoodOf(
    ...([draft, slots, 0] as const),
    closed === undefined ? undefined : { encoder: table.encoders.slotOf(closed), cause: CLOSING },
  );
  const allowed = found.channels.map((c, i) => [
    table.channels.idOf(c),
    among.filter((_, j) => found.problem.allowed[i * among.length + j] === 1).join(' '),
  ]);
  return { ...found, allowed: Object.fromEntries(allowed) as Record<string, string> };
};
const on = (id: string, encoderId = 'enc-1', over: Partial<ChannelObservation> = {}): ChannelObservation =>
  channelOn(spec(id), encoderId, over);
const UNIT = 1e8;

test('channels may stay, and go where there may be work; limits and zones are those of the encoders', () => {
  const { allowed, problem } = problemOf({
    channels: [on('ch-1'), on('ch-2', 'enc-2'), on('ch-3', 'enc-3')],
    over: { 'enc-2': { capacityUnits: 4 } },
    policy: { limitFraction: 1 },
  });
  expect(allowed).toEqual({ 'ch-1': 'enc-1 enc-2', 'ch-2': 'enc-1 enc-2' });
  expect([...problem.zones]).toEqual([0, 1]);
  expect([...problem.limits]).toEqual([6 * UNIT, 4 * UNIT]);
  // Now and six steps ahead.
  expect([problem.steps, problem.fixed.length, problem.needs.length]).toEqual([7, 14, 14]);
  expect([...problem.fixed].every((units) => units === 0)).toBe(true);
  expect([...problem.start]).toEqual([0, 1]);
  expect([...problem.groups]).toEqual([-1, -1]);
  expect(problem.taken).toHaveLength(0);
});

test('of an encoder that is being drained all must go, those that rest too, and none may come', () => {
  const resting = { movedAtMs: NOW_MS - 1 };
  const found = problemOf({
    channels: [on('ch-1', 'enc-1', resting), on('ch-2', 'enc-2'), on('ch-3', 'enc-2', resting)],
    over: { 'enc-1': { draining: true } },
  });
  const { allowed, problem, channels } = found;
  expect(allowed).toEqual({ 'ch-1': 'enc-2', 'ch-2': 'enc-2' });
  expect(problem.limits[0]).toBe(Infinity);
  expect(problem.limits[1]).toBeLessThan(Infinity);
  expect(found.causeOf(channels[0]!)).toEqual({ reason: 'drain', words: 'enc-1 is being drained' });
});

test('so it is of one that is to be closed, for its own reason', () => {
  const found = problemOf({
    channels: [on('ch-1'), on('ch-2', 'enc-2')],
    closed: 'enc-1',
  });
  const { allowed, problem, channels } = found;
  expect(allowed).toEqual({ 'ch-1': 'enc-2', 'ch-2': 'enc-2' });
  expect(problem.limits[0]).toBe(Infinity);
  expect(found.causeOf(channels[0]!)).toBe(CLOSING);
  expect(found.causeOf(channels[1]!)).toEqual({
    reason: 'make-room',
    words: 'enc-2 makes room for channels of an encoder that can go: it can go',
  });
});

test('a search keeps the class of a channel where the policy asks for it', () => {
  const given = {
    channels: [on('ch-1')],
    over: { 'enc-1': { compatibilityClass: 'x' }, 'enc-2': { compatibilityClass: 'y' } },
  };
  expect(problemOf({ ...given, policy: { allowDiscontinuity: false } }).allowed).toEqual({ 'ch-1': 'enc-1' });
  expect(problemOf({ ...given, policy: { allowDiscontinuity: true } }).allowed).toEqual({
    'ch-1': 'enc-1 enc-2',
  });
});

describe('zones that mates of a redundancy group take', () => {
  const grouped = (id: string, encoderId: string, group: string): ChannelObservation =>
    channelOn(spec(id, group), encoderId);
  const zonesOf = ({ problem }: Neighbourhood): number[][] =>
    Array.from({ length: problem.taken.length / problem.zoneCount }, (_, g) => [
      ...problem.taken.subarray(g * problem.zoneCount, (g + 1) * problem.zoneCount),
    ]);

  test('are those where mates are that the search can’t move, by group', () => {
    const found = problemOf({
      channels: [
        ...[grouped('a-1', 'enc-1', 'a'), grouped('a-2', 'enc-3', 'a'), grouped('b-1', 'enc-1', 'b')],
        ...[grouped('b-2', 'enc-2', 'b'), grouped('b-3', 'enc-3', 'b'), grouped('c-1', 'enc-3', 'c')],
        on('d'),
      ],
    });
    const ids = found.channels.length;
    expect(ids).toBe(4);
    expect([...found.problem.groups]).toEqual([0, 1, -1, 1]);
    // Of a and b, one each in zone c; the other two of b may be moved; c has none here.
    expect(zonesOf(found)).toEqual([
      [0, 0, 1],
      [0, 0, 1],
    ]);
  });

  test('also where one is leaving', () => {
    const leaving = grouped('a-2', 'enc-3', 'a');
    const seen = encoders().map((e) =>
      e.id === 'enc-2'
        ? {
            ...e,
            telemetry: {
              ...{ atMs: NOW_MS, cpuCores: 0, memoryMiB: 0, networkKbps: 0, unitsUsed: 1 },
              sessions: [sessionOf(leaving, { sessionId: 'next', state: 'holding' })],
            },
          }
        : e,
    );
    const over = Object.fromEntries(seen.map((e) => [e.id, e]));
    expect(zonesOf(problemOf({ channels: [grouped('a-1', 'enc-1', 'a'), leaving], over }))).toEqual([
      [0, 1, 1],
    ]);
  });
});

describe('the fewest moves that could repair encoders', () => {
  const fewest = (given: Given): number => {
    const needs = Object.fromEntries(given.channels.map((c) => [c.spec.id, [3]]));
    const draft = draftOf({ ...given, policy: { limitFraction: 1 } }, needs);
    return fewestMoves(draft, [...draft.context.table.encoders.inOrder()]);
  };
  const three = ['ch-1', 'ch-2', 'ch-3'].map((id) => on(id));

  test('are none where all is well', () => expect(fewest({ channels: three.slice(0, 2) })).toBe(0));
  test('are as many as have to leave what is over its limit', () =>
    expect(fewest({ channels: three })).toBe(1));
  test('are all of one that is being drained', () =>
    expect(fewest({ channels: three, over: { 'enc-1': { draining: true } } })).toBe(3));
  test('are those that must not stay, where these are more', () =>
    expect(fewest({ channels: three, over: { 'enc-1': { region: 'us' } } })).toBe(3));
  test('of several encoders add up', () =>
    expect(fewest({ channels: [...three, ...['ch-4', 'ch-5', 'ch-6'].map((id) => on(id, 'enc-2'))] })).toBe(
      2,
    ));
  test('are none of an encoder that no move could relieve', () =>
    expect(fewest({ channels: three.map((c) => ({ ...c, moving: true })) })).toBe(0));
});

test('what makes room says for whom', () => {
  const channels = [on('ch-1'), on('ch-2', 'enc-2')];
  const plain = problemOf({ channels });
  expect(plain.causeOf(plain.channels[0]!)).toEqual({
    reason: 'make-room',
    words: 'enc-1 makes room for a channel that must move',
  });
});
