import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '..', '..');

const table = JSON.parse(
  execFileSync(
    process.execPath,
    ['-e', "import('./tools/lint/rooms.mjs').then((m) => console.log(JSON.stringify(m.rooms)))"],
    { cwd: root, encoding: 'utf8' },
  ),
) as Record<string, { uses: string[] }>;

const foldersIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => posix.join(folder, entry.name));

test('every room is in the table, and the table names no room that is not there', () => {
  const rooms = foldersIn('src').flatMap((folder) => (folder === 'src/media' ? foldersIn(folder) : [folder]));
  expect(Object.keys(table).sort()).toEqual([...rooms, 'activities', 'workflows'].sort());
});

test('a room uses only rooms that stand above it, so that there is no cycle among rooms', () => {
  const order = Object.keys(table);
  const wrong = order.flatMap((room, at) =>
    table[room]!.uses.filter((used) => !order.slice(0, at).includes(used)).map(
      (used) => `${room} -> ${used}`,
    ),
  );
  expect(wrong).toEqual([]);
});

interface Refusal {
  line: number;
  ruleId: string;
  message: string;
}

/** Texts in place of files that are there, each with what is wrong with it. */
const texts = {
  'src/fleet/provider.ts': [
    "export { SwarmError } from '../domain';",
    "export { startSwarm } from '../launch/swarm';",
    "import type { SwarmOptions } from '../launch/swarm';",
    "export const lazy = () => import('../launch/swarm');",
    "export { findFfmpeg } from '../setup/ffmpeg';",
    'export type Options = SwarmOptions;',
  ],
  'activities/moves/origin.ts': [
    "import { OriginClient } from '../../src/contracts/origin';",
    "export const origin = new OriginClient('http://origin');",
  ],
  'src/media/relay/feed.ts': [
    'export const patience = (caller: AbortSignal) => AbortSignal.any([caller, AbortSignal.timeout(1_000)]);',
    'export const either = (a: AbortSignal, b: AbortSignal) => AbortSignal.any([a, b]);',
    'export const limit = () => AbortSignal.timeout(1_000);',
  ],
  'src/media/relay/routes.ts': [
    "import { ServerCredentials } from '@grpc/grpc-js';",
    "import { createServer, type IncomingMessage } from 'node:http';",
    "import * as http from 'node:http';",
    "import { request } from 'node:https';",
    "export const asked = fetch('http://relay');",
    'export const all = [ServerCredentials, createServer, http, request];',
    'export type Asked = IncomingMessage;',
  ],
};

/**
 * ESLint with the project's own configuration, once for all texts. Only rules that say what may be imported or made run:
 * none of them needs types, and the types of the whole program are what takes ESLint long.
 */
const LINT = `
  const { ESLint } = require('eslint');
  const rules = /^(import-x\\/no-restricted-paths|(@typescript-eslint\\/)?no-restricted-\\w+)$/;
  const eslint = new ESLint({
    ruleFilter: ({ ruleId }) => rules.test(ruleId),
    overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  });
  const texts = Object.entries(JSON.parse(process.argv[1]));
  const lint = async ([filePath, lines]) => {
    const [{ messages }] = await eslint.lintText(lines.join('\\n') + '\\n', { filePath });
    return [filePath, messages];
  };
  Promise.all(texts.map(lint)).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

let refusals: Record<keyof typeof texts, Refusal[]>;
beforeAll(() => {
  const said = execFileSync(process.execPath, ['-e', LINT, JSON.stringify(texts)], {
    cwd: root,
    encoding: 'utf8',
  });
  refusals = JSON.parse(said) as typeof refusals;
});

test('ESLint refuses a wrong arrow, also of a type and of a lazy import, and a way past a door', () => {
  const refused = refusals['src/fleet/provider.ts'].filter(({ ruleId }) => ruleId.startsWith('import-x/'));
  expect(refused.map(({ line, message }) => [line, message.replace(/^.*restricted zone\. /, '')])).toEqual([
    [2, 'src/fleet may not import this room: see tools/lint/rooms.mjs.'],
    [3, 'src/fleet may not import this room: see tools/lint/rooms.mjs.'],
    [4, 'src/fleet may not import this room: see tools/lint/rooms.mjs.'],
    [5, 'Import src/setup by its door: see tools/lint/rooms.mjs.'],
  ]);
});

test('ESLint refuses a client of a part beside the one that is handed in', () => {
  const refused = refusals['activities/moves/origin.ts'].filter(
    ({ ruleId }) => ruleId === 'no-restricted-syntax',
  );
  expect(refused).toMatchObject([
    { line: 2, message: 'Take the client that was handed in (src/observation/part-clients.ts).' },
  ]);
});

test('ESLint refuses a deadline that a garbage collection takes away', () => {
  expect(refusals['src/media/relay/feed.ts'].map(({ line }) => line)).toEqual([1]);
});

test('ESLint refuses a listener and a client beside those that know what links are encrypted with', () => {
  const refused = refusals['src/media/relay/routes.ts'].filter(({ message }) =>
    message.includes('src/platform/links'),
  );
  expect(refused.map(({ line }) => line).sort()).toEqual([1, 2, 3, 4, 5]);
});

const sourcesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name))
    .filter((path) => path.endsWith('.ts') && statSync(join(root, path)).isFile());

/** Files that a file imports, type-only imports and lazy ones too. */
const importsOf = (path: string, known: ReadonlySet<string>): string[] =>
  ts
    .preProcessFile(readFileSync(join(root, path), 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(path), fileName))
    .flatMap((target) =>
      [`${target}.ts`, `${target}/index.ts`].filter((file) => known.has(file)).slice(0, 1),
    );

/** Groups of nodes that reach one another, by Tarjan's algorithm. */
const cyclesOf = (graph: ReadonlyMap<string, readonly string[]>): string[][] => {
  const found = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (node: string): void => {
    found.set(node, found.size);
    lowest.set(node, found.get(node)!);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!found.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== found.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) cycles.push(group);
  };
  for (const node of graph.keys()) if (!found.has(node)) visit(node);
  return cycles;
};

test('no file imports itself by way of others, types included', () => {
  const files = ['src', 'activities', 'workflows', 'bench', 'tools'].flatMap(sourcesBelow);
  const known = new Set(files);
  const graph = new Map(files.map((file) => [file, importsOf(file, known)]));
  expect(files.length).toBeGreaterThan(500);
  expect([...graph.values()].flat().length).toBeGreaterThan(1_500);
  expect(cyclesOf(graph)).toEqual([]);
  expect(
    cyclesOf(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
  ).toEqual([['b', 'c']]); // it can find one
});
