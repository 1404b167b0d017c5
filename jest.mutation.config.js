const base = require('./jest.config.js');

/** The tests of one group of mutants: see tools/mutation/groups.mjs. @returns {Promise<import('jest').Config>} */
module.exports = async () => {
  const { groups } = await import('./tools/mutation/groups.mjs');
  const { tests } = groups[process.env.MUTATION_GROUP ?? 'ownership'];
  return {
    ...base,
    testMatch: tests.map((path) => `<rootDir>/${path}`),
    maxWorkers: 1,
    testTimeout: 20_000,
  };
};
