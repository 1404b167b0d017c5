// @ts-check
import { groups } from './tools/mutation/groups.mjs';

/** `npm run mutation` runs one group after the other. */
const group = process.env.MUTATION_GROUP ?? 'ownership';
const isSample = Number(process.env.MUTATION_SAMPLE ?? 1) < 1;

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: groups[group]?.mutate ?? [],
  testRunner: 'jest',
  plugins: [
    '@stryker-mutator/jest-runner',
    './tools/mutation/line-reporter.mjs',
    ...(isSample ? ['./tools/mutation/sample-checker.mjs'] : []),
  ],
  checkers: isSample ? ['sample'] : [],
  // All tests of the group: Jest's own guess at those that a file needs leaves some out.
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // One run of the tests at a time: some of them hold real files, and the rest of the machine has work too.
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
  // A busy machine must not look like tests that never end.
  timeoutMS: Number(process.env.MUTATION_TIMEOUT_MS ?? 15_000),
  timeoutFactor: 2,
  ignoreStatic: false,
  // What did not change since the last run keeps its result. A sample is another set of mutants each time.
  incremental: !isSample,
  incrementalFile: `reports/mutation/${group}-incremental.json`,
  tempDirName: `reports/.stryker-${group}`,
  reporters: ['clear-text', 'progress-append-only', 'html', 'json', 'lines'],
  clearTextReporter: {
    allowColor: false,
    logTests: false,
    reportTests: false,
    reportScoreTable: false,
    allowEmojis: false,
  },
  htmlReporter: { fileName: `reports/mutation/${group}.html` },
  jsonReporter: { fileName: `reports/mutation/${group}.json` },
  ignorePatterns: ['dist', '.dist-new', 'docs', 'deploy', 'coverage', '.swarm', 'reports'],
};
