import { setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { DrainedChannel } from '../../activities';
import { upsertAttributes } from '../kit/attributes';
import { retryFor3min, threeTries60s } from '../kit/steps';
import type { DrainInput, DrainResult } from '../kit/types';

/** The default: each move costs its encoders a second session while it lasts. */
const SIDE_BY_SIDE = 2;
const ROUNDS = 20;
const BETWEEN_ROUNDS = '1 second';

/** Moves every channel away from an encoder that is cordoned already; tells which ones it could not move. */
export const drainEncoder = async ({
  encoderId,
  requestedBy,
  sideBySide = SIDE_BY_SIDE,
}: DrainInput): Promise<DrainResult> => {
  const { workflowId } = workflowInfo();
  const moved: string[] = [];
  let left: DrainedChannel[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const channelIds = await retryFor3min.channelsOn.executeWithOptions(
      { summary: `what is left on ${encoderId}` },
      [{ encoderId }],
    );
    left = left.filter(({ channelId }) => channelIds.includes(channelId));
    const refusedForGood = new Set(left.filter((c) => !c.retry).map((c) => c.channelId));
    const toMove = channelIds.filter((id) => !refusedForGood.has(id));
    if (toMove.length === 0) break;

    const moveOne = (channelId: string): Promise<DrainedChannel> =>
      threeTries60s.moveAndWait.executeWithOptions({ summary: `move ${channelId} away from ${encoderId}` }, [
        {
          channelId,
          request: {
            requestId: `${workflowId}/${channelId}/${round}`,
            reason: 'drain',
            requestedBy,
            requestedAtMs: Date.now(),
          },
        },
      ]);
    const queue = [...toMove];
    const lane = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const done = await moveOne(id);
        left = left.filter((c) => c.channelId !== id);
        if (done.moved) moved.push(id);
        else left.push(done);
        setCurrentDetails(inWords(encoderId, moved, left));
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, lane));
    if (left.length > 0) await sleep(BETWEEN_ROUNDS, { summary: 'before asking again' });
  }
  upsertAttributes({ outcome: left.length === 0 ? 'completed' : 'unresolved' });
  return {
    encoderId,
    moved,
    left: left.map(({ channelId, why }) => ({ channelId, why: why ?? 'it did not move' })),
  };
};

const inWords = (encoderId: string, moved: string[], left: DrainedChannel[]): string =>
  [
    `### Drain of ${encoderId}`,
    ...moved.map((id) => `- ${id} moved`),
    ...left.map(({ channelId, why }) => `- ${channelId} stays for now: ${why}`),
  ].join('\n');
