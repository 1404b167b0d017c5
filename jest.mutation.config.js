const base = require('./jest.config.js');

// A few steps show a mutant that a million would: the tests run once for each mutant.
process.env.PROPERTY_STEPS ??= '800';

/**
 * The tests that mutants are shown to: quick ones, without servers, encoders or ffmpeg.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...base,
  testMatch: [
    '<rootDir>/test/origin/{ownership-rules,verify-gop}.test.ts',
    '<rootDir>/test/relay/gop-ledgers.test.ts',
    '<rootDir>/test/platform/durable-file.test.ts',
    '<rootDir>/test/durability/forced-to-disk.test.ts',
    '<rootDir>/test/forecast/widening.test.ts',
    '<rootDir>/test/fitness/*.test.ts',
    '<rootDir>/test/planner/*.test.ts',
    '<rootDir>/test/versions/{drift,e-values,take-over,verdict,waves}.test.ts',
    '<rootDir>/test/verify/{frame-clock,judge}.test.ts',
  ],
  maxWorkers: 1,
  testTimeout: 20_000,
};
