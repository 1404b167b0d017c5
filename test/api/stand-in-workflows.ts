import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { ChannelWorkflowState, MoveRequest, MoveResult } from '../../src/domain';
import { channelControl, swarmControl } from '../../src/domain/control';

/** Workflows with the names and Updates of the real ones, that do as little as the API can tell them apart by. */

interface StandInActivities {
  prepareTarget(): Promise<string>;
  chooseTarget(): Promise<string>;
  breakDown(): Promise<void>;
}
const remote = proxyActivities<StandInActivities>({
  startToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 2, initialInterval: '10 milliseconds' },
});
const local = proxyLocalActivities<StandInActivities>({ startToCloseTimeout: '5 seconds' });

export const handoff = async (input: {
  result: MoveResult;
  hang?: boolean;
  fail?: boolean;
}): Promise<MoveResult> => {
  await local.chooseTarget();
  await remote.prepareTarget.executeWithOptions({ summary: 'enc-2 encodes along, and holds' }, []);
  if (input.fail) await remote.breakDown();
  if (input.hang) await sleep('1 hour');
  return input.result;
};

/** Ends at once, with what it is given. */
export const recovery = async (input: { result: MoveResult }): Promise<MoveResult> => input.result;

export const channel = async (state: ChannelWorkflowState): Promise<void> => {
  let removed = false;
  setHandler(defineQuery<ChannelWorkflowState>(channelControl.state), () => state);
  setHandler(defineUpdate<void>(channelControl.remove), () => {
    removed = true;
  });
  setHandler(
    defineUpdate<string, [MoveRequest]>(channelControl.move),
    async ({ requestId }) => {
      if (requestId === 'late') {
        throw ApplicationFailure.create({
          ...{ type: 'session-failed', message: 'The session failed.', nonRetryable: true },
          details: [{ details: { outcome: 'compensated' } }],
        });
      }
      return requestId;
    },
    {
      validator: ({ toEncoderId }) => {
        if (toEncoderId !== 'enc-3') return;
        throw ApplicationFailure.create({
          ...{ type: 'encoder-cordoned', message: 'enc-3 is cordoned.', nonRetryable: true },
          details: [{ hint: 'Uncordon it.' }],
        });
      },
    },
  );
  await condition(() => removed);
};

export const swarm = async (): Promise<void> => {
  setHandler(defineQuery<object>(swarmControl.rules), () => ({ cordons: {}, channelsRevision: '1' }));
  setHandler(defineQuery<object>(swarmControl.progress), () => ({ cycle: 1, lastCycle: null }));
  setHandler(defineQuery<object>(swarmControl.channels), () => ({ revision: '1', total: 0, channels: [] }));
  setHandler(defineUpdate<void, [{ encoderId: string }]>(swarmControl.cordon), ({ encoderId }) => {
    throw ApplicationFailure.create({
      type: 'unknown-encoder',
      message: `There is no encoder ${encoderId}.`,
    });
  });
  await sleep('1 hour');
};
