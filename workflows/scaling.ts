import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { upsertAttributes } from './attributes';
import { Compensations } from './compensations';
import { causeOf } from './failures';
import { long, persistent } from './steps';
import { Story } from './story';
import type { ScaleInInput, ScaleOutInput } from './types';

/** A drain waits for its channels, each of which waits for its move. */
const DRAIN_TIMEOUT = '10 minutes';

/** Adds encoders, and ends when they answer: from then on the control cycle plans with them. */
export const scaleOut = async ({ count, reason }: ScaleOutInput): Promise<{ encoderIds: string[] }> => {
  const { workflowId, runId } = workflowInfo();
  setCurrentDetails(`### ${count} more encoder(s)\n- ${reason}`);
  const start = async (index: number): Promise<string> => {
    const requestId = `${workflowId}/${runId}/${index}`;
    const { encoderId } = await long.provisionEncoder.executeWithOptions(
      { summary: 'start an encoder host' },
      [{ requestId }],
    );
    await long.awaitEncoderHealthy.executeWithOptions(
      { summary: `until ${encoderId} answers`, startToCloseTimeout: '90 seconds' },
      [{ encoderId }],
    );
    return encoderId;
  };
  try {
    const encoderIds = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
    upsertAttributes({ outcome: 'completed' });
    setCurrentDetails(`### Added ${encoderIds.join(', ')}\n- ${reason}`);
    return { encoderIds };
  } catch (error) {
    upsertAttributes({ outcome: causeOf(error).code === 'at-capacity-limit' ? 'refused' : 'unresolved' });
    throw error;
  }
};

/** Lets an encoder go: cordon, drain, deprovision. One that can't be drained stays, and takes work again. */
export const scaleIn = async ({
  encoderId,
  reason,
}: ScaleInInput): Promise<{ encoderId: string; gone: boolean }> => {
  const { workflowId, runId } = workflowInfo();
  const story = new Story(`Let ${encoderId} go: ${reason}`, Date.now());
  const compensations = new Compensations(story);
  const request = { encoderId, requestedBy: `${workflowId}/${runId}` };
  const uncordon = async (): Promise<void> => {
    await story.step('uncordon', () => persistent.requestUncordon(request));
  };
  compensations.register('uncordon', uncordon);
  try {
    await story.step('drain', () =>
      long.requestDrain.executeWithOptions(
        { summary: `move all work away from ${encoderId}`, startToCloseTimeout: DRAIN_TIMEOUT },
        [request],
      ),
    );
    await story.step('deprovision', () =>
      persistent.deprovisionEncoder.executeWithOptions({ summary: `end ${encoderId}` }, [{ encoderId }]),
    );
    await uncordon();
    upsertAttributes({ outcome: 'completed' });
    return { encoderId, gone: true };
  } catch (error) {
    story.say(`${encoderId} stays: ${causeOf(error).message}`);
    await compensations.unwind();
    upsertAttributes({ outcome: compensations.unresolved ? 'unresolved' : 'compensated' });
    return { encoderId, gone: false };
  }
};
