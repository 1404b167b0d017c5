import { idSchema } from '../../src/domain';

test('no id is a key that every object has already', () => {
  const inherited = Object.getOwnPropertyNames(Object.prototype);
  expect(inherited).toContain('constructor');
  for (const name of inherited) expect(idSchema.safeParse(name).success).toBe(false);
});

test.each(['a', '9', 'ch-1', 'constructors', 'a-constructor', 'a'.repeat(41)])('%s is an id', (name) => {
  expect(idSchema.parse(name)).toBe(name);
});

test.each(['', '-a', 'A', 'a_b', 'a.b', 'a/b', 'a'.repeat(42), 'ä'])('"%s" is no id', (name) => {
  expect(idSchema.safeParse(name).success).toBe(false);
});
