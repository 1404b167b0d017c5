import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { anchorsOf, files, pages, ROOT, textOf } from './support/pages';

/** Each split, so that this file does not find itself. */
const OUTSIDE: readonly (readonly [string, RegExp])[] = [
  ['a folder beside the clone', new RegExp(`\\.\\./${'shared'}|'\\.\\.', '${'shared'}'`)],
  ['a note that nobody has', new RegExp(`${'concept'}[ -]note`, 'i')],
  ['a design that nobody has', new RegExp(`\\b${'DES'}IGN\\b`)],
  ['a section of an unnamed paper', new RegExp(`^(?!.*(ISO|RFC|IEC)).*\\b${'section'} \\d`, 'i')],
  ['a path of one machine', new RegExp(`(^|[\\s"'\`(=])/(${'work'}|${'root'})/`)],
];

const TEXT = /\.(md|ts|js|mjs|cjs|json|ya?ml|py|proto|html|css|sh)$|^\.ci\/|^\.githooks\/|Dockerfile$/;
const LEFT_OUT = /^package-lock\.json$|^test\/workflows\/histories\//;

/** Lines that point out of the clone, each with what they name. */
const pointersIn = (path: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, i) =>
      OUTSIDE.filter(([, pattern]) => pattern.test(line)).map(([what]) => `${path}:${i + 1} names ${what}`),
    );

const texts = files.filter((path) => TEXT.test(path) && !LEFT_OUT.test(path));

test('no file of the project points out of the clone', () => {
  expect(texts.length).toBeGreaterThan(800);
  expect(texts.flatMap((path) => pointersIn(path, textOf(path)))).toEqual([]);
});

test('a pointer out of the clone is found, of each kind', () => {
  const lines = [
    `--traces ../${'shared'}/traces`,
    `the ${'concept'} note's rule`,
    `${'DES'}IGN §5`,
    `see ${'section'} 4`,
    `in /${'work'}/main`,
    'ISO/IEC 13818-1, sections 2.4.3.4 to 2.4.3.7',
    'a sentence about design and its sections',
  ];
  expect(pointersIn('x.ts', lines.join('\n'))).toEqual([
    'x.ts:1 names a folder beside the clone',
    'x.ts:2 names a note that nobody has',
    'x.ts:3 names a design that nobody has',
    'x.ts:4 names a section of an unnamed paper',
    'x.ts:5 names a path of one machine',
  ]);
});

/** Pages that the code sends people to. */
const pagesNamedIn = (text: string): string[] =>
  [...text.matchAll(/\bdocs\/[\w/-]+(?:\.md(?:#[\w-]+)?|\/)/g)].map(([named]) => named);

test('every page that the code names is there', () => {
  const code = texts.filter((path) => !path.endsWith('.md') && !path.startsWith('test/docs/'));
  const missing = code.flatMap((path) =>
    pagesNamedIn(textOf(path))
      .filter((named) => {
        const [file = '', anchor] = named.split('#');
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && !anchorsOf(textOf(file)).has(anchor);
      })
      .map((named) => `${path} names ${named}`),
  );
  expect(missing).toEqual([]);
});

const MAX_TABLE_LINE_CHARACTERS = 200;

/** A contract of ten lines in a cell is read by nobody. */
test.each(pages)('no table of $path is wider than 200 characters', ({ text }) => {
  const wide = text
    .split('\n')
    .filter((line) => line.startsWith('|') && [...line].length > MAX_TABLE_LINE_CHARACTERS);
  expect(wide).toEqual([]);
});
