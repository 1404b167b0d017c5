import type { LowLatency, OriginChannel } from '../../contracts/origin';
import type { ErrorCode } from '../../domain';
import type { ChannelMedia } from './channel-media';
import type { ChannelRecord } from './records';

/** A channel as the origin answers it. */
export const describeChannel = (channel: {
  id: string;
  record: ChannelRecord;
  media: Pick<ChannelMedia, 'ledger' | 'oldestGop'>;
  refusals: ReadonlyMap<ErrorCode, number>;
  lowLatency: LowLatency | undefined;
}): OriginChannel => {
  const { id, record, media, refusals, lowLatency } = channel;
  const { gopDurationTicks, framesPerSecond, ownership } = record;
  const { token, owner, ownerSecretSha256, nextGop, hasPublished, gapsDeclared } = ownership;
  return {
    ...{ id, gopDurationTicks, framesPerSecond, token, owner },
    ownerHasSecret: ownerSecretSha256 !== null,
    nextGop,
    hasPublished,
    lastPublishedAtMs: media.ledger.lastPublished?.publishedAtMs ?? null,
    oldestGop: media.oldestGop,
    gapsDeclared,
    ...(lowLatency && { lowLatency }),
    refusals: Object.fromEntries(refusals),
  };
};
