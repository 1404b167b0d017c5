import type {
  DeclaredGap,
  LedgerEntry,
  OriginChannel,
  OriginSpec,
  OwnAnswer,
  OwnRequest,
} from '../../contracts/origin';
import { SwarmError, rateInWords, type ErrorCode } from '../../domain';
import { storageRefusal } from '../../platform/durable-file';
import { SerialQueue } from '../../platform/serial-queue';
import { ChannelMedia } from './channel-media';
import type { ChannelParts } from './channel-parts';
import { CmafMedia } from './cmaf-media';
import { cutsFound, soundByPiece } from './gop-cuts';
import { GopWaits } from './gop-waits';
import {
  declareGap,
  gopExists,
  judgePublish,
  own,
  published,
  removed,
  requireOwner,
  type PublishAttempt,
} from './ownership';
import { toLedgerEntry, type ChannelRecord } from './records';
import type { LoadedChannel } from './recovery';
import type { Replica } from './replication';
import { publishedRecord } from './timeline';
import { inspectPart, requireLedger, splitBody, type BodyPart, type DeclaredRendition } from './verify-gop';

/**
 * One channel: the rules of `ownership.ts`, made durable. Each change runs alone in the channel's queue:
 * decide, write, and only then become true; so a refusal or a failed write changes nothing, and whoever was
 * fenced a moment ago can't get a GOP in.
 */
export class Channel {
  private readonly queue = new SerialQueue('origin');
  private readonly waits = new GopWaits();
  private version: string | null;
  private readonly refusals = new Map<ErrorCode, number>();
  private readonly media: ChannelMedia;
  private record: ChannelRecord;
  private readonly replica: Replica | undefined;

  constructor(
    readonly id: string,
    readonly directory: string,
    loaded: LoadedChannel,
    private readonly parts: ChannelParts,
  ) {
    this.record = loaded.record;
    this.media = new ChannelMedia(loaded.ledger, loaded.segments, parts.limits, parts.monotonicMs);
    this.version = loaded.version;
    this.replica = parts.group?.replicaOf(
      {
        ...{ id, directory, media: this.media, gopDurationTicks: () => this.gopDurationTicks },
        setRecord: (record) => this.replaced(record),
      },
      () => parts.limits.keptRecords,
    );
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
    const { gopDurationTicks, framesPerSecond, ownership } = this.record;
    const { token, owner, ownerSecretSha256, nextGop, hasPublished, gapsDeclared } = ownership;
    return {
      id: this.id,
      gopDurationTicks,
      framesPerSecond,
      token,
      owner,
      ownerHasSecret: ownerSecretSha256 !== null,
      nextGop,
      hasPublished,
      lastPublishedAtMs: this.media.ledger.lastPublished?.publishedAtMs ?? null,
      oldestGop: this.media.oldestGop,
      gapsDeclared,
      refusals: Object.fromEntries(this.refusals),
    };
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
      } else if (
        known.gopDurationTicks !== options.gopDurationTicks ||
        known.framesPerSecond !== options.framesPerSecond
      ) {
        throw new SwarmError(
          'conflict',
          `Channel ${this.id} is on air with GOPs of ${known.gopDurationTicks} ticks at ${rateInWords(known.framesPerSecond)}.`,
          'Remove the channel before you add it with other values.',
        );
      }
      return this.describe();
    });
  }

  /** Takes the channel off air: fences its owner and deletes its media; the token is remembered. */
  remove(): Promise<void> {
    return this.change(async () => {
      if (!this.onAir) return;
      await this.save({ ...this.record, onAir: false, ownership: removed(this.record.ownership) });
      this.waits.refuseAll(this.unknown());
      this.refusals.clear();
      await this.media.deleteAll();
    });
  }

  /** Changes hands; durable before it answers. @throws SwarmError as `own` of ownership.ts; unknown-channel */
  own(request: OwnRequest): Promise<OwnAnswer> {
    return this.change(async () => {
      this.requireOnAir();
      const { state, answer, gap } = own(this.record.ownership, request);
      if (state !== this.record.ownership) await this.save({ ...this.record, ownership: state });
      if (gap) await this.recordGap(gap);
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
    const { replica } = this;
    try {
      if (!replica || replica.leads) {
        this.judge(attempt);
        return;
      }
    } catch (error) {
      if (!replica) throw error;
    }
    await replica.refresh();
    requireOwner(this.record.ownership, attempt);
    await this.change(async () => void this.judge(attempt));
  }

  /** What is in force with all origins that share the channel; what was known here where that can't be told now. */
  async refresh(): Promise<void> {
    await this.replica?.refresh().catch(() => undefined);
  }

  /** All bytes of a GOP, for another origin; null where they are not stored. */
  storedGop(gop: number): Promise<Buffer | null> {
    return this.media.storedGop(gop);
  }

  /** Deletes what was kept of it, once others have taken it off air. */
  drop(): Promise<void> {
    return this.queue.run(async () => {
      this.waits.refuseAll(this.unknown());
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
    const verdict = this.judge(attempt);
    const parts = splitBody(body, declared);
    if (verdict === 'duplicate?') return this.acceptDuplicate(attempt.gop, parts);
    const { gopDurationTicks } = this.record;
    const inspected = parts.map(inspectPart);
    const ledger = await this.parts.relay.ledgerOf(this.id, attempt.gop, feedProofSha256);
    for (const { record, videoPtsTicks } of inspected) {
      requireLedger(record, videoPtsTicks, ledger, gopDurationTicks);
    }
    const { cutTicks, cutsOfPart } = cutsFound(parts, ledger);
    const isCut = cutTicks.length > 0;
    return this.change(async () => {
      if (this.judge(attempt) === 'duplicate?') return this.acceptDuplicate(attempt.gop, parts);
      const publishedAtMs = this.parts.now();
      const record = publishedRecord({
        attempt,
        renditions: inspected.map((i, part) => ({
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
        discontinuityAt: this.record.ownership.discontinuityAt,
        ...(inspected[0] && { sound: soundByPiece(inspected[0].sound, parts[0]!.segment, cutsOfPart[0]!) }),
      });
      await (this.replica ? this.replica.publish(record, body) : this.media.store(record, body));
      this.parts.health.succeeded(this.id);
      // A replica has said so itself, from the log.
      if (!this.replica) this.replaced({ ...this.record, ownership: published(this.record.ownership) });
      return { duplicate: false };
    });
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

  /** @throws SwarmError not-found, unknown-channel */
  masterPlaylist(withCues = false): string {
    this.requireServable();
    return this.media.masterPlaylist({ id: this.id, ...this.record }, withCues);
  }

  /** @throws SwarmError not-found, unknown-channel */
  mediaPlaylist(rendition: string, windowMs: number, withCues = false): string {
    this.requireServable();
    return this.media.mediaPlaylist({ id: this.id, ...this.record }, rendition, windowMs, withCues);
  }

  /** What it has published as fragmented MP4. @throws SwarmError unknown-channel */
  get cmaf(): CmafMedia {
    this.requireServable();
    return new CmafMedia({ id: this.id, ...this.record }, this.media);
  }

  /** @throws SwarmError not-found, unknown-channel */
  segment(rendition: string, gop: number, piece?: number): ReturnType<ChannelMedia['segment']> {
    this.requireOnAir();
    return this.media.segment(rendition, gop, piece);
  }

  /** Deletes segments that are past their retention. */
  expire(): Promise<void> {
    return this.queue.run(() => this.media.expire(this.record));
  }

  /** Writes the record again, to learn whether a disk that refused takes it now. @throws SwarmError as any change */
  probeStorage(): Promise<void> {
    return this.change(() => this.save(this.record));
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
        return await (this.replica ? this.replica.leading(task) : task());
      } catch (error) {
        const refusal = storageRefusal(error, `the state of channel ${this.id}`);
        if (refusal) this.parts.health.failed(this.id, error);
        throw refusal ?? error;
      }
    });
  }

  private unknown(): SwarmError {
    return new SwarmError(
      'unknown-channel',
      `The origin has no channel ${this.id}.`,
      'Add the channel first.',
    );
  }

  private requireOnAir(): void {
    if (!this.onAir) throw this.unknown();
  }

  /** @throws SwarmError unknown-channel; unavailable while this copy is far behind the others */
  private requireServable(): void {
    this.requireOnAir();
    if (this.replica?.isCurrent !== false) return;
    throw new SwarmError('unavailable', 'This origin is being filled by the others.', 'Ask another one.');
  }

  /** A GOP published before counts as a repetition if its bytes are the same. @throws SwarmError gop-exists */
  private acceptDuplicate(gop: number, parts: readonly BodyPart[]): { duplicate: true } {
    const known = this.media.ledger.get(gop)?.renditions ?? [];
    const same =
      known.length === parts.length &&
      known.every((r, i) => r.name === parts[i]!.name && r.sha256 === parts[i]!.sha256);
    if (!same) throw gopExists(gop, this.record.ownership.nextGop);
    return { duplicate: true };
  }

  private async save(record: ChannelRecord): Promise<void> {
    if (this.replica) await this.replica.save(record);
    else await this.saveAlone(record);
    this.parts.health.succeeded(this.id);
    this.record = record;
  }

  private async saveAlone(record: ChannelRecord): Promise<void> {
    const version = await this.parts.store.replace(this.id, record, this.version);
    if (version === null) throw new Error(`The record of channel ${this.id} was changed by others.`);
    this.version = version;
  }

  /** What is in force is another now. */
  private replaced(record: ChannelRecord): void {
    this.record = record;
    this.waits.wake(record.ownership.nextGop);
  }

  private async recordGap(gap: DeclaredGap): Promise<void> {
    const add = (): Promise<void> =>
      this.media.recordGap(gap, this.record.gopDurationTicks, this.parts.now());
    try {
      await (this.replica ? this.replica.record(add) : add());
    } finally {
      this.waits.wake(this.record.ownership.nextGop);
    }
  }
}
