import type { Client } from '@temporalio/client';
import { searchAttributeNames } from '../../../src/domain';
import type { NetworkModel, Part } from './network-model';
import type { TemporalModel } from './temporal-model';
import type { VirtualClock } from './virtual-clock';

/** Away for so long when it dies. What it has accepted is on its disk. */
const RESTART_MS = 1_000;
const CALL_DEADLINE_MS = 10_000;

/** The front end of Temporal's server, as a part that calls may not reach. */
export class TemporalServer implements Part {
  readonly name = 'temporal';
  isUp = true;
  crash(): void {
    this.isUp = false;
    setTimeout(() => (this.isUp = true), RESTART_MS);
  }
}

/** As much of Temporal's client as activities use, over a network that may fail. */
export const temporalClient = (options: {
  clock: VirtualClock;
  network: NetworkModel;
  temporal: () => TemporalModel;
  server: TemporalServer;
  isMove: (workflowId: string) => boolean;
}): Client => {
  const { clock, network, temporal, server } = options;
  const call = <T>(what: string, isRead: boolean, run: () => T | Promise<T>): Promise<T> =>
    network.call({
      to: server,
      what,
      isRead,
      run,
      deadline: async () => {
        await clock.after(CALL_DEADLINE_MS);
        throw new Error('4 DEADLINE_EXCEEDED');
      },
      unreachable: () => new Error('14 UNAVAILABLE'),
    });
  interface UpdateOptions {
    args?: unknown[];
    updateId?: string;
  }
  const getHandle = (workflowId: string) => ({
    startUpdate: (name: string, { args = [], updateId }: UpdateOptions = {}) =>
      call(`${name} of ${workflowId}`, false, () => {
        temporal().update(workflowId, name, args, updateId);
      }),
    executeUpdate: (name: string, { args = [], updateId }: UpdateOptions = {}) =>
      call(
        `${name} of ${workflowId}`,
        false,
        () => temporal().update(workflowId, name, args, updateId).result,
      ),
    query: (name: string, ...args: never[]) =>
      call(`${name} of ${workflowId}`, true, () => temporal().query(workflowId, name, ...args)),
    describe: () =>
      call(`describe ${workflowId}`, true, () => {
        const { status } = temporal().runOf(workflowId);
        return { status: { name: status.toUpperCase() } };
      }),
  });
  const list = async function* () {
    for (const run of temporal().runs.values()) {
      if (!options.isMove(run.workflowId)) continue;
      yield {
        status: { name: run.status === 'running' ? 'RUNNING' : 'COMPLETED' },
        closeTime: run.closedAtMs === null ? undefined : new Date(run.closedAtMs),
        typedSearchAttributes: {
          getAll: () => [
            { key: { name: searchAttributeNames.channel }, value: run.workflowId.split('/')[1] },
          ],
        },
      };
    }
  };
  return {
    withDeadline: <T>(_: number, run: () => Promise<T>) => run(),
    workflow: { getHandle, list },
  } as unknown as Client;
};
