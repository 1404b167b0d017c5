import { z } from 'zod';
import { epochSchema } from '../../../contracts/origin-replica';
import { idSchema } from '../../../domain';
import type { Ledger } from '../ledger';
import { channelRecordSchema, type ChannelRecord, type LedgerRecord } from '../records';

/** A channel in the ownership store, where several origins share it (docs/decisions/0043). */
export const sharedRecordSchema = channelRecordSchema.extend({
  /** Counts who led; an origin that leads took it by compare-and-set. */
  epoch: epochSchema,
  /** Name of the origin that took the lead last. */
  leader: idSchema.nullable(),
  /** The last epoch in which something was decided; 0: nothing was in this life, so there is no GOP yet. */
  decidedEpoch: epochSchema,
  /** Goes up when the channel is added again after a removal: copies of an earlier life count as none. */
  life: z.int().min(1),
});
export type SharedRecord = z.infer<typeof sharedRecordSchema>;

/** `replica.json`: what an origin has promised and followed of a channel. */
export const replicaNotesSchema = z.object({
  life: z.int().min(0),
  /** Nothing of an earlier epoch is taken. */
  promised: epochSchema,
  /** The epoch whose log it took over last; 0: none in this life. */
  followed: epochSchema,
});
export type ReplicaNotes = z.infer<typeof replicaNotesSchema>;

export const noNotes: ReplicaNotes = { life: 0, promised: 0, followed: 0 };

/** A channel as its origin knows it: what was decided of it, and how far its log goes since. */
export const withLedger = (
  { onAir, gopDurationTicks, framesPerSecond, ownership }: ChannelRecord,
  ledger: Partial<Pick<Ledger, 'last' | 'lastPublished'>>,
): ChannelRecord => ({
  onAir,
  gopDurationTicks,
  framesPerSecond,
  ownership: {
    ...ownership,
    nextGop: Math.max(ownership.nextGop, (ledger.last?.gop ?? -1) + 1),
    hasPublished: ownership.hasPublished || ledger.lastPublished !== undefined,
  },
});

const fingerprint = ({ gop, token, sessionId, publishedAtMs, gapReason, renditions }: LedgerRecord): string =>
  JSON.stringify([gop, token, sessionId, publishedAtMs, gapReason ?? null, renditions.map((r) => r.sha256)]);

/** Whether two origins mean the same GOP, published in the same act. */
export const isSameRecord = (one: LedgerRecord, other: LedgerRecord): boolean =>
  fingerprint(one) === fingerprint(other);
