// @ts-check
/** What the product's promises rest on. */
const mutate = [
  // Ownership, and what is let in as a GOP.
  'src/media/origin/ownership.ts',
  'src/media/origin/verify-gop.ts',
  // The verdicts: of a stream, and of a build.
  'src/verify/judge.ts',
  'src/versions/e-values.ts',
  // What must outlast a power cut.
  'src/platform/durable-file.ts',
  'src/media/origin/ledger.ts',
  'src/media/origin/segment-store.ts',
  'src/media/relay/gop-journal.ts',
  // The relay's ring, the encoder's hold, the stamp.
  'src/media/relay/gop-ledgers.ts',
  'src/media/relay/unit-ring.ts',
  'src/media/encoder/held-gops.ts',
  'src/media/stamp/{layout,payload,stamp}.ts',
  // The sagas.
  'workflows/kit/compensations.ts',
  'workflows/moves/{handoff,recovery,take-over}.ts',
  // Who is lost, how fit the others are, and where channels go.
  'src/collector/sentinel.ts',
  'src/fitness/{fitness,swarm-shares,terms}.ts',
  'src/planner/*.ts',
  // How wide forecasts are.
  'src/forecast/{calibration,width-tracker}.ts',
];

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
