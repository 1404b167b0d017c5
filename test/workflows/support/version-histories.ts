import {
  synchroniseWorkflowId,
  swarmControl,
  swarmWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type EncoderUpdate,
} from '../../../src/domain';
import { eventually } from '../../support/until';
import { FakeActivities, failing } from './fake-activities';
import { saveHistory } from './histories';
import { startOwnersServer } from './rollout-fixtures';
import { Workbench, policy } from './workbench';

/** Runs a version manager and three synchronisations, each with another end, on a real server, and saves them. */
export const recordVersionHistories = async (): Promise<void> => {
  const swarm = new FakeActivities();
  const { server, url } = await startOwnersServer(swarm);
  const bench = await Workbench.open();
  swarm.rules = () => bench.rules();
  const { client, cell, taskQueue } = bench;
  const use = (overrides = {}): void => bench.use(swarm.activities({ ...bench.requests(url), ...overrides }));
  try {
    use();
    await client.workflow.start('swarm', {
      workflowId: swarmWorkflowId(cell),
      taskQueue,
      args: [{ cell, cycleSeconds: 3_600, policy }],
    });
    const spec = bench.spec();
    await bench.swarm().executeUpdate(swarmControl.addChannel, { args: [spec] });
    await eventually(async () => (await bench.channel(spec).state()).status === 'on-air');

    const workflowId = versionsWorkflowId(cell);
    const manager = await client.workflow.start('versions', { workflowId, taskQueue, args: [{ cell }] });
    const ask = (name: string, argument: unknown): Promise<unknown> =>
      manager.executeUpdate(name, { args: [argument] });
    const requestedBy = 'recorder';
    for (const id of ['older', 'newer']) {
      await ask(versionsControl.add, { id, source: { kind: 'path', path: `/opt/${id}/ffmpeg` } });
      await ask(versionsControl.probe, id);
    }
    await ask(versionsControl.setTarget, { buildId: 'older', requestedBy });
    await ask(versionsControl.pin, { channelId: spec.id, buildId: 'older' });
    await ask(versionsControl.unpin, spec.id);
    const fault = { encoderId: 'enc-1', buildId: 'older', why: 'recorded', atMs: Date.now() };
    await ask(versionsControl.halt, fault);
    use({ probeCase: failing('encoder-incompatible') });
    await ask(versionsControl.probe, 'newer').catch(() => undefined);
    use();
    await ask(versionsControl.remove, 'newer');
    await ask(versionsControl.setTarget, { buildId: null, requestedBy });
    await saveHistory(client, 'versions', workflowId);

    const synchronise = async (name: string): Promise<void> => {
      const encoderId = swarm.ownerOf(spec.id).owner?.encoderId as string;
      const why = `${encoderId} runs before, not older`;
      const update: EncoderUpdate = {
        ...{ encoderId, buildId: 'older', runs: 'before', isIdle: false, fitness: 0.5, why },
      };
      const run = { workflowId: synchroniseWorkflowId(cell), taskQueue, args: [{ cell, update }] };
      await client.workflow.execute('synchronise', run);
      await saveHistory(client, name, run.workflowId);
    };
    await synchronise('synchronise-completed');
    let tests = 0;
    use({
      // The new build fails, the one before works again.
      selfTest: async () => {
        tests += 1;
        if (tests === 1) return failing('encoder-incompatible')();
        return { atMs: Date.now() };
      },
    });
    await synchronise('synchronise-restored');
  } finally {
    await bench.close();
    server.close();
    server.closeAllConnections();
  }
};
