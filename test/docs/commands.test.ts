import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { faultsOfLine, faultsOfMention, isCommand, wordsOf } from './support/commands';
import { fencesOf, inlineCodeOf, pages, ROOT, type Page } from './support/pages';

/** The changelog names what there was. */
const present = pages.filter(({ path }) => path !== 'CHANGELOG.md');

const isShell = ({ language }: { language: string }): boolean => ['sh', 'bash', 'shell'].includes(language);

const shellLines = (text: string): string[] =>
  fencesOf(text)
    .filter(isShell)
    .flatMap(({ lines }) => lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('#')));

test('pages have commands to look at', () => {
  expect(pages.flatMap(({ text }) => shellLines(text)).length).toBeGreaterThan(80);
});

test.each(present)('every command in the blocks of $path exists, with its options', ({ text }) => {
  const faults = shellLines(text).flatMap((line) => faultsOfLine(line).map((fault) => `${line}: ${fault}`));
  expect(faults).toEqual([]);
});

test.each(present)('every command in the sentences of $path exists', ({ text }) => {
  const faults = inlineCodeOf(text)
    .filter(isCommand)
    .flatMap((code) => faultsOfMention(code).map((fault) => `${code}: ${fault}`));
  expect(faults).toEqual([]);
});

test.each<[string, string[]]>([
  ['npm start -- --duration 60s --report r.json', []],
  [
    'npm start -- --durations 60s',
    ['npm start -- has no option --durations', 'npm start -- takes no argument 60s'],
  ],
  ['npm start --duration 60s', ['arguments of npm start need "--" before them']],
  ['npm run nothing', ['there is no script nothing in package.json']],
  ['npm run chaos -- --minutes 5 --seed 7', []],
  ['npm run chaos -- --hours 5', ['npm run chaos has no option --hours']],
  ['npm run clean -- --tools', []],
  ['npx encoder-swarm handoff ch-1 enc-2 --rungs 2', []],
  ['npx encoder-swarm handoff', ['handoff lacks its argument channel']],
  ['npx encoder-swarm hand ch-1', ['encoder-swarm has no command hand']],
  ['npx encoder-swarm encoder drain enc-3 enc-4', ['drain takes no argument enc-4']],
  ['npx encoder-swarm verify ch-1 ch-2 --window', ['--window of verify lacks its value']],
  ['npx encoder-swarm status --yaml', ['status has no option --yaml']],
  ['npx encoder-swarm event add final --channel ch-1 ch-2 --from now --to then', []],
  ['npx jest test/exhaustive/handoff-faults', []],
  ['FUZZ_RUNS=3000 npx jest test/nothing --testTimeout 600000', ['no test is in test/nothing']],
  ['node scripts/clean.mjs', []],
  ['node scripts/clear.mjs', ['scripts/clear.mjs is not there']],
  ['bash .ci/run # everything', []],
  [
    'curl -s localhost:7700/api/status -H "authorization: Bearer $(cat .swarm/secrets/admin-token)" | jq .problems',
    [],
  ],
  ['make', ['make?']],
])('a line of a block: %s', (line, faults) => {
  expect(faultsOfLine(line)).toEqual(faults);
});

test('a mention may leave arguments out', () => {
  expect(faultsOfMention('encoder-swarm handoff')).toEqual([]);
  expect(faultsOfMention('encoder-swarm handof CHANNEL')).toEqual(['encoder-swarm has no command handof']);
});

test('words of a line', () => {
  expect(wordsOf(`kill -9 $(pgrep -f a | head -1) "two words" # why`)).toEqual([
    'kill',
    '-9',
    '$(pgrep -f a | head -1)',
    'two words',
  ]);
});

const PATH =
  /^(src|workflows|activities|bench|tools|test|docs|data|scripts|protos|web|deploy|bin|\.github|\.githooks|\.ci)\/[\w./-]*$/;

/** Paths that a page names in code and that are not there. */
const missingPaths = ({ text }: Pick<Page, 'text'>): string[] =>
  [
    ...inlineCodeOf(text).flatMap((code) => wordsOf(code)),
    ...fencesOf(text)
      .filter(isShell)
      .flatMap(({ lines }) => lines.flatMap(wordsOf)),
  ]
    .filter((word) => PATH.test(word))
    .filter((path) => !existsSync(join(ROOT, path)) && !isPatternOfTests(path));

const isPatternOfTests = (path: string): boolean =>
  path.startsWith('test/') && faultsOfLine(`npx jest ${path}`).length === 0;

/** A page of sources names the paths of those. */
const ownPaths = present.filter(({ path }) => !path.endsWith('/SOURCES.md'));

test.each(ownPaths)('every path that $path names is in the project', (page) => {
  expect(missingPaths(page)).toEqual([]);
});

test('a path that is not there is found', () => {
  const text =
    'See `src/domain/errors.ts`, `src/nowhere.ts` and `test/nowhere`.\n\n```sh\nnode scripts/gone.mjs\n```\n';
  expect(missingPaths({ text })).toEqual(['src/nowhere.ts', 'test/nowhere', 'scripts/gone.mjs']);
});
