import { canTakeOver, type RunningVersion } from '../../src/versions';

const strict = { allowDiscontinuity: false };
const lenient = { allowDiscontinuity: true };
const build = (buildId: string, compatibilityClass?: string): RunningVersion => ({
  buildId,
  buildDigest: buildId.padEnd(64, '0'),
  ...(compatibilityClass !== undefined && { compatibilityClass }),
});

test.each<[string, RunningVersion, RunningVersion]>([
  ['the same executable', build('a'), build('a')],
  ['builds of one class', build('a', 'x'), build('b', 'x')],
  ['hosts that tell nothing of their build', {}, {}],
])('%s may follow each other seamlessly', (_, from, to) => {
  expect(canTakeOver(from, to, strict)).toEqual({ ok: true, discontinuity: false });
  expect(canTakeOver(to, from, lenient)).toEqual({ ok: true, discontinuity: false });
});

test.each<[string, RunningVersion, RunningVersion]>([
  ['builds of two classes', build('a', 'x'), build('b', 'y')],
  ['builds that nobody has measured', build('a'), build('b')],
  ['a measured build and one that is not', build('a', 'x'), build('b')],
  ['a measured build and an unknown one', build('a', 'x'), {}],
])('%s follow each other only with a declared discontinuity, where the policy has it', (_, from, to) => {
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    expect(canTakeOver(one, other, strict)).toMatchObject({ ok: false, code: 'encoder-incompatible' });
    expect(canTakeOver(one, other, lenient)).toEqual({ ok: true, discontinuity: true });
  }
});

test('the refusal names both builds with their classes', () => {
  expect(canTakeOver(build('a', 'x'), { buildDigest: 'f'.repeat(64) }, strict)).toMatchObject({
    why: expect.stringMatching(/an unknown build \(ffffffffffff\) \(not probed\).*a \(class x\)/) as string,
  });
});
