import type { ChannelObservation, EncoderObservation, Fitness, SessionInfo } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import { heldBackReason, planUpdates } from '../../src/versions';

const target = { id: 'new', digest: 'n'.repeat(64) };
const session = { sessionId: 's', channelId: 'ch-1', state: 'publishing' } as SessionInfo;

const encoder = (id: string, more: Partial<EncoderObservation> & { sessions?: SessionInfo[] } = {}) => {
  const { sessions = [session], ...rest } = more;
  return {
    ...{ id, buildDigest: 'o'.repeat(64), buildId: 'old', reachable: true, cordoned: false, draining: false },
    telemetry: { sessions },
    ...rest,
  } as EncoderObservation;
};
const channelOn = (encoderId: string, buildId?: string): ChannelObservation =>
  ({
    spec: { ...channelWithDefaults(`on-${encoderId}`), ...(buildId && { placement: { buildId } }) },
    owner: { encoderId, sessionId: 's' },
  }) as ChannelObservation;
const fitness = (scores: Record<string, number>): Fitness[] =>
  Object.entries(scores).map(([encoderId, score]) => ({ encoderId, score }) as Fitness);
const idsOf = (encoders: EncoderObservation[], scores = {}, channels: ChannelObservation[] = []) =>
  planUpdates({ encoders, channels }, fitness(scores), target).map((u) => u.encoderId);

test('the least fit go first, but encoders without work before all others', () => {
  const encoders = [
    encoder('enc-1'),
    encoder('enc-2'),
    encoder('enc-3', { sessions: [] }),
    encoder('enc-4'),
    encoder('enc-5', { sessions: [{ ...session, state: 'released' }] }),
  ];
  const scores = { 'enc-1': 0.9, 'enc-2': 0.2, 'enc-3': 0.8, 'enc-4': 0.5, 'enc-5': 0.7 };
  expect(idsOf(encoders, scores)).toEqual(['enc-5', 'enc-3', 'enc-2', 'enc-4', 'enc-1']);
  expect(idsOf([...encoders].reverse(), scores)).toEqual(idsOf(encoders, scores));
  expect(idsOf(encoders)).toEqual(['enc-3', 'enc-5', 'enc-1', 'enc-2', 'enc-4']);
});

test('an encoder that owns a channel is not idle, whatever its host says', () => {
  const waiting = encoder('enc-1', { sessions: [] });
  expect(heldBackReason(waiting, new Set(), target)).toContain('no work before it runs new');
  expect(heldBackReason(waiting, new Set(['enc-1']), target)).toBeNull();
});

test.each<[string, EncoderObservation]>([
  ['runs the target', encoder('e', { buildDigest: target.digest })],
  ['tells nothing of its build', (({ buildDigest: _, ...rest }) => rest)(encoder('e'))],
  ['does not answer', encoder('e', { reachable: false })],
])('one that %s is neither brought in line nor held back', (_, observed) => {
  const idle = { ...observed, telemetry: undefined } as EncoderObservation;
  expect(idsOf([observed])).toEqual([]);
  expect(heldBackReason(idle, new Set(), target)).toBeNull();
});

test('what somebody has cordoned is left to them', () => {
  expect(idsOf([encoder('e', { cordoned: true })])).toEqual([]);
});

test('an encoder that runs what its channel is pinned to stays as it is; a pin elsewhere does not hold it', () => {
  expect(idsOf([encoder('enc-1')], {}, [channelOn('enc-1', 'old')])).toEqual([]);
  expect(idsOf([encoder('enc-1')], {}, [channelOn('enc-2', 'old')])).toEqual(['enc-1']);
  expect(idsOf([encoder('enc-1')], {}, [channelOn('enc-1', 'other')])).toEqual(['enc-1']);
});

test('without a target nothing is adrift', () => {
  const encoders = [encoder('enc-1')];
  expect(planUpdates({ encoders, channels: [] }, [], null)).toEqual([]);
  expect(heldBackReason(encoder('e', { sessions: [] }), new Set(), null)).toBeNull();
});

test('an update says what runs, what should, and why now', () => {
  const [update] = planUpdates(
    { encoders: [encoder('enc-1')], channels: [] },
    fitness({ 'enc-1': 0.4 }),
    target,
  );
  expect(update).toEqual({
    ...{ encoderId: 'enc-1', buildId: 'new', runs: 'old', isIdle: false, fitness: 0.4 },
    why: 'enc-1 runs old, not new: fitness 0.40',
  });
});
