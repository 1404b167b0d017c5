import {
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { PendingEncoder, RequestEnded } from '../../src/domain';
import { swarmControl, swarmWorkflowId } from '../../src/domain/control';
import { upsertAttributes } from '../kit/attributes';
import { Compensations } from '../kit/compensations';
import { causeOf } from '../kit/failures';
import { provisioning, retryFor6h, threeTries60s } from '../kit/steps';
import { Story } from '../kit/story';
import type { ScaleInInput, ScaleOutInput, ScaleOutResult } from '../kit/types';

/** A drain waits for its channels, each of which waits for its move. */
const DRAIN_TIMEOUT = '10 minutes';

export const encodersRequestedSignal = defineSignal<[PendingEncoder[]]>(swarmControl.encodersRequested);
export const encoderRequestEndedSignal = defineSignal<[RequestEnded]>(swarmControl.encoderRequestEnded);

/** Reports to the swarm how a request ended. If that fails, the swarm forgets the request after a while. */
export const reportEnded = async (
  cell: string,
  request: PendingEncoder,
  ending: Pick<RequestEnded, 'arrived' | 'endedAtMs'>,
): Promise<void> => {
  try {
    await getExternalWorkflowHandle(swarmWorkflowId(cell)).signal(encoderRequestEndedSignal, {
      ...request,
      ...ending,
    });
  } catch (error) {
    log.warn('the end of a request could not be reported to the swarm', {
      ...request,
      cause: causeOf(error).message,
    });
  }
};

/**
 * Brings encoders side by side: one that is slow or fails holds up none of the others. The swarm learns of each
 * as soon as it answers, or has failed, and its next plan counts with that.
 */
export const scaleOut = async ({ cell, requests, reason }: ScaleOutInput): Promise<ScaleOutResult> => {
  const result: ScaleOutResult = { encoderIds: [], failed: [] };
  const show = (): void =>
    setCurrentDetails(
      [
        `### ${requests.length} more encoder(s): ${result.encoderIds.length} came, ${result.failed.length} failed`,
        `- ${reason}`,
        ...result.encoderIds.map((id) => `- ${id} answers`),
        ...result.failed.map(({ requestId, why }) => `- ${requestId}: ${why}`),
      ].join('\n'),
    );
  show();
  await Promise.all(
    requests.map(async (request) => {
      try {
        result.encoderIds.push(await bring(cell, request));
      } catch (error) {
        const { code, message } = causeOf(error);
        result.failed.push({ requestId: request.requestId, why: `${code}: ${message}` });
      }
      show();
    }),
  );
  const failed = result.failed.length;
  const outcome = failed === 0 ? 'completed' : failed === requests.length ? 'failed' : 'partial';
  upsertAttributes({ outcome });
  return result;
};

/** @returns the encoder, once it answers. @throws ActivityFailure; nothing of it is left then */
const bring = async (cell: string, request: PendingEncoder): Promise<string> => {
  const { requestId, zone } = request;
  let encoderId: string | undefined;
  try {
    ({ encoderId } = await provisioning.provisionEncoder.executeWithOptions(
      { summary: `start an encoder host${zone === undefined ? '' : ` in zone ${zone}`}` },
      [{ requestId, ...(zone !== undefined && { zone }) }],
    ));
    const { atMs } = await threeTries60s.awaitEncoderHealthy.executeWithOptions(
      { summary: `until ${encoderId} answers`, startToCloseTimeout: '90 seconds' },
      [{ encoderId }],
    );
    await reportEnded(cell, request, { arrived: true, endedAtMs: atMs });
    return encoderId;
  } catch (error) {
    await reportEnded(cell, request, { arrived: false, endedAtMs: Date.now() });
    // A host that never answered would only take up room in the fleet.
    if (encoderId !== undefined) await retryFor6h.deprovisionEncoder({ encoderId });
    throw error;
  }
};

/** Releases an encoder: cordon, drain, deprovision. One that can't be drained stays, and takes work again. */
export const scaleIn = async ({
  encoderId,
  reason,
}: ScaleInInput): Promise<{ encoderId: string; gone: boolean }> => {
  const { workflowId, runId } = workflowInfo();
  const story = new Story(`Release ${encoderId}: ${reason}`, Date.now());
  const compensations = new Compensations(story);
  const request = { encoderId, requestedBy: `${workflowId}/${runId}` };
  const uncordon = async (): Promise<void> => {
    await story.step('uncordon', () => retryFor6h.requestUncordon(request));
  };
  compensations.register('uncordon', uncordon);
  try {
    await story.step('drain', () =>
      threeTries60s.requestDrain.executeWithOptions(
        { summary: `move all work away from ${encoderId}`, startToCloseTimeout: DRAIN_TIMEOUT },
        [request],
      ),
    );
    await story.step('deprovision', () =>
      retryFor6h.deprovisionEncoder.executeWithOptions({ summary: `end ${encoderId}` }, [{ encoderId }]),
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
