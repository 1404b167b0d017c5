const { homedir } = require('node:os');
const { delimiter, join } = require('node:path');

// Tests look for temporal and influxd on PATH; set-up may have put them into the tools cache.
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
process.env.PATH += `${delimiter}${join(cache, 'encoder-swarm', 'bin')}`;

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.ts',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  // Two cores: real encoders, servers and ffmpeg run beside each test.
  maxWorkers: 2,
  // Modules of a finished test file stay in memory: without this the last files run at the heap's limit, or out of it.
  workerIdleMemoryLimit: '1GB',
  // Each look at a global of a test's own context asks Node, which makes what computes twice as slow: these are handed
  // to each module instead. Only names that nobody replaces, and that no package declares at the top of a module.
  sandboxInjectedGlobals: [
    ...['Array', 'Error', 'JSON', 'Map', 'Math', 'Number', 'Object', 'Promise', 'String', 'Symbol'],
  ],
  testTimeout: 60_000,
};
