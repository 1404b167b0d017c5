import {
  sessionStateSchema,
  type EncoderObservation,
  type SessionInfo,
  type SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf, usableUnits } from '../../src/fitness';
import { chooseTarget } from '../../src/planner';
import { defaultPolicy, defaultSwarm, planFor } from '../planner/swarm-fixtures';
import fc from '../support/fast-check';

/** On air, with work piled up, at a part of real time; CPU and all else as ever. */
const BEHIND: Partial<SessionInfo> = { ready: false, realTimeRatio: 0.6, lateGops: 3 };

const withSessions = (id: string, over: Partial<SessionInfo>): SwarmSnapshot => {
  const swarm = defaultSwarm();
  const change = (encoder: EncoderObservation): EncoderObservation => ({
    ...encoder,
    telemetry: {
      ...encoder.telemetry!,
      sessions: encoder.telemetry!.sessions.map((session) => ({ ...session, ...over })),
    },
  });
  return { ...swarm, encoders: swarm.encoders.map((e) => (e.id === id ? change(e) : e)) };
};
const encoderIn = (swarm: SwarmSnapshot, id: string): EncoderObservation =>
  swarm.encoders.find((e) => e.id === id)!;
test('an encoder that falls behind has what it carries in real time', () => {
  const { telemetry, capacityUnits } = encoderIn(withSessions('enc-1', BEHIND), 'enc-1');
  const used = telemetry!.sessions.reduce((sum, s) => sum + s.units, 0);
  expect(used).toBeGreaterThan(0);
  expect(usableUnits(encoderIn(withSessions('enc-1', BEHIND), 'enc-1'))).toBeCloseTo(0.6 * used);
  expect(usableUnits(encoderIn(defaultSwarm(), 'enc-1'))).toBe(capacityUnits);
});

test.each<[string, Partial<SessionInfo>]>([
  ['catches up after its start', { realTimeRatio: 3 }],
  ['has a slow GOP, and nothing piled up', { ready: true }],
  ['waits for its contribution, and was never late', { lateGops: 0 }],
  ['holds, and is not on air', { state: 'holding' }],
])('a session that %s does not fall behind', (_, over) => {
  const encoder = encoderIn(withSessions('enc-1', { ...BEHIND, ...over }), 'enc-1');
  expect(usableUnits(encoder)).toBe(encoder.capacityUnits);
});

test('it is less fit than all others though its CPU looks fine, and it is relieved', () => {
  const swarm = withSessions('enc-1', BEHIND);
  const [behind, ...others] = fitnessOf(swarm, null, defaultPolicy);
  for (const other of others) expect(behind!.score).toBeLessThan(other.score - 0.2);
  expect(planFor(defaultSwarm()).moves).toEqual([]);
  const { moves } = planFor(swarm);
  expect(moves.length).toBeGreaterThan(0);
  for (const move of moves) expect(move.fromEncoderId).toBe('enc-1');
  expect(moves[0]!.explanation.summary).toContain('it falls behind real time with more than');
});

test('it gets no channel, neither by choice nor by name', () => {
  const swarm = withSessions('enc-1', BEHIND);
  const channel = swarm.channels.find((c) => c.owner?.encoderId === 'enc-2')!;
  const fitness = fitnessOf(swarm, null, defaultPolicy);
  const choose = (toEncoderId?: string) =>
    chooseTarget(swarm, null, fitness, defaultPolicy, {
      ...{ channelId: channel.spec.id, rungs: channel.rungs },
      ...(toEncoderId !== undefined && { toEncoderId }),
    });
  expect(choose()).toMatchObject({ ok: true, encoderId: 'enc-3' });
  expect(choose('enc-1')).toMatchObject({ ok: false, code: 'encoder-full' });
});

test('it never has more than its capacity, nor less than nothing', () => {
  const sessionChange = fc.record({
    state: fc.constantFrom(...sessionStateSchema.options),
    ready: fc.boolean(),
    realTimeRatio: fc.double({ min: 0, max: 5, noNaN: true }),
    lateGops: fc.nat(9),
    units: fc.double({ min: 0, max: 20, noNaN: true }),
  });
  fc.assert(
    fc.property(sessionChange, (over) => {
      const encoder = encoderIn(withSessions('enc-1', over), 'enc-1');
      const units = usableUnits(encoder);
      expect(units).toBeGreaterThanOrEqual(0);
      expect(units).toBeLessThanOrEqual(encoder.capacityUnits);
    }),
  );
});
