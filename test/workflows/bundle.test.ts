import { bundleWorkflows } from './support/temporal';

/** Each worker loads the bundle into every workflow's sandbox: what it holds costs memory and time for each of them. */
test('the bundle of the workflows holds no schemas', async () => {
  const { code } = await bundleWorkflows();
  expect(code).toContain('src/domain/rollout-control.ts');
  expect(code).not.toContain('node_modules/zod');
}, 60_000);
