import type { EncoderObservation, SwarmSnapshot } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { chooseTarget, type TargetAnswer, type TargetRequest } from '../../src/planner';
import { channelOn, defaultPolicy, defaultSwarm, planFor, withTelemetry } from './swarm-fixtures';

const choose = (snapshot: SwarmSnapshot, request: Partial<TargetRequest> = {}): TargetAnswer =>
  chooseTarget(snapshot, null, fitnessOf(snapshot, null, defaultPolicy), defaultPolicy, {
    channelId: 'ch-1',
    rungs: 1,
    ...request,
  });
const change = (snapshot: SwarmSnapshot, id: string, over: Partial<EncoderObservation>): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((e) => (e.id === id ? { ...e, ...over } : e)),
});
const code = (answer: TargetAnswer): string => (answer.ok ? `ok ${answer.encoderId}` : answer.code);

describe('chooseTarget', () => {
  test.each<[string, (s: SwarmSnapshot) => SwarmSnapshot, Partial<TargetRequest>, string]>([
    ['an unknown channel', (s) => s, { channelId: 'nope' }, 'unknown-channel'],
    ['more rungs than the ladder has', (s) => s, { rungs: 4 }, 'bad-request'],
    ['an unknown encoder', (s) => s, { toEncoderId: 'nope' }, 'unknown-encoder'],
    ['the present owner', (s) => s, { toEncoderId: 'enc-1' }, 'same-encoder'],
    [
      'a cordoned one',
      (s) => change(s, 'enc-2', { cordoned: true }),
      { toEncoderId: 'enc-2' },
      'encoder-cordoned',
    ],
    [
      'one in another region',
      (s) => change(s, 'enc-2', { region: 'us' }),
      { toEncoderId: 'enc-2' },
      'encoder-incompatible',
    ],
    [
      'a silent one',
      (s) => change(s, 'enc-2', { reachable: false, telemetry: undefined }),
      { toEncoderId: 'enc-2' },
      'encoder-unreachable',
    ],
    [
      'a full one',
      (s) => change(s, 'enc-2', { capacityUnits: 2.5 }),
      { toEncoderId: 'enc-2' },
      'encoder-full',
    ],
    [
      'one without sessions left',
      (s) => change(s, 'enc-2', { maxSessions: 2 }),
      { toEncoderId: 'enc-2' },
      'encoder-full',
    ],
    ['none when all are excluded', (s) => s, { exclude: ['enc-2', 'enc-3'] }, 'no-target'],
    ['an excluded one', (s) => s, { toEncoderId: 'enc-2', exclude: ['enc-2'] }, 'no-target'],
    ['the owner with other rungs', (s) => s, { toEncoderId: 'enc-1', rungs: 3 }, 'ok enc-1'],
    ['the owner with another ladder', (s) => s, { toEncoderId: 'enc-1', otherLadder: true }, 'ok enc-1'],
    ['a named one with room', (s) => s, { toEncoderId: 'enc-3' }, 'ok enc-3'],
    ['the only one left', (s) => s, { exclude: ['enc-2'] }, 'ok enc-3'],
  ])('%s', (_, spoil, request, expected) => {
    const answer = choose(spoil(defaultSwarm()), request);
    expect(code(answer)).toBe(expected);
    if (!answer.ok) expect(answer.message).toMatch(/\.$/);
  });

  test('a refusal names every encoder and why', () => {
    const swarm = change(change(defaultSwarm(), 'enc-2', { cordoned: true }), 'enc-3', { region: 'us' });
    expect(choose(swarm)).toEqual({
      ok: false,
      code: 'no-target',
      message: 'No encoder can take ch-1: enc-2 is cordoned; enc-3 is in region us, the channel in eu.',
      rejected: [
        { encoderId: 'enc-2', why: 'is cordoned' },
        { encoderId: 'enc-3', why: 'is in region us, the channel in eu' },
      ],
    });
  });

  test('the refusal of a named encoder names it and why', () => {
    const swarm = change(defaultSwarm(), 'enc-2', { cordoned: true });
    expect(choose(swarm, { toEncoderId: 'enc-2' })).toEqual({
      ok: false,
      code: 'encoder-cordoned',
      message: 'enc-2 is cordoned.',
      rejected: [{ encoderId: 'enc-2', why: 'is cordoned' }],
    });
  });

  test('growth beyond the owner’s capacity is refused, counting the channel once', () => {
    const swarm = change(defaultSwarm(), 'enc-1', { capacityUnits: 4.42 });
    expect(code(choose(swarm, { toEncoderId: 'enc-1', rungs: 3 }))).toBe('ok enc-1');
    const smaller = change(defaultSwarm(), 'enc-1', { capacityUnits: 4.41 });
    expect(code(choose(smaller, { toEncoderId: 'enc-1', rungs: 3 }))).toBe('encoder-full');
  });

  test('an encoder is filled beyond its limit only when none has room below', () => {
    const busy = defaultSwarm({
      'ch-2': { viewers: 3000, rungs: 3 },
      'ch-3': { viewers: 3000, rungs: 3 },
    });
    // enc-2 and enc-3 carry 4.415 of 4.8 each: one more unit goes over the limit, not over 6.
    const answer = choose(busy);
    expect(answer.ok && answer.explanation.summary).toMatch(/no encoder has room below its limit/);
    expect(code(choose(defaultSwarm()))).toMatch(/^ok enc-[23]$/);
  });

  test('channels that nobody encodes are spread, though each asks alone and of the same snapshot', () => {
    const swarm = defaultSwarm();
    const dark = withTelemetry({
      ...swarm,
      encoders: swarm.encoders.map((e) => ({ ...e, telemetry: undefined })),
      channels: swarm.channels.map((c) => channelOn(c.spec, null)),
    });
    const chosen = dark.channels.map((c) => code(choose(dark, { channelId: c.spec.id })));
    for (const id of ['enc-1', 'enc-2', 'enc-3']) {
      expect(chosen.filter((answer) => answer === `ok ${id}`)).toHaveLength(2);
    }
  });

  test('of channels that nobody encodes the largest gets its room first, whatever its id', () => {
    // Two encoders of 4.8: the 4 units of ch-6 find room only before the small ones are spread.
    const swarm = defaultSwarm();
    const dark = withTelemetry({
      ...swarm,
      encoders: swarm.encoders.slice(0, 2).map((e) => ({ ...e, telemetry: undefined })),
      channels: ['ch-1', 'ch-2', 'ch-6'].map((id) =>
        channelOn(swarm.channels.find((c) => c.spec.id === id)!.spec, null),
      ),
    });
    const { unmet } = planFor(dark, { 'ch-6': [4] });
    expect(unmet).toEqual([]);
    const { unmet: none } = planFor(dark, { 'ch-6': [4.9] });
    expect(none.map((u) => u.channelId)).toEqual(['ch-6']);
  });

  test('a channel whose session its owner forgot may go back to the same encoder', () => {
    const swarm = defaultSwarm();
    const forgot = change(swarm, 'enc-1', { telemetry: { ...swarm.encoders[0]!.telemetry!, sessions: [] } });
    expect(code(choose(forgot, { exclude: ['enc-2', 'enc-3'] }))).toBe('ok enc-1');
    expect(code(choose(forgot, { toEncoderId: 'enc-1' }))).toBe('ok enc-1');
  });
});
