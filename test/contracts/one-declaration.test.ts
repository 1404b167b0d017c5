import { resolve } from 'node:path';
import { declaredShapes, needlessLeave, secondDeclarations } from '../../tools/check-shapes/check';
import { duplicatesAmong, shapesIn } from '../../tools/check-shapes/shapes';

const shapes = declaredShapes(resolve(__dirname, '..', '..'));
const fieldsIn = (text: string): string[][] => shapesIn('a.ts', text).map(({ fields }) => fields);

test('no shape is declared a second time', () => {
  expect(secondDeclarations(shapes)).toEqual([]);
});

test('no leave is left over', () => {
  expect(needlessLeave(shapes)).toEqual([]);
});

test('the shapes of the contracts are among those looked at', () => {
  const names = shapes.filter(({ file }) => file.startsWith('src/contracts/')).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      ...['originChannelSchema', 'ledgerEntrySchema', 'ownRequestSchema', 'relayChannelSchema'],
      ...['gopLedgerSchema', 'sourceChannelSchema', 'fleetEncoderSchema', 'prepareSchema'],
      ...['sessionFields', 'describeAnswerSchema', 'telemetryAnswerSchema'],
    ]),
  );
});

describe('a second declaration is found', () => {
  const schema =
    'const ledger = z.object({ gop: z.int(), token: z.int(), atMs: z.number(), owner: z.string() });';
  test.each([
    ['an interface', 'interface Entry { token: number; gop: number; owner: string; atMs: number }'],
    ['a type', 'type Entry = { token: number; gop: number; owner?: string; readonly atMs: number };'],
    ['a type within another', 'const f = (e: { token: 1; gop: 1; owner: 1; atMs: 1 }[]) => e;'],
    ['a cast', 'const [e] = x as { token: 1; gop: 1; owner: 1; atMs: 1 }[];'],
    ['a strict schema', 'const e = z.strictObject({ owner: a, atMs: b, gop: c, "token": d }).optional();'],
    ['a schema within a schema', 'const e = z.array(z.looseObject({ owner: a, atMs: b, gop: c, token }));'],
  ])('as %s', (_as, second) => {
    const found = duplicatesAmong([...shapesIn('a.ts', schema), ...shapesIn('b.ts', second)]);
    expect(found.map((same) => same.map(({ file }) => file))).toEqual([['a.ts', 'b.ts']]);
  });

  test('and named in words', () => {
    const twice = [...shapesIn('a.ts', schema), ...shapesIn('b.ts', schema)];
    expect(secondDeclarations(twice)).toEqual([
      'ledger (a.ts:1) and ledger (b.ts:1) have the same fields: atMs, gop, owner, token.',
    ]);
  });
});

test('what is no shape of its own is left alone', () => {
  expect(fieldsIn('interface A { a: 1; b: 1; c: 1 }')).toEqual([]);
  expect(fieldsIn('interface A extends B { a: 1; b: 1; c: 1; d: 1 }')).toEqual([]);
  expect(fieldsIn('const a = z.object({ ...b, a: 1, b: 1, c: 1, d: 1 });')).toEqual([]);
  expect(fieldsIn('const a = { a: 1, b: 1, c: 1, d: 1 };')).toEqual([]);
});
