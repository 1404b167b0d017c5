const base = require('./jest.config.js');

/** The tests of one group of mutants: see tools/mutation/groups.mjs. @returns {Promise<import('jest').Config>} */
module.exports = async () => {
  const { groups } = await import('./tools/mutation/groups.mjs');
  const { tests } = groups[process.env.MUTATION_GROUP ?? 'ownership'];
  return {
    ...base,
    testMatch: tests.map((path) => `<rootDir>/${path}`),
    // Of the client only its errors are needed: loading all of it takes longer than the tests.
    moduleNameMapper: { '^@temporalio/client$': '<rootDir>/node_modules/@temporalio/client/lib/errors.js' },
    maxWorkers: 1,
    // Shorter than Stryker's own: what waits for ever fails as a test, and is no time-out of a busy machine.
    testTimeout: 8_000,
  };
};
