import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { drainEncoder } from '../fleet/drain';
import { attributes, upsertAttributes } from '../kit/attributes';
import { causeOf, refusal, type Cause } from '../kit/failures';
import { WORKFLOW_TASK_TIMEOUT, retryFor3min, retryFor6h } from '../kit/steps';
import { Story } from '../kit/story';
import type { UpgradeInput, UpgradeResult } from '../kit/types';

/** A drain fails where a target was lost meanwhile, or has no room yet; then it is asked for again. */
const DRAIN_ATTEMPTS = 3;
const BETWEEN_ATTEMPTS = '2 seconds';
const BETWEEN_RESTORE_ATTEMPTS = '5 seconds';

/**
 * Brings one encoder to another build: cordon, drain by handoffs, start it with the build, verify, take work again.
 * Each step may be repeated. Where one fails, the encoder stays cordoned and the caller decides: the rollout
 * that asked for it brings the old build back. With `persistent` it goes on until it is done.
 */
export const upgradeEncoder = async (input: UpgradeInput): Promise<UpgradeResult> => {
  const { encoderId, build } = input;
  const story = new Story(`${encoderId} to ${build.buildId}, for ${input.requestedBy}`, Date.now());
  for (let attempt = 1; ; attempt += 1) {
    try {
      await bringTo(input, story, attempt);
      upsertAttributes({ outcome: 'completed' });
      return { encoderId, gone: false };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const cause = causeOf(error);
      if (cause.code === 'unknown-encoder') return leave(input, story, cause);
      if (!input.persistent) {
        upsertAttributes({ outcome: 'refused' });
        throw error;
      }
      story.say(`**unresolved**, attempt ${attempt}: ${cause.message}`);
      upsertAttributes({ outcome: 'unresolved' });
      await sleep(BETWEEN_RESTORE_ATTEMPTS, { summary: `before ${encoderId} is tried again` });
    }
  }
};

const bringTo = async (input: UpgradeInput, story: Story, attempt: number): Promise<void> => {
  const { encoderId, build, requestedBy, onlyChannels, spareUnits } = input;
  const { digest } = build;
  await story.step('cordon', () =>
    retryFor3min.requestCordon.executeWithOptions({ summary: `${encoderId} takes no new work` }, [
      { encoderId, requestedBy },
    ]),
  );
  await story.step('drain', () => drain(input, attempt));
  await story.step('setBuild', () =>
    retryFor3min.setEncoderBuild.executeWithOptions({ summary: `start ${encoderId} with ${build.buildId}` }, [
      { encoderId, build, requestId: input.requestId },
    ]),
  );
  await story.step('awaitBuild', () =>
    retryFor3min.awaitBuild.executeWithOptions({ summary: `until ${encoderId} says that it runs it` }, [
      { encoderId, digest },
    ]),
  );
  await story.step('selfTest', () =>
    retryFor3min.selfTest.executeWithOptions({ summary: `${encoderId} encodes a clip correctly` }, [
      { encoderId, digest, ...(spareUnits !== undefined && { maxUnits: spareUnits }) },
    ]),
  );
  if (onlyChannels !== undefined) {
    await story.step('reserve', () =>
      retryFor6h.requestCordon.executeWithOptions(
        { summary: `${encoderId} takes ${onlyChannels.join(', ') || 'nothing'} only` },
        [{ encoderId, requestedBy, exceptChannels: onlyChannels }],
      ),
    );
  } else {
    await story.step('uncordon', () =>
      retryFor6h.requestUncordon.executeWithOptions({ summary: `${encoderId} takes work again` }, [
        { encoderId, requestedBy },
      ]),
    );
  }
};

/** Fails unless every channel has left. */
const drain = async ({ cell, encoderId, requestedBy, movesAtOnce }: UpgradeInput, attempt: number) => {
  const { workflowId, runId } = workflowInfo();
  for (let round = 1; ; round += 1) {
    const { left } = await executeChild(drainEncoder, {
      workflowId: `drain/${workflowId}/${runId.slice(-8)}-${attempt}-${round}`,
      args: [{ cell, encoderId, requestedBy, sideBySide: movesAtOnce }],
      staticSummary: `drain ${encoderId} for ${requestedBy}`,
      typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'drain' }),
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    });
    if (left.length === 0) return;
    if (round === DRAIN_ATTEMPTS) {
      throw refusal(
        'no-target',
        `${encoderId} keeps ${left.map((c) => `${c.channelId} (${c.why})`).join('; ')}.`,
        'Add an encoder, or uncordon another one.',
      );
    }
    await sleep(BETWEEN_ATTEMPTS, { summary: `before ${encoderId} is drained again` });
  }
};

/** Nothing is left to upgrade or to restore; nor should a cordon stay for an encoder that is no more. */
const leave = async ({ encoderId, requestedBy }: UpgradeInput, story: Story, cause: Cause) => {
  story.say(`${encoderId} has left the fleet: ${cause.message}`);
  await retryFor6h.requestUncordon({ encoderId, requestedBy }).catch(() => undefined);
  upsertAttributes({ outcome: 'refused' });
  setCurrentDetails(`### ${encoderId} has left the fleet`);
  return { encoderId, gone: true };
};
