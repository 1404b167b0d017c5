import { readdir, readFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../../src/domain';
import {
  decodeHistory,
  encodeHistory,
  HISTORY_SUFFIX,
  type History,
} from '../../../tools/record-state-fixture/saved-history';
import { eventually } from '../../support/until';
import { originChannel } from '../../support/wire';
import { FakeActivities, failing } from './fake-activities';
import { Workbench, moveRequest, policy, recoverRequest } from './workbench';

const folder = join(__dirname, '..', 'histories');

export interface SavedHistory {
  name: string;
  workflowId: string;
  workflowType: string;
  history: History;
}

/** The histories that a folder holds, by the names of their files. */
export const savedHistories = async (from: string = folder): Promise<SavedHistory[]> => {
  const files = (await readdir(from)).filter((file) => file.endsWith(HISTORY_SUFFIX)).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(HISTORY_SUFFIX, ''),
      ...(await decodeHistory(await readFile(join(from, file)))),
    })),
  );
};

/** Saves what a workflow did, under a name. */
export const saveHistory = async (client: Client, name: string, workflowId: string): Promise<void> => {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(join(folder, `${name}${HISTORY_SUFFIX}`), await encodeHistory(history));
};

/** Runs each type of workflow once, on a real server, and saves what it did. */
export const recordHistories = async (): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const swarm = new FakeActivities();
  const origin = createServer((_req, res) => {
    const channels = [...swarm.owners].map(([id, { token, owner }]) =>
      originChannel({ id, token, owner, nextGop: swarm.nextGop, lastPublishedAtMs: 0 }),
    );
    res.setHeader('content-type', 'application/json').end(JSON.stringify(channels));
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const bench = await Workbench.open();
  swarm.rules = () => bench.rules();
  const requests = bench.requests(`http://127.0.0.1:${(origin.address() as AddressInfo).port}`);
  const use = (overrides = {}): void => bench.use(swarm.activities({ ...requests, ...overrides }));
  const save = (name: string, workflowId: string): Promise<void> =>
    saveHistory(bench.client, name, workflowId);
  const swarmId = swarmWorkflowId(bench.cell);
  const handle = bench.client.workflow.getHandle(swarmId);
  const ask = <T>(name: string, argument: T): Promise<void> =>
    handle.executeUpdate<void, [T]>(name, { args: [argument] });
  const nextCycle = async (): Promise<void> => {
    const { cycle } = await handle.query<SwarmWorkflowState>(swarmControl.state);
    await handle.signal(swarmControl.wake);
    await eventually(async () => {
      const { lastCycle } = await handle.query<SwarmWorkflowState>(swarmControl.state);
      return lastCycle?.workflowId.endsWith(`/${cycle + 1}`);
    });
  };

  try {
    use();
    await bench.client.workflow.start('swarm', {
      workflowId: swarmId,
      taskQueue: bench.taskQueue,
      args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
    });
    const spec = bench.spec();
    await ask(swarmControl.addChannel, spec);
    const channel = bench.channel(spec);
    await eventually(async () => (await channel.state()).status === 'on-air');
    await save('recovery-start', `recovery/${spec.id}/1`);

    await save('handoff-completed', (await channel.move(moveRequest({ toEncoderId: 'enc-2' }))).workflowId);
    use({ commitTarget: failing('encoder-unreachable') });
    await save('handoff-recovered', (await channel.move(moveRequest({ toEncoderId: 'enc-3' }))).workflowId);
    use({ prepareTarget: failing('encoder-full') });
    await channel.move(moveRequest()).catch(() => undefined);
    await save('handoff-compensated', (await channel.state()).lastMove?.workflowId as string);
    use();
    const lostEncoderId = swarm.ownerOf(spec.id).owner?.encoderId ?? null;
    await save('recovery-lost', (await channel.recover(recoverRequest({ lostEncoderId }))).workflowId);

    const encoderId = swarm.ownerOf(spec.id).owner?.encoderId as string;
    await ask(swarmControl.drain, { encoderId, requestedBy: 'recorder' });
    const query = `SwarmCell = "${bench.cell}" AND WorkflowType = "drainEncoder"`;
    const drain = await eventually(async () => {
      for await (const run of bench.client.workflow.list({ query })) return run.workflowId;
      return undefined;
    });
    await save('drain', drain);
    await ask(swarmControl.uncordon, { encoderId, requestedBy: 'recorder' });

    const explanation = { summary: 'too much to come', figures: {}, rejected: [] };
    const fromEncoderId = swarm.ownerOf(spec.id).owner?.encoderId as string;
    const move = { channelId: spec.id, fromEncoderId, toEncoderId: encoderId, rungs: 2, explanation };
    const scale = { kind: 'provision' as const, count: 1, reason: 'demand', figures: {} };
    swarm.plan = { ...swarm.plan, moves: [{ ...move, reason: 'predicted-overload' }], scale };
    await nextCycle();
    await save('cycle', `cycle/${bench.cell}/1`);
    await bench.client.workflow.getHandle(`scale-out/${bench.cell}/1`).result();
    await save('scale-out', `scale-out/${bench.cell}/1`);
    await eventually(async () => (await channel.state()).rungs === 2);

    const letGo = { kind: 'deprovision' as const, encoderId: 'enc-4', reason: 'low demand', figures: {} };
    swarm.plan = { ...swarm.plan, moves: [], scale: letGo };
    await nextCycle();
    await bench.client.workflow.getHandle(`scale-in/${bench.cell}`).result();
    await save('scale-in', `scale-in/${bench.cell}`);

    const forecast = { workflowId: 'forecasting/recorded', taskQueue: bench.taskQueue, args: [] };
    await bench.client.workflow.execute('forecasting', forecast);
    await save('forecasting', forecast.workflowId);
    const retraining = { ...forecast, workflowId: 'retraining/recorded' };
    await bench.client.workflow.execute('retraining', retraining);
    await save('retraining', retraining.workflowId);

    await handle.signal(swarmControl.encoderLost, { encoderId, evidence: 'killed', atMs: Date.now() });
    await eventually(async () => (await channel.state()).ownerEncoderId !== encoderId);
    await ask(swarmControl.removeChannel, spec.id);
    await channel.handle.result();
    await save('channel', `channel/${spec.id}`);
    await save('swarm', swarmId);
  } finally {
    await bench.close();
    origin.close();
    origin.closeAllConnections();
  }
};
