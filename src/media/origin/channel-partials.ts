import type { LowLatency, OwnRequest } from '../../contracts/origin';
import type { GopLedger } from '../../contracts/relay';
import { NOBODYS_SECRET_SHA256, SwarmError } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import type { SerialQueue } from '../../platform/serial-queue';
import type { ChannelMedia } from './channel-media';
import type { ChannelParts } from './channel-parts';
import { growGop, receivedAgoMs } from './inspect-partial';
import { joinedGop, type Inspected } from './join-gop';
import { gopExists, type PublishAttempt } from './ownership';
import { continues, judgePartial, nextStartTicks, type PartialAttempt } from './partial-rules';
import { PartialSegments, type ListedOpenGop } from './partial-segments';
import type { ChannelRecord, LedgerRecord } from './records';
import { asAnnounced, publishedRecord } from './timeline';
import { splitBody, type BodyPart, type DeclaredRendition } from './verify-gop';

export interface ChannelPartialsOptions {
  id: string;
  parts: ChannelParts;
  media: ChannelMedia;
  /** In which the channel's changes run. */
  queue: SerialQueue;
  record: () => ChannelRecord;
  /** See Channel. */
  judge: (attempt: PublishAttempt) => 'next' | 'duplicate?';
}

/** What is public of the GOP that is being published: it goes on from there, or it is another one; null: nothing is. */
export type OpenGopOf = ListedOpenGop | 'other' | null;

/** The segments of a GOP, and what they hold. */
export interface WholeGop {
  parts: readonly BodyPart[];
  inspected: readonly Inspected[];
}

/**
 * Publishes GOPs of a channel while they are encoded, under the rules under which whole ones are: in order, by the holder of
 * the token in force, with his secret.
 */
export class ChannelPartials {
  private readonly segments: PartialSegments | undefined;

  constructor(private readonly options: ChannelPartialsOptions) {
    const { partialMs } = options.parts;
    if (!partialMs) return;
    this.segments = new PartialSegments(partialMs);
    options.media.partials = this.segments;
    options.media.publishingToken = () => {
      const { owner, token } = options.record().ownership;
      return owner && token;
    };
  }

  describe(): LowLatency | undefined {
    return this.segments?.describe(this.options.record());
  }

  /**
   * Publishes a stretch of the GOP that is published next, while it is encoded. It is public from then on, and kept in memory
   * until the whole GOP comes.
   * @throws SwarmError stale-token, gop-exists, out-of-order, conflict, malformed-segment, ledger-mismatch,
   * ledger-unavailable; not-found where GOPs are published whole
   */
  async publish(
    attempt: PublishAttempt & PartialAttempt,
    declared: readonly DeclaredRendition[],
    body: Buffer,
  ): Promise<{ duplicate: boolean }> {
    const { id, media, parts, queue, record } = this.options;
    const segments = this.required();
    const isNext = (): boolean => this.judge(segments, attempt) === 'next';
    const bodyParts = splitBody(body, declared);
    if (!isNext()) return { duplicate: true };
    const pictures = await parts.relay.picturesOf(id, attempt.gop);
    const askedAtMs = parts.monotonicMs();
    return queue.run<{ duplicate: boolean }>(() => {
      if (!isNext()) return Promise.resolve({ duplicate: true });
      const { gopDurationTicks } = record();
      const startTicks = nextStartTicks(segments.open, attempt.gop, gopDurationTicks);
      const place = { ...attempt, startTicks };
      const { open, ...grown } = growGop(segments.open, place, bodyParts, pictures, gopDurationTicks);
      const sinceMs = parts.monotonicMs() - askedAtMs;
      const announced =
        segments.open?.announced ?? this.announce(attempt, grown, pictures.arrivedAgoMs[0] ?? 0);
      segments.add({ ...open, announced }, receivedAgoMs(pictures, startTicks) + sinceMs);
      media.changed();
      return Promise.resolve({ duplicate: false });
    });
  }

  /** A GOP that is about to be stored, as it goes on from what is public of it. */
  meet(whole: WholeGop, ledger: GopLedger): WholeGop & { open: OpenGopOf } {
    const open = this.segments?.open;
    if (!open) return { ...whole, open: null };
    if (continues(open, whole.parts)) return { ...whole, open };
    const joined = joinedGop(open, whole.parts, ledger, this.options.record().gopDurationTicks);
    return joined ? { ...joined, open } : { ...whole, open: 'other' };
  }

  asAnnounced(record: LedgerRecord, open: OpenGopOf): LedgerRecord {
    return open !== null && open !== 'other' ? asAnnounced(record, open.announced) : record;
  }

  /** A GOP is stored. */
  stored({ renditions }: LedgerRecord, open: OpenGopOf): void {
    if (open === 'other') this.withdraw('the GOP was encoded anew');
    else if (open !== null) {
      const bytes = renditions.map((r) => r.bytes);
      this.segments?.completed(open, bytes, this.options.record());
      this.options.media.changed();
    }
  }

  /** What is public of a GOP is taken back, and that is declared. */
  withdraw(why: string): void {
    const gop = this.segments?.open?.gop;
    if (gop === undefined) return;
    this.segments?.withdraw();
    const { id, media, parts } = this.options;
    media.changed();
    parts.log.warn({ channel: id, gop, why }, 'partial segments were taken back');
  }

  /** Forgets all: the channel begins anew. */
  clear(): void {
    this.segments?.clear();
  }

  /**
   * The GOP in the midst of which the channel is asked for, while its owner publishes it: he should end it, else it is cut. A
   * recovery waits for nothing, as its owner is gone.
   */
  gopToEndBefore({ owner, expectToken, ownerSecretSha256 }: OwnRequest): number | undefined {
    const open = this.segments?.open;
    const { token } = this.options.record().ownership;
    const isOrderly = owner !== null && ownerSecretSha256 !== NOBODYS_SECRET_SHA256;
    return isOrderly && open?.token === token && expectToken === token ? open.gop : undefined;
  }

  private required(): PartialSegments {
    const { id, record } = this.options;
    if (this.segments && this.segments.partialTicks(record()) > 0) return this.segments;
    throw new SwarmError('not-found', `GOPs of channel ${id} are published whole.`, 'Publish them so.');
  }

  private judge(segments: PartialSegments, attempt: PublishAttempt & PartialAttempt): 'next' | 'duplicate?' {
    const { judge, media, record } = this.options;
    const { gopDurationTicks, ownership } = record();
    if (judge(attempt) === 'duplicate?') throw gopExists(attempt.gop, ownership.nextGop);
    if (media.ledger.last?.gop !== attempt.gop - 1)
      throw new SwarmError('conflict', 'The first GOP of a channel is published whole.');
    const partialTicks = segments.partialTicks(record());
    return judgePartial(segments.open, attempt, { gopDurationTicks, partialTicks });
  }

  /** What the record of a GOP will say, as its beginning shows it. */
  private announce(
    attempt: PublishAttempt,
    { renditions, sound }: Pick<Parameters<typeof publishedRecord>[0], 'renditions' | 'sound'>,
    beganAgoMs: number,
  ): LedgerRecord {
    const { media, parts, record } = this.options;
    const { gopDurationTicks, ownership } = record();
    const nowMs = parts.now();
    return publishedRecord({
      ...{ attempt, renditions, gopDurationTicks, publishedAtMs: nowMs },
      ...(sound && { sound }),
      sealedAtMs: nowMs - beganAgoMs + ticksToMs(gopDurationTicks),
      ...{ previous: media.ledger.last, previousPublished: media.ledger.lastPublished },
      discontinuityAt: ownership.discontinuityAt,
    });
  }
}
