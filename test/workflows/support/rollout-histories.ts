import {
  rolloutControl,
  rolloutPolicySchema,
  rolloutWorkflowId,
  swarmControl,
  swarmWorkflowId,
  type RolloutState,
} from '../../../src/domain';
import { eventually } from '../../support/until';
import { FakeActivities } from './fake-activities';
import { saveHistory } from './histories';
import { planFor, startOwnersServer, verdictOf } from './rollout-fixtures';
import { Workbench, policy } from './workbench';

/** Runs a rollout that is completed and one that goes back, on a real server, and saves what they did. */
export const recordRolloutHistories = async (): Promise<void> => {
  const swarm = new FakeActivities();
  const { server, url } = await startOwnersServer(swarm);
  const bench = await Workbench.open();
  swarm.rules = () => bench.rules();
  const spec = bench.spec();
  const planRollout = planFor(['enc-1', 'enc-2', 'enc-3'], () => [spec.id]);
  const use = (overrides = {}): void =>
    bench.use(swarm.activities({ ...bench.requests(url), planRollout, ...overrides }));
  const workflowId = rolloutWorkflowId(bench.cell);
  const begin = async (requestId: string) =>
    bench.client.workflow.start('rollout', {
      workflowId,
      taskQueue: bench.taskQueue,
      args: [
        {
          cell: bench.cell,
          request: {
            buildId: 'newer',
            requestId,
            requestedBy: 'recorder',
            policy: rolloutPolicySchema.parse({ soakSeconds: 1, askAfterSeconds: 1 }),
          },
        },
      ],
    });
  try {
    use();
    await bench.client.workflow.start('swarm', {
      workflowId: swarmWorkflowId(bench.cell),
      taskQueue: bench.taskQueue,
      args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
    });
    await bench.swarm().executeUpdate(swarmControl.addChannel, { args: [spec] });
    await eventually(async () => (await bench.channel(spec).state()).status === 'on-air');

    // It holds and asks, is told to go on, is paused and resumed, and ends well.
    const compareIn = (outcome: 'undecided' | 'good' | 'worse') => ({
      compareBuilds: async () => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return verdictOf(outcome);
      },
    });
    use(compareIn('undecided'));
    const first = await begin('recorded-1');
    const command = { requestedBy: 'recorder' };
    const state = (): Promise<RolloutState> => first.query<RolloutState>(rolloutControl.state);
    await eventually(async () => (await state()).phase === 'holding');
    use(compareIn('good'));
    await first.executeUpdate(rolloutControl.pause, { args: [command] });
    await first.executeUpdate(rolloutControl.decide, { args: [{ ...command, decision: 'continue' }] });
    await first.executeUpdate(rolloutControl.resume, { args: [command] });
    await first.result();
    await saveHistory(bench.client, 'rollout-completed', workflowId);
    const { runId } = (await first.describe()) as { runId: string };
    await saveHistory(bench.client, 'upgrade', `upgrade/${bench.cell}/enc-1/${runId.slice(-8)}-up`);

    use({ ...compareIn('good') });
    const second = await begin('recorded-2');
    await eventually(async () => swarm.calls.filter((call) => call === 'build newer on enc-2').length === 2);
    await second.executeUpdate(rolloutControl.abort, { args: [command] });
    await second.result();
    await saveHistory(bench.client, 'rollout-rolled-back', workflowId);
  } finally {
    await bench.close();
    server.close();
    server.closeAllConnections();
  }
};
