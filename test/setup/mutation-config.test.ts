import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

/** Runs a script in a Node.js process of its own, as Stryker does: without Jest's transform. */
const run = (script: string, group = 'ownership'): unknown =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, MUTATION_GROUP: group },
    }),
  );

describe('npm run mutation', () => {
  it('names files and tests that exist', () => {
    const missing = run(`
      import { globSync } from 'glob';
      import { groups } from './tools/mutation/groups.mjs';
      const named = Object.values(groups).flatMap(({ mutate, tests }) => [...mutate, ...tests]);
      console.log(JSON.stringify(named.filter((pattern) => globSync(pattern).length === 0)));`);
    expect(missing).toEqual([]);
  });

  it('has a test environment that Node.js loads by itself', () => {
    const loaded = run(`
      import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/');
      const { default: config } = await import('./jest.mutation.config.js');
      const { testEnvironment } = await config();
      const name = testEnvironment === 'node' ? 'jest-environment-node' : testEnvironment;
      console.log(JSON.stringify(typeof require(require.resolve(name))));`);
    expect(loaded).toMatch(/object|function/);
  });
});
