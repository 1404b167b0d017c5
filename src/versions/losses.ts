import type { ChannelWorkflowState } from '../domain';

/** Who published what at one moment, to tell at the next what was lost since. */
export interface SeenOwners {
  /** By channel id. */
  owners: ReadonlyMap<string, { encoderId: string; sessionId: string }>;
  /** Encoders that answered. */
  reachable: ReadonlySet<string>;
}

/** Encoders that have fallen silent, and sessions whose channel another session publishes by now. */
export const changesSince = (
  before: SeenOwners,
  now: SeenOwners,
): { silent: string[]; replaced: { channelId: string; encoderId: string }[] } => ({
  silent: [...before.reachable].filter((id) => !now.reachable.has(id)),
  replaced: [...before.owners]
    .filter(([channelId, { sessionId }]) => now.owners.get(channelId)?.sessionId !== sessionId)
    .map(([channelId, { encoderId }]) => ({ channelId, encoderId })),
});

/** Whether a channel left an encoder otherwise than by a planned move. */
export const wasLost = (
  { status, lastMove }: Pick<ChannelWorkflowState, 'status' | 'lastMove'>,
  fromEncoderId: string,
): boolean => {
  const isLoss = lastMove?.reason === 'encoder-lost' || lastMove?.reason === 'session-failed';
  return status === 'recovering' || (isLoss && lastMove.fromEncoderId === fromEncoderId);
};
