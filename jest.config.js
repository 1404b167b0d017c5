/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  // Two cores: real encoders, servers and ffmpeg run beside each test.
  maxWorkers: 2,
  testTimeout: 60_000,
};
