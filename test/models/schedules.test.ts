import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { environmentSchema, retrainSecondsOf } from '../../src/config/config';
import { forecastScheduleId, retrainScheduleId } from '../../src/domain';
import { ensureSwarm } from '../../src/temporal/client';
import { startTemporal } from '../workflows/support/temporal';
import { typescriptHook } from './support/training-program';

let temporal: TestWorkflowEnvironment;
beforeAll(async () => {
  temporal = await startTemporal();
}, 60_000);
afterAll(() => temporal.teardown());

const MINUTE_MS = 60_000;

test('forecasting and retraining are on Schedules that never overlap and hardly catch up; a new interval is taken over', async () => {
  const cell = 'scheduled';
  const begin = (more = {}) =>
    ensureSwarm(temporal.client, environmentSchema.parse({ SWARM_CELL: cell, ...more }));
  const describe = (id: string) => temporal.client.schedule.getHandle(id).describe();
  await begin();
  const [forecasting, retraining] = [
    await describe(forecastScheduleId(cell)),
    await describe(retrainScheduleId(cell)),
  ];
  expect(forecasting.policies).toMatchObject({
    overlap: ScheduleOverlapPolicy.SKIP,
    catchupWindow: MINUTE_MS,
  });
  expect(retraining.policies).toMatchObject({
    overlap: ScheduleOverlapPolicy.SKIP,
    catchupWindow: 60 * MINUTE_MS,
  });
  expect(retraining.spec.intervals).toMatchObject([{ every: 10 * MINUTE_MS }]);
  expect(retraining.action).toMatchObject({ workflowType: 'retraining', taskQueue: `encoder-swarm-${cell}` });
  await begin({ SWARM_RETRAIN_SECONDS: '3600' });
  expect((await describe(retrainScheduleId(cell))).spec.intervals).toMatchObject([{ every: 60 * MINUTE_MS }]);
});

test.each([
  [{}, 600],
  [{ SWARM_STEP_SECONDS: '3600' }, 86_400],
  [{ SWARM_RETRAIN_SECONDS: '120' }, 120],
])('with %j the net is retrained each %i s', (variables, seconds) => {
  expect(retrainSecondsOf(environmentSchema.parse(variables))).toBe(seconds);
});

test('neither worker, API nor command line loads TensorFlow.js when it starts', async () => {
  const root = join(__dirname, '..', '..');
  const script = `
    for (const part of ['worker/worker', 'api/server', 'cli/program']) require('${root}/src/' + part);
    console.log(JSON.stringify(Object.keys(require.cache).filter((path) => path.includes('tensorflow'))));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', typescriptHook, '-e', script]);
  expect(JSON.parse(stdout)).toEqual([]);
});
