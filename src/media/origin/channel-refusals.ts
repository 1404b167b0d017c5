import type { OriginSpec } from '../../contracts/origin';
import { SwarmError, rateInWords } from '../../domain';

/** @throws SwarmError conflict where a channel is on air with other values than are asked for */
export const requireSameSpec = (channelId: string, known: OriginSpec, asked: OriginSpec): void => {
  if (known.gopDurationTicks === asked.gopDurationTicks && known.framesPerSecond === asked.framesPerSecond)
    return;
  throw new SwarmError(
    'conflict',
    `Channel ${channelId} is on air with GOPs of ${known.gopDurationTicks} ticks at ${rateInWords(known.framesPerSecond)}.`,
    'Remove the channel before you add it with other values.',
  );
};

export const unknownChannel = (channelId: string): SwarmError =>
  new SwarmError('unknown-channel', `The origin has no channel ${channelId}.`, 'Add the channel first.');
