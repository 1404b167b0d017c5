// Builds the project and runs a part of its tests on other releases of Node than the one that runs this: those that are
// maintained. npm's package `node` brings them. Usage: node scripts/node-versions.mjs [22 24] [-- arguments of jest]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Exact, as every version here. */
export const SUPPORTED = { 22: '22.23.3', 24: '24.21.0' };

/** At least one test of each thing that a release of Node may change: HTTP, child processes, gRPC, streams, native code. */
const REPRESENTATIVE = [
  'test/platform/connections.test.ts',
  'test/platform/cross-site.test.ts',
  'test/platform/part-process.test.ts',
  'test/origin/crowd.test.ts',
  'test/origin/players.test.ts',
  'test/relay/feed-places.test.ts',
  'test/source/hidden-addresses.test.ts',
  'test/encoder/publishing.test.ts',
  'test/models',
  'test/workflows/replay.test.ts',
  'test/setup/temporal.test.ts',
  'test/launch/supervision.test.ts',
];

const root = fileURLToPath(new URL('..', import.meta.url));

const main = (args) => {
  const cut = args.indexOf('--');
  const [given, tests] = cut < 0 ? [args, []] : [args.slice(0, cut), args.slice(cut + 1)];
  const failed = [];
  for (const release of given.length > 0 ? given : Object.keys(SUPPORTED)) {
    const version = SUPPORTED[release];
    if (version === undefined)
      throw new Error(`Node ${release} is none of ${Object.keys(SUPPORTED).join(', ')}.`);
    const run = (...command) => {
      const all = [
        'exec',
        '--yes',
        '--ignore-scripts=false',
        '--package',
        `node@${version}`,
        '--',
        'node',
        ...command,
      ];
      return spawnSync('npm', all, { cwd: root, stdio: 'inherit' }).status === 0;
    };
    const steps = [
      ['-p', `if (process.version !== 'v${version}') throw new Error(process.version); process.version`],
      ['scripts/build.mjs'],
      ['node_modules/jest/bin/jest.js', ...(tests.length > 0 ? tests : REPRESENTATIVE)],
    ];
    const isWell = steps.every((step) => run(...step));
    console.log(`Node ${version}: ${isWell ? 'all is well' : 'FAILED'}`);
    if (!isWell) failed.push(version);
  }
  return failed.length;
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2)) > 0 ? 1 : 0;
