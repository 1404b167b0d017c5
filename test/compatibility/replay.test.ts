import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { savedHistories, type SavedHistory } from '../workflows/support/histories';
import { mutated, replaySaved } from '../workflows/support/replay-saved';
import { bundleWorkflows, quietRuntime } from '../workflows/support/temporal';

/**
 * Histories of whole swarms, as earlier releases recorded them with all parts running: a swarm that is upgraded has
 * such workflows on its server, and they must go on with today's code.
 */
const fixtures = join(__dirname, 'fixtures');
const releases = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Every kind of workflow that 1ed3c41, the oldest release with a fixture, had. */
const kindsOfTheOldest = [
  'channel',
  'controlCycle',
  'drainEncoder',
  'forecasting',
  'handoff',
  'recovery',
  'retraining',
  'rollout',
  'scaleIn',
  'scaleOut',
  'swarm',
  'synchronise',
  'upgradeEncoder',
  'versions',
];

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  quietRuntime();
  workflowBundle = await bundleWorkflows();
}, 120_000);

test('there is a release to be compatible with', () => expect(releases).not.toEqual([]));

describe.each(releases)('histories recorded by %s', (release) => {
  const read = (): Promise<SavedHistory[]> => savedHistories(join(fixtures, release, 'histories'));

  test('are of every kind of workflow', async () => {
    const kinds = new Set((await read()).map(({ workflowType }) => workflowType));
    expect([...kinds]).toEqual(expect.arrayContaining(kindsOfTheOldest));
  });

  test('replay', async () => {
    for (const saved of await read()) {
      const fault = await replaySaved(workflowBundle, saved).then(
        () => null,
        (error: Error) => error.message,
      );
      expect({ name: saved.name, fault }).toEqual({ name: saved.name, fault: null });
    }
  });

  test('fail once they are mutated, so that a replay proves something', async () => {
    for (const saved of await read()) {
      await expect(replaySaved(workflowBundle, mutated(saved))).rejects.toMatchObject({
        name: 'DeterminismViolationError',
      });
    }
  });
});
