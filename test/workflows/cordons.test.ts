import { withCordon, withoutCordon, withoutEncoder, type Cordons } from '../../src/domain';

const ROLLOUT = 'rollout/local';
const encoderId = 'enc-1';
const cordoned = (cordons: Cordons, requestedBy: string, exceptChannels?: string[]): Cordons =>
  withCordon(
    cordons,
    { encoderId, requestedBy, ...(exceptChannels && { exceptChannels }) },
    { draining: false, atMs: 1 },
  );
const lifted = (cordons: Cordons, requestedBy: string): Cordons =>
  withoutCordon(cordons, { encoderId, requestedBy });

test("a rollout lifts its own cordon, and leaves people's, whichever came first", () => {
  for (const both of [
    cordoned(cordoned({}, 'ann'), ROLLOUT),
    cordoned(cordoned({}, ROLLOUT), 'ann'),
    cordoned(cordoned(cordoned({}, ROLLOUT), 'ann'), ROLLOUT, ['ch-1']),
  ]) {
    expect(both[encoderId]).toMatchObject({ by: ROLLOUT, people: { by: 'ann' } });
    expect(lifted(both, ROLLOUT)).toEqual({ [encoderId]: { by: 'ann', draining: false, atMs: 1 } });
  }
  expect(lifted(cordoned({}, ROLLOUT), ROLLOUT)).toEqual({});
});

test("a person lifts any person's cordon, and leaves that of a rollout under way", () => {
  expect(lifted(cordoned({}, 'ann'), 'bob')).toEqual({});
  const left = lifted(cordoned(cordoned({}, 'ann'), ROLLOUT, ['ch-1']), 'bob');
  expect(left).toEqual({ [encoderId]: { by: ROLLOUT, draining: false, atMs: 1, exceptChannels: ['ch-1'] } });
  expect(lifted(left, ROLLOUT)).toEqual({});
});

test('a cordon that a terminated rollout left can be lifted by people', () => {
  expect(lifted(cordoned({}, ROLLOUT), 'ann')).toEqual({});
});

test("a workflow does not lift what is not its own, nor anybody an encoder's that has none", () => {
  const byAnn = cordoned({}, 'ann');
  expect(lifted(byAnn, ROLLOUT)).toBe(byAnn);
  expect(withoutCordon(byAnn, { encoderId: 'enc-2', requestedBy: 'ann' })).toBe(byAnn);
});

test('of an encoder that has left nothing stays', () => {
  expect(withoutEncoder(cordoned(cordoned({}, 'ann'), ROLLOUT), encoderId)).toEqual({});
});
