import { executeChild, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { attributes, upsertAttributes } from '../kit/attributes';
import { causeOf } from '../kit/failures';
import { WORKFLOW_TASK_TIMEOUT, retryFor6h, threeTries60s } from '../kit/steps';
import { Story } from '../kit/story';
import type { SynchroniseInput, UpgradeInput } from '../kit/types';
import { upgradeEncoder } from './upgrade-encoder';

/** How long an encoder is left alone whose channels found no room elsewhere; others wait as well. */
const AFTER_NO_ROOM = '1 minute';

/**
 * Brings one encoder to the cell's target build: the upgrade of a rollout, for one encoder, without a verdict, since
 * the target was judged before. One that fails gets back what it ran, and no other encoder is synchronised until the
 * target is set again: a build that fails on one encoder must not go through the others.
 */
export const synchronise = async ({ cell, update }: SynchroniseInput): Promise<{ done: boolean }> => {
  const { encoderId, buildId, why } = update;
  const { workflowId, runId } = workflowInfo();
  const story = new Story(why, Date.now());
  const upgrade = (step: string, more: Pick<UpgradeInput, 'build' | 'persistent'>) =>
    story.step(step, () =>
      executeChild(upgradeEncoder, {
        workflowId: `upgrade/${cell}/${encoderId}/${runId.slice(-8)}-${step}`,
        args: [
          {
            ...{ cell, encoderId, requestedBy: workflowId, requestId: `${workflowId}/${runId}/${step}` },
            movesAtOnce: 1,
            ...more,
          },
        ],
        staticSummary: `${encoderId} to ${more.build.buildId}`,
        typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'synchronise' }),
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      }),
    );
  const { build, before } = await threeTries60s.planUpdate.executeWithOptions(
    { summary: `what ${encoderId} runs, and where ${buildId} is` },
    [{ encoderId, buildId }],
  );
  try {
    await upgrade('synchronise', { build, persistent: false });
    upsertAttributes({ outcome: 'completed' });
    return { done: true };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = causeOf(error);
    story.say(`${encoderId} could not be synchronised: ${cause.message}`);
    if (cause.code === 'no-target') {
      await retryFor6h.requestUncordon({ encoderId, requestedBy: workflowId });
      upsertAttributes({ outcome: 'refused' });
      await sleep(AFTER_NO_ROOM, { summary: 'until there may be room' });
      return { done: false };
    }
    await retryFor6h.haltSynchronisation({ encoderId, buildId, why: cause.message, atMs: Date.now() });
    if (before) await upgrade('restore', { build: before, persistent: true });
    else story.say(`${encoderId} stays cordoned: the catalogue does not have what it ran before`);
    upsertAttributes({ outcome: before ? 'compensated' : 'unresolved' });
    return { done: false };
  }
};
