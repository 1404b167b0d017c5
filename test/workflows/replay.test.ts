import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import * as workflows from '../../workflows';
import { recordHistories, savedHistories, type SavedHistory } from './support/histories';
import { mutated, replaySaved } from './support/replay-saved';
import { recordRolloutHistories } from './support/rollout-histories';
import { bundleWorkflows, quietRuntime } from './support/temporal';
import { recordVersionHistories } from './support/version-histories';

/**
 * Workflows on a server are replayed by whatever code the worker brings: these histories must go on replaying.
 * After a change that is meant to break them (no swarm runs such workflows any more), record them anew:
 * `RECORD_HISTORIES=all npx jest test/workflows/replay`, or `rollout` or `versions` for those alone.
 */
let workflowBundle: WorkflowBundleWithSourceMap;
let histories: SavedHistory[];
beforeAll(async () => {
  const which = process.env.RECORD_HISTORIES;
  if (which === 'all') await recordHistories();
  if (which === 'all' || which === 'rollout') await recordRolloutHistories();
  if (which === 'all' || which === 'versions') await recordVersionHistories();
  quietRuntime();
  [workflowBundle, histories] = await Promise.all([bundleWorkflows(), savedHistories()]);
}, 120_000);

const replay = (saved: SavedHistory): Promise<void> => replaySaved(workflowBundle, saved);

test('there is a history of every type of workflow', () => {
  const recorded = histories.map(({ workflowType }) => workflowType);
  expect([...new Set(recorded)].sort()).toEqual(Object.keys(workflows).sort());
});

test('each of them replays', async () => {
  for (const saved of histories) await replay(saved);
});

test('each of them fails once it is mutated, so that a replay proves something', async () => {
  for (const saved of await savedHistories()) {
    await expect(replay(mutated(saved))).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  }
});
