import type { RelayChannel } from '../contracts/relay';
import type { ChannelObservation, EncoderObservation } from '../domain';
import { ticksToMs } from '../domain/media-time';

/** A channel whose owner can't be publishing any more. */
export interface LostChannel {
  channelId: string;
  reason: 'encoder-lost' | 'session-failed';
  lostEncoderId: string | null;
  lostSessionId: string | null;
  evidence: string;
}

/** A session that no channel wants: not the owner, not part of a move, and seen so for a minute. */
export interface OrphanSession {
  encoderId: string;
  sessionId: string;
  channelId: string;
}

/** Sealed but unpublished GOPs from which on an owner counts as stalled, unless it published lately. */
const STALLED_BACKLOG_GOPS = 3;
const STALLED_SILENCE_GOPS = 2;
const ORPHAN_AFTER_MS = 60_000;

/** Why the owner of a channel can't be publishing any more; null if it can. Pure. */
export const lossOf = (
  channel: ChannelObservation,
  encoders: ReadonlyMap<string, EncoderObservation>,
  relay: Pick<RelayChannel, 'lastSealedGop'> | undefined,
  nowMs: number,
): LostChannel | null => {
  if (channel.moving) return null;
  const { spec, owner, nextGop, lastPublishedAtMs } = channel;
  const lost = (reason: LostChannel['reason'], evidence: string): LostChannel => ({
    channelId: spec.id,
    reason,
    lostEncoderId: owner?.encoderId ?? null,
    lostSessionId: owner?.sessionId ?? null,
    evidence,
  });
  if (!owner) return lost('session-failed', 'no session owns the channel');

  const gopMs = ticksToMs(spec.gopDurationTicks);
  const backlog = (relay?.lastSealedGop ?? -1) - nextGop + 1;
  const silentMs = lastPublishedAtMs === null ? Infinity : nowMs - lastPublishedAtMs;
  // Published in the future: the clocks of this process and of the origin tell different days, and nothing by that.
  const publishedLately =
    silentMs > -STALLED_SILENCE_GOPS * gopMs
      ? silentMs < STALLED_SILENCE_GOPS * gopMs
      : backlog < STALLED_BACKLOG_GOPS;
  const encoder = encoders.get(owner.encoderId);
  if (!encoder) return publishedLately ? null : lost('encoder-lost', `${owner.encoderId} left the fleet`);
  if (!encoder.reachable) {
    // Control and data go separate ways: one that still publishes is not lost, only not to be steered.
    return publishedLately ? null : lost('encoder-lost', `${encoder.id} does not answer`);
  }
  const session = encoder.telemetry?.sessions.find((s) => s.sessionId === owner.sessionId);
  if (!session) return lost('session-failed', `${encoder.id} does not know session ${owner.sessionId}`);
  if (session.state === 'failed' || session.state === 'released') {
    const cause = session.failure ? `: ${session.failure.message}` : '';
    return lost('session-failed', `session ${owner.sessionId} ${session.state}${cause}`);
  }
  // One that was resumed a moment ago finds a backlog, and works on it.
  const isNew =
    session.publishingForMs !== undefined && session.publishingForMs < STALLED_SILENCE_GOPS * gopMs;
  if (backlog >= STALLED_BACKLOG_GOPS && !publishedLately && !isNew) {
    return lost(
      'session-failed',
      `session ${owner.sessionId} stands still, ${backlog} GOPs behind its input`,
    );
  }
  return null;
};

/** Whether nothing of a channel's input is left to encode, and none is coming. Not where the relay does not tell. */
export const hasNoInput = (
  { nextGop }: Pick<ChannelObservation, 'nextGop'>,
  relay: Pick<RelayChannel, 'ingestConnected' | 'lastSealedGop'> | undefined,
): boolean => relay !== undefined && !relay.ingestConnected && (relay.lastSealedGop ?? -1) < nextGop;

/** Remembers since when a session has had no channel that wants it. */
export class OrphanWatch {
  private readonly sinceMs = new Map<string, number>();

  /** Sessions that have been unwanted for a minute. */
  find(
    encoders: readonly EncoderObservation[],
    channels: readonly ChannelObservation[],
    nowMs: number,
  ): OrphanSession[] {
    const owned = new Set(channels.map((channel) => channel.owner?.sessionId));
    const moving = new Set(channels.filter((channel) => channel.moving).map((channel) => channel.spec.id));
    const unwanted = encoders.flatMap((encoder) =>
      (encoder.telemetry?.sessions ?? [])
        .filter(({ sessionId, channelId, state }) => {
          return state !== 'released' && !owned.has(sessionId) && !moving.has(channelId);
        })
        .map(({ sessionId, channelId }) => ({ encoderId: encoder.id, sessionId, channelId })),
    );
    const seen = new Set(unwanted.map((session) => session.sessionId));
    for (const sessionId of this.sinceMs.keys()) if (!seen.has(sessionId)) this.sinceMs.delete(sessionId);
    return unwanted.filter(({ sessionId }) => {
      const sinceMs = this.sinceMs.get(sessionId) ?? nowMs;
      this.sinceMs.set(sessionId, sinceMs);
      return nowMs - sinceMs >= ORPHAN_AFTER_MS;
    });
  }
}
