import type {
  DeclaredGap,
  LedgerEntry,
  OriginChannel,
  OriginSpec,
  OwnAnswer,
  OwnRequest,
} from '../../contracts/origin';
import { SwarmError, type ErrorCode } from '../../domain';
import { storageRefusal } from '../../platform/durable-file';
import { SerialQueue } from '../../platform/serial-queue';
import { ChannelKeeping, afterPublishing } from './channel-keeping';
import { ChannelMedia } from './channel-media';
import { ChannelPartials } from './channel-partials';
import type { ChannelParts } from './channel-parts';
import { requireSameSpec, unknownChannel } from './channel-refusals';
import { describeChannel } from './describe-channel';
import { cutsFound, soundByPiece } from './gop-cuts';
import { GopWaits } from './gop-waits';
import {
  declareGap,
  gopExists,
  judgePublish,
  own,
  removed,
  requireOwner,
  type PublishAttempt,
} from './ownership';
import type { PartialAttempt } from './partial-rules';
import { PlayedChannel, type PlayedState } from './played-channel';
import { toLedgerEntry, type ChannelRecord } from './records';
import type { LoadedChannel } from './recovery';
import { publishedRecord } from './timeline';
import {
  inspectPart,
  isSameBody,
  requireLedger,
  splitBody,
  type BodyPart,
  type DeclaredRendition,
} from './verify-gop';

/** A change of owner waits so long for the end of the GOP: less than its caller does. */
const MOST_HELD_MS = 1_700;

/**
 * One channel: the rules of `ownership.ts`, made durable. Each change runs alone in the channel's queue:
 * decide, write, and only then become true; so a refusal or a failed write changes nothing, and whoever was
 * fenced a moment ago can't get a GOP in.
 */
export class Channel {
  private readonly queue = new SerialQueue('origin');
  private readonly waits = new GopWaits();
  private readonly refusals = new Map<ErrorCode, number>();
  private readonly media: ChannelMedia;
  /** What players are told of it. */
  readonly played: PlayedChannel<ChannelMedia>;
  private readonly partials: ChannelPartials;
  private record: ChannelRecord;
  private readonly keeping: ChannelKeeping;

  constructor(
    readonly id: string,
    readonly directory: string,
    loaded: LoadedChannel,
    private readonly parts: ChannelParts,
  ) {
    this.record = loaded.record;
    this.media = new ChannelMedia(loaded.ledger, loaded.segments, parts.limits, parts.monotonicMs);
    this.media.follow = () => parts.follow?.(id);
    this.played = new PlayedChannel(id, this.media, () => this.playedState());
    this.keeping = new ChannelKeeping(
      {
        ...{ id, directory, media: this.media, gopDurationTicks: () => this.gopDurationTicks },
        setRecord: (record) => this.replaced(record),
      },
      parts,
      loaded.version,
    );
    this.partials = new ChannelPartials({
      ...{ id, parts, media: this.media, queue: this.queue },
      record: () => this.record,
      judge: (attempt) => this.judge(attempt),
    });
  }

  /** Bytes of its segments. */
  get storedBytes(): number {
    return this.media.storedBytes;
  }

  get onAir(): boolean {
    return this.record.onAir;
  }

  get gopDurationTicks(): number {
    return this.record.gopDurationTicks;
  }

  describe(): OriginChannel {
    const { id, record, media, refusals } = this;
    return describeChannel({ id, record, media, refusals, lowLatency: this.partials.describe() });
  }

  countRefusal(code: ErrorCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** Puts the channel on air. Idempotent. @throws SwarmError conflict if it is on air with other values. */
  register(options: OriginSpec): Promise<OriginChannel> {
    return this.change(async () => {
      const known = this.record;
      if (!known.onAir) {
        await this.media.deleteAll();
        await this.save({ ...known, ...options, onAir: true });
      } else requireSameSpec(this.id, known, options);
      return this.describe();
    });
  }

  /** Takes the channel off air: fences its owner and deletes its media; the token is remembered. */
  remove(): Promise<void> {
    return this.change(async () => {
      if (!this.onAir) return;
      await this.save({ ...this.record, onAir: false, ownership: removed(this.record.ownership) });
      this.waits.refuseAll(unknownChannel(this.id));
      this.refusals.clear();
      this.partials.clear();
      await this.media.deleteAll();
    });
  }

  /** Changes hands; durable before it answers. @throws SwarmError as `own` of ownership.ts; unknown-channel */
  async own(request: OwnRequest): Promise<OwnAnswer> {
    const gop = this.partials.gopToEndBefore(request);
    if (gop !== undefined)
      await this.waits.wait(gop, MOST_HELD_MS, new AbortController().signal).catch(() => undefined);
    return this.change(async () => {
      this.requireOnAir();
      const { state, answer, gap } = own(this.record.ownership, request);
      if (state !== this.record.ownership) await this.save({ ...this.record, ownership: state });
      if (gap) await this.recordGap(gap);
      this.media.changed();
      this.parts.log.info(
        {
          ...{ channel: this.id, ...answer, owner: request.owner, gap },
          ownerHasSecret: state.ownerSecretSha256 !== null,
        },
        'channel has changed hands',
      );
      return answer;
    });
  }

  /** Declares a gap; durable before it answers. @throws SwarmError as `declareGap`; unknown-channel */
  declareGap(request: DeclaredGap): Promise<OriginChannel> {
    return this.change(async () => {
      this.requireOnAir();
      const { state, gap } = declareGap(this.record.ownership, request);
      if (gap) {
        await this.save({ ...this.record, ownership: state });
        await this.recordGap(gap);
      }
      return this.describe();
    });
  }

  /**
   * Whether a GOP would be taken now, before its body is read.
   * @throws SwarmError stale-token, gop-exists, out-of-order, unknown-channel
   */
  judge(attempt: PublishAttempt): 'next' | 'duplicate?' {
    this.requireOnAir();
    return judgePublish(this.record.ownership, attempt, this.media.ledger.get(attempt.gop)?.token);
  }

  /**
   * The same, sure: where other origins share the channel, a refusal is given by what is in force with all of them.
   * @throws as `judge`; SwarmError unavailable where that can't be told
   */
  async admit(attempt: PublishAttempt): Promise<void> {
    if (await this.keeping.admits(() => void this.judge(attempt))) return;
    requireOwner(this.record.ownership, attempt);
    await this.change(async () => void this.judge(attempt));
  }

  /** What is in force with all origins that share the channel; what was known here where that can't be told soon. */
  async refresh(): Promise<void> {
    await this.keeping.refreshSoon();
  }

  /** All bytes of a GOP, for another origin; null where they are not stored. */
  storedGop(gop: number): Promise<Buffer | null> {
    return this.media.storedGop(gop);
  }

  /** Deletes what was kept of it, once others have taken it off air. */
  drop(): Promise<void> {
    return this.queue.run(async () => {
      this.waits.refuseAll(unknownChannel(this.id));
      this.record = { ...this.record, onAir: false };
      await this.media.deleteAll();
    });
  }

  /**
   * Publishes a GOP in all of its renditions. It counts once its segments and its ledger line are on
   * the disk; the token is judged again at that moment, after all checks that take time.
   * @param feedProofSha256 by which the relay knows the feed of the one who publishes
   * @throws SwarmError stale-token, gop-exists, out-of-order, malformed-segment, ledger-mismatch,
   * ledger-unavailable, unknown-channel
   */
  async publish(
    attempt: PublishAttempt,
    declared: readonly DeclaredRendition[],
    body: Buffer,
    feedProofSha256?: string,
  ): Promise<{ duplicate: boolean }> {
    const judge = (): 'next' | 'duplicate?' => this.judge(attempt);
    // What others have not acknowledged yet is no repetition.
    const verdict = this.keeping.isShared ? await this.change(async () => judge()) : judge();
    const parts = splitBody(body, declared);
    if (verdict === 'duplicate?') return this.acceptDuplicate(attempt.gop, parts);
    const { gopDurationTicks } = this.record;
    const inspected = parts.map(inspectPart);
    const ledger = await this.parts.relay.ledgerOf(this.id, attempt.gop, feedProofSha256);
    for (const { record, videoPtsTicks } of inspected) {
      requireLedger(record, videoPtsTicks, ledger, gopDurationTicks);
    }
    return this.change(async () => {
      if (judge() === 'duplicate?') return this.acceptDuplicate(attempt.gop, parts);
      const publishedAtMs = this.parts.now();
      const { open, ...gop } = this.partials.meet({ parts, inspected }, ledger);
      const { cutTicks, cutsOfPart } = cutsFound(gop.parts, ledger);
      const isCut = cutTicks.length > 0;
      const computed = publishedRecord({
        attempt,
        renditions: gop.inspected.map((i, part) => ({
          ...i.record,
          ...(isCut && { cuts: cutsOfPart[part]! }),
        })),
        ...(isCut && { cutTicks }),
        ...(ledger.splices && { splices: ledger.splices }),
        sealedAtMs: ledger.sealedAtMs,
        publishedAtMs,
        gopDurationTicks,
        previous: this.media.ledger.last,
        previousPublished: this.media.ledger.lastPublished,
        discontinuityAt: open === 'other' ? attempt.gop : this.record.ownership.discontinuityAt,
        ...(gop.inspected[0] && {
          sound: soundByPiece(gop.inspected[0].sound, gop.parts[0]!.segment, cutsOfPart[0]!),
        }),
      });
      const record = this.partials.asAnnounced(computed, open);
      const isJoined = gop.parts !== parts;
      await this.keeping.store(record, isJoined ? Buffer.concat(gop.parts.map((p) => p.segment)) : body);
      this.partials.stored(record, open);
      this.parts.health.succeeded(this.id);
      if (!this.keeping.isShared) this.replaced(afterPublishing(this.record));
      return { duplicate: false };
    });
  }

  /** See ChannelPartials. @throws SwarmError as it does; unknown-channel */
  publishPartial(
    attempt: PublishAttempt & PartialAttempt,
    declared: readonly DeclaredRendition[],
    body: Buffer,
  ): Promise<{ duplicate: boolean }> {
    return this.partials.publish(attempt, declared, body);
  }

  /** Waits until a GOP is published or declared a gap. @throws SwarmError timeout, unknown-channel, not-found */
  async wait(gop: number, timeoutMs: number, caller: AbortSignal): Promise<LedgerEntry> {
    this.requireOnAir();
    if (gop >= this.record.ownership.nextGop) await this.waits.wait(gop, timeoutMs, caller);
    const record = this.media.ledger.get(gop);
    if (record) return toLedgerEntry(record);
    throw new SwarmError('not-found', `GOP ${gop} is not in the ledger any more.`, 'Ask for a later GOP.');
  }

  /** Ledger entries of the GOPs in [from, to) that are kept. @throws SwarmError unknown-channel */
  ledgerEntries(from: number, to: number): LedgerEntry[] {
    this.requireOnAir();
    return this.media.ledger.range(from, to).map(toLedgerEntry);
  }

  /** Deletes segments that are past their retention. */
  expire(): Promise<void> {
    return this.queue.run(() => this.media.expire(this.record));
  }

  /** Writes something again, to learn whether a disk that refused takes it now. @throws as any change; of the file system */
  probeStorage(): Promise<void> {
    return this.keeping.probe(() => this.change(() => this.save(this.record)));
  }

  /** Refuses waiting callers, and closes the files after the change under way is done. */
  async close(): Promise<void> {
    this.waits.refuseAll(new SwarmError('unavailable', 'The origin is stopping.', 'Ask again in a moment.'));
    await this.queue.close(() => this.media.close());
  }

  /** Runs a change alone. @throws SwarmError storage-full, or unavailable, when it can't be written */
  private change<T>(task: () => Promise<T>): Promise<T> {
    return this.queue.run(async () => {
      try {
        await this.parts.requireLock();
        return await this.keeping.change(task);
      } catch (error) {
        const refusal = storageRefusal(error, `the state of channel ${this.id}`);
        if (refusal) this.parts.health.failed(this.id, error);
        throw refusal ?? error;
      }
    });
  }

  private requireOnAir(): void {
    if (!this.onAir) throw unknownChannel(this.id);
  }

  /** A GOP published before counts as a repetition if its bytes are the same. @throws SwarmError gop-exists */
  private acceptDuplicate(gop: number, parts: readonly BodyPart[]): { duplicate: true } {
    if (isSameBody(this.media.ledger.get(gop)?.renditions ?? [], parts)) return { duplicate: true };
    throw gopExists(gop, this.record.ownership.nextGop);
  }

  private playedState(): PlayedState {
    const { onAir, gopDurationTicks, framesPerSecond, ownership } = this.record;
    const { token, owner, nextGop } = ownership;
    const { isCurrent } = this.keeping;
    return { onAir, isCurrent, gopDurationTicks, framesPerSecond, token, hasOwner: owner !== null, nextGop };
  }

  private async save(record: ChannelRecord): Promise<void> {
    await this.keeping.save(record);
    this.parts.health.succeeded(this.id);
    this.record = record;
    this.parts.follow?.(this.id);
  }

  /** What is in force is another now. */
  private replaced(record: ChannelRecord): void {
    this.record = record;
    this.media.changed();
    this.waits.wake(record.ownership.nextGop);
  }

  private async recordGap(gap: DeclaredGap): Promise<void> {
    this.partials.withdraw('it was declared a gap');
    const { gopDurationTicks } = this.record;
    try {
      await this.keeping.record(() => this.media.recordGap(gap, gopDurationTicks, this.parts.now()));
    } finally {
      this.waits.wake(this.record.ownership.nextGop);
    }
  }
}
