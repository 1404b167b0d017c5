import { chooseLeg, type LegState } from '../../src/media/source/leg-choice';
import fc from '../support/fast-check';

const leg = (name: string, soundForMs: number | null, isSlate = false): LegState => ({
  ...{ name, isSlate, isSound: soundForMs !== null, soundForMs: soundForMs ?? 0 },
  whyAway: soundForMs === null ? `${name} is away.` : '',
});
const rules = { backAfterMs: 30_000, leastSoundMs: 3_000 };
const onAir = (active: string | null, wanted: string | null = null, waitedMs = 60_000) => ({
  ...{ active, wanted, waitedMs },
});
const slate = leg('slate', 1_000_000, true);

test('what is away gives way to the first that is sound, and names why', () => {
  const legs = [leg('primary', null), leg('backup-1', null), leg('backup-2', 100), slate];
  expect(chooseLeg(legs, onAir('primary'), rules)).toEqual({ name: 'backup-2', cause: 'primary is away.' });
  expect(chooseLeg([legs[0]!, legs[1]!, slate], onAir('primary'), rules)?.name).toBe('slate');
  expect(chooseLeg([legs[0]!, legs[1]!], onAir('primary'), rules)).toBeNull();
});

test('a better one comes back when the policy says so, and a slate gives way at once', () => {
  const legs = (soundForMs: number): LegState[] => [leg('primary', soundForMs), leg('backup-1', 1e6), slate];
  expect(chooseLeg(legs(29_000), onAir('backup-1'), rules)).toBeNull();
  expect(chooseLeg(legs(30_000), onAir('backup-1'), rules)?.name).toBe('primary');
  expect(chooseLeg(legs(1e6), onAir('backup-1'), { ...rules, backAfterMs: null })).toBeNull();
  // It has to have a whole GOP, however short the policy.
  expect(chooseLeg(legs(2_000), onAir('backup-1'), { ...rules, backAfterMs: 0 })).toBeNull();
  const back = [leg('primary', 3_000), leg('backup-1', null), slate];
  expect(chooseLeg(back, onAir('slate'), { ...rules, backAfterMs: null })?.name).toBe('primary');
});

test('what an operator asks for stays on air while it is sound', () => {
  const legs = [leg('primary', 1e6), leg('backup-1', 10), slate];
  expect(chooseLeg(legs, onAir('primary', 'backup-1'), rules)?.name).toBe('backup-1');
  expect(chooseLeg(legs, onAir('backup-1', 'backup-1'), rules)).toBeNull();
  const gone = [leg('primary', 1e6), leg('backup-1', null), slate];
  expect(chooseLeg(gone, onAir('backup-1', 'backup-1'), rules)?.name).toBe('primary');
});

test('the first one is waited for a while', () => {
  const legs = [leg('primary', null), leg('backup-1', 10)];
  expect(chooseLeg(legs, onAir(null, null, 4_000), rules)).toBeNull();
  expect(chooseLeg(legs, onAir(null, null, 6_000), rules)?.name).toBe('backup-1');
});

test('nothing that is away is ever chosen, nor what is on air already', () => {
  const some = fc.array(fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: null }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(some, fc.nat(5), fc.nat(5), (sound, active, wanted) => {
      const legs = sound.map((soundForMs, i) => leg(`in-${i}`, soundForMs));
      const choice = chooseLeg(legs, onAir(`in-${active}`, `in-${wanted}`), rules);
      if (!choice) return;
      expect(choice.name).not.toBe(`in-${active}`);
      expect(legs.find(({ name }) => name === choice.name)?.isSound).toBe(true);
    }),
  );
});
