const base = require('./jest.config.js');

/**
 * The tests that mutants are shown to: quick ones that state a rule directly. Not those that search at random for a
 * broken rule: they run in whole for each mutant, and what only they find deserves a test of its own.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...base,
  testMatch: [
    '<rootDir>/test/origin/{ledger,ownership-rules,verify-gop}.test.ts',
    '<rootDir>/test/relay/{gop-journal,gop-ledgers,unit-ring}.test.ts',
    '<rootDir>/test/encoder/held-gops.test.ts',
    '<rootDir>/test/stamp/stamp-rules.test.ts',
    '<rootDir>/test/collector/sentinel.test.ts',
    '<rootDir>/test/exhaustive/saga-sample.test.ts',
    '<rootDir>/test/platform/durable-file.test.ts',
    '<rootDir>/test/durability/forced-to-disk.test.ts',
    '<rootDir>/test/forecast/{calibration,widening}.test.ts',
    '<rootDir>/test/fitness/*.test.ts',
    '<rootDir>/test/planner/{choose-target,make-plan,redundancy,scale-decision,scale-maths}.test.ts',
    '<rootDir>/test/versions/{drift,e-values,take-over,verdict,waves}.test.ts',
    '<rootDir>/test/verify/{frame-clock,judge}.test.ts',
  ],
  maxWorkers: 1,
  testTimeout: 20_000,
};
