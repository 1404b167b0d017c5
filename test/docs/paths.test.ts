import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { files, inlineCodeOf, pages as allPages, ROOT, textOf } from './support/pages';

/** All but the page of the traces, which names files of the places that they come from. */
const pages = allPages.filter(({ path }) => path !== 'data/traces/SOURCES.md');

/** `a/{b,c}.ts`: a/b.ts and a/c.ts. */
const expanded = (path: string): string[] => {
  const braces = /^(.*?)\{([^{}]*)\}(.*)$/.exec(path);
  if (!braces) return [path];
  const [, before = '', names = '', after = ''] = braces;
  return names.split(',').flatMap((name) => expanded(`${before}${name}${after}`));
};

const PATH =
  /^(?:\.ci|\.github|activities|bench|bin|data|deploy|docs|protos|scripts|src|test|tools|web|workflows)\/[^\s<>…]*$/;

/** Paths of the project that sentences of a page name, each without `:line`. */
const pathsNamedIn = (text: string): string[] =>
  inlineCodeOf(text)
    .map((code) => code.replace(/:\d+$/, ''))
    .filter((code) => PATH.test(code))
    .flatMap(expanded);

/** A path in which * stands for any part of a name. */
const like = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.+^$()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);

const isThere = (path: string): boolean =>
  path.endsWith('/')
    ? files.some((file) => file.startsWith(path))
    : files.some((file) => file === path || file.startsWith(`${path}/`) || like(path).test(file));

test.each(pages)('every path that $path names is there', ({ text }) => {
  expect(pathsNamedIn(text).filter((path) => !isThere(path))).toEqual([]);
});

test('paths are looked at, and one that is not there is found', () => {
  expect(pages.flatMap(({ text }) => pathsNamedIn(text)).length).toBeGreaterThan(100);
  const text =
    'See `src/{planner,nowhere}/index.ts:12`, `src/planner/`, `src/*/draft.ts`, `test/gone/` and `src/x y`.';
  expect(pathsNamedIn(text).filter((path) => !isThere(path))).toEqual(['src/nowhere/index.ts', 'test/gone/']);
});

test('the map of the code names every room of src', () => {
  const map = /```\n(protos\/[\s\S]*?)```/.exec(textOf('docs/explanation/architecture.md'))![1]!;
  const named = [...map.matchAll(/^ {2}(\w+)\//gm)].map(([, name]) => name);
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(named.sort()).toEqual(rooms.map(({ name }) => name).sort());
});
