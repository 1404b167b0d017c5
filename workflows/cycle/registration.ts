import { CancellationScope, uuid4 } from '@temporalio/workflow';
import type { AddChannelOptions, ChannelChange, ChannelSpec } from '../../src/domain';
import { causeOf } from '../kit/failures';
import { local8s, retryFor6h, threeTries60s } from '../kit/steps';

/**
 * Adds a channel to relay, origin and source: a saga of one step. An input that is refused leaves nothing behind, and
 * takes nothing away that was there before.
 */
export const registerChannel = async (
  spec: ChannelSpec,
  options?: AddChannelOptions,
): Promise<ChannelSpec> => {
  const { id } = spec;
  const knownBy = await local8s.partsKnowing({ channelId: id });
  try {
    return await threeTries60s.registerChannel.executeWithOptions(
      { summary: `relay, origin and source of ${id}` },
      options ? [spec, options] : [spec],
    );
  } catch (error) {
    // A specification that was refused by its schema was never sent to any part.
    if (causeOf(error).code !== 'bad-request') {
      await CancellationScope.nonCancellable(() =>
        retryFor6h.unregisterChannel.executeWithOptions({ summary: `undo the start of ${id}` }, [
          { channelId: id, keepAt: knownBy },
        ]),
      );
    }
    throw error;
  }
};

/** Has a channel change itself. @returns what it is now */
export const requestChange = (channelId: string, change: ChannelChange): Promise<ChannelSpec> => {
  const requestId = `change-${channelId}-${uuid4()}`;
  return threeTries60s.requestChange.executeWithOptions({ summary: `change ${channelId}` }, [
    { channelId, request: { requestId, change, requestedAtMs: Date.now() } },
  ]);
};
