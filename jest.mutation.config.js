const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname, relative, resolve } = require('node:path');
const { globSync } = require('glob');
const base = require('./jest.config.js');

/**
 * One file that runs all tests of a group: Jest loads the program anew for each file, which takes longer than the tests
 * do. Hooks stay with the tests that they stand beside.
 * @param {string} group @param {readonly string[]} tests
 */
const gather = (group, tests) => {
  const gathered = resolve('reports', `mutation-tests-${group}`, 'all.test.ts');
  const files = tests.flatMap((pattern) => globSync(pattern)).sort();
  const lines = files.map((file) => {
    const path = relative(dirname(gathered), resolve(file));
    return `describe('${file}', () => void require('${path.replace(/\.ts$/, '')}'));`;
  });
  mkdirSync(dirname(gathered), { recursive: true });
  writeFileSync(gathered, `${lines.join('\n')}\n`);
  return gathered;
};

/** The tests of one group of mutants: see tools/mutation/groups.mjs. @returns {Promise<import('jest').Config>} */
module.exports = async () => {
  const { groups } = await import('./tools/mutation/groups.mjs');
  const group = process.env.MUTATION_GROUP ?? 'ownership';
  const gathered = gather(group, groups[group].tests);
  return {
    ...base,
    roots: [dirname(gathered)],
    testMatch: [gathered],
    // Stryker loads it without Jest's transform, and one test file leaves nothing to the next.
    testEnvironment: require.resolve('./tools/mutation/first-failure-environment.cjs'),
    // Of the client only its errors are needed: loading all of it takes longer than the tests.
    moduleNameMapper: { '^@temporalio/client$': '<rootDir>/node_modules/@temporalio/client/lib/errors.js' },
    maxWorkers: 1,
    // Shorter than Stryker's own: what waits for ever fails as a test, and is no time-out of a busy machine.
    testTimeout: 8_000,
  };
};
