// @ts-check
import { readFileSync } from 'node:fs';

/** What the product's promises rest on, one glob or path a line; `#` begins a comment. */
const mutate = readFileSync(new URL('mutation-files.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.replace(/#.*/, '').trim())
  .filter((line) => line !== '');

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate,
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.js' },
  coverageAnalysis: 'perTest',
  // One run of the tests at a time: some of them hold real files, and the rest of the machine has work too.
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
  timeoutMS: 5_000,
  timeoutFactor: 2,
  // A module that fails to load with a mutant in a constant of its own is found out by any test.
  ignoreStatic: false,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  tempDirName: 'reports/.stryker',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  htmlReporter: { fileName: 'reports/mutation/mutation.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  thresholds: { high: 95, low: 85, break: 85 },
  ignorePatterns: ['dist', '.dist-new', 'docs', 'deploy', 'coverage', '.swarm', 'reports'],
};
