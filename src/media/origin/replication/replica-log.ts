import type {
  ReplicaClient,
  ReplicaGop,
  ReplicaLog,
  ReplicaOrder,
  ReplicaPutAnswer,
  ReplicaState,
} from '../../../contracts/origin-replica';
import { SwarmError } from '../../../domain';
import { SerialQueue } from '../../../platform/serial-queue';
import type { ChannelMedia } from '../channel-media';
import { ledgerRecordSchema, type LedgerRecord } from '../records';
import { isBodyOf } from '../verify-gop';
import { ReplicaNotesFile } from './notes';
import { LeadLost } from './quorum';
import { isSameRecord, noNotes } from './records';

/** Records that are compared before what is missing: more than can differ after one interrupted publication. */
const OVERLAP_GOPS = 8;
/** A copy that lacks more is not shown to players. */
const NEARLY_THERE_GOPS = 3;
const LOG_TIMEOUT_MS = 5_000;
const BYTES_TIMEOUT_MS = 10_000;

export interface ReplicaLogParts {
  channelId: string;
  directory: string;
  media: ChannelMedia;
  /** What the ownership store has now. @throws SwarmError unavailable */
  inStore(): Promise<{ epoch: number; life: number } | undefined>;
  /** The log has changed. */
  onChange(): void;
  /** A GOP is on the disk. */
  onStored(): void;
  /** What is written of the copy was refused; errors of the file system among others. */
  onRefused(error: unknown): void;
}

/**
 * An origin's copy of a channel's log, and what it has promised of it. Each step runs alone and never waits for another
 * origin, so that a promise is given at once whatever else goes on.
 */
export class ReplicaLogCopy {
  private readonly steps = new SerialQueue('origin');
  /** Of one epoch, one after the other. Those of an earlier one may hang on an origin that is stopped; nobody waits for them. */
  private pulls = { epoch: 0, queue: new SerialQueue('origin') };
  private readonly file: ReplicaNotesFile;
  private lacking = 0;
  private closed: Promise<void> | undefined;

  constructor(private readonly parts: ReplicaLogParts) {
    this.file = new ReplicaNotesFile(parts.directory);
  }

  /** @param isUnbroken the log on the disk has no hole; one that has counts as lost, with what was promised of it */
  load(isUnbroken: boolean): Promise<void> {
    return isUnbroken ? this.file.load() : this.file.discard();
  }

  get state(): ReplicaState {
    const { promised, followed } = this.file.notes;
    const last = this.parts.media.ledger.last?.gop;
    return { promised, followed, endGop: last === undefined ? null : last + 1 };
  }

  /** The life of the channel that it is a copy of; 0: of none. */
  get life(): number {
    return this.file.notes.life;
  }

  /** Whether players may be served: the copy is one, and nearly as new as the others. */
  get isCurrent(): boolean {
    return this.state.followed > 0 && this.lacking <= NEARLY_THERE_GOPS;
  }

  /** Promises to take nothing of an earlier epoch; durable when it resolves. */
  promise({ epoch, life }: Pick<ReplicaOrder, 'epoch' | 'life'>): Promise<ReplicaState> {
    return this.write(async () => {
      await this.enterLife(life);
      const { notes } = this.file;
      if (epoch > notes.promised) await this.file.save({ ...notes, promised: epoch });
      return this.state;
    });
  }

  /** Writes down again what it has promised; durable when it resolves. */
  writeAgain(): Promise<void> {
    return this.write(() => this.file.save(this.file.notes));
  }

  /** Takes over the log of the leader of an epoch, if no later one was promised. */
  async follow(order: ReplicaOrder, leader: ReplicaClient): Promise<ReplicaState> {
    const { promised } = await this.promise(order);
    if (promised !== order.epoch) return this.state;
    try {
      await this.pull(order, leader, true);
      return await this.followed(order);
    } catch (error) {
      if (error instanceof LeadLost) return this.state;
      throw error;
    }
  }

  /** The log is the one of this epoch from here on. */
  followed(order: Pick<ReplicaOrder, 'epoch'>): Promise<ReplicaState> {
    return this.step(order, async () => {
      const { notes } = this.file;
      // A step that failed may have left the file as it was: it would be back after a restart.
      await this.parts.media.settle();
      if (notes.followed !== order.epoch) await this.file.save({ ...notes, followed: order.epoch });
      return this.state;
    });
  }

  /** Takes a GOP from the leader, if it is the next one of its log. */
  put({ epoch, life, previousGop, record: found }: ReplicaGop, body: Buffer): Promise<ReplicaPutAnswer> {
    const record = ledgerRecordSchema.parse(found);
    return this.write(async () => {
      const { notes } = this.file;
      const { ledger } = this.parts.media;
      const answer = (outcome: ReplicaPutAnswer['outcome']): ReplicaPutAnswer => ({ ...this.state, outcome });
      if (notes.promised !== epoch || notes.followed !== epoch || notes.life !== life)
        return answer('behind');
      const known = ledger.get(record.gop);
      if (known && isSameRecord(known, record)) return answer('stored');
      if ((ledger.last?.gop ?? null) !== previousGop) return answer('behind');
      await this.parts.media.store(record, body);
      this.parts.onStored();
      this.parts.onChange();
      return answer('stored');
    });
  }

  /**
   * Changes the log as the leader of an epoch.
   * @throws LeadLost if a later epoch was promised meanwhile
   */
  step<T>({ epoch }: Pick<ReplicaOrder, 'epoch'>, task: () => Promise<T>): Promise<T> {
    return this.write(async () => {
      if (this.file.notes.promised !== epoch) throw new LeadLost();
      try {
        return await task();
      } finally {
        this.parts.onChange();
      }
    });
  }

  /** Records from a GOP on, as another origin asks for them. */
  read(fromGop: number): ReplicaLog {
    const { ledger, oldestGop } = this.parts.media;
    return { ...this.state, records: ledger.range(fromGop, Infinity), oldestGop };
  }

  /**
   * Makes the log that of another origin: cuts off what differs, and fetches what is missing, oldest first.
   * @param isLeader it must have followed the epoch itself
   * @throws LeadLost, SwarmError unavailable
   */
  pull(order: Pick<ReplicaOrder, 'epoch'>, from: ReplicaClient, isLeader: boolean): Promise<void> {
    if (order.epoch > this.pulls.epoch) this.pulls = { epoch: order.epoch, queue: new SerialQueue('origin') };
    return this.pulls.queue.run(async () => {
      let overlap = OVERLAP_GOPS;
      for (;;) {
        const { endGop } = this.state;
        const fromGop = endGop === null ? 0 : Math.max(0, endGop - overlap);
        const log = await from.log(this.parts.channelId, fromGop, { timeoutMs: LOG_TIMEOUT_MS });
        if (log.promised !== order.epoch || (isLeader && log.followed !== order.epoch)) throw new LeadLost();
        const records = log.records.map((record) => ledgerRecordSchema.parse(record));
        if (!(await this.step(order, () => this.cutOff(order, log, records, fromGop)))) {
          overlap = Infinity;
          continue;
        }
        const last = this.parts.media.ledger.last?.gop ?? -1;
        const missing = records.filter(({ gop }) => gop > last);
        this.lacking = missing.length;
        await this.fetch(order, from, log.oldestGop, missing);
        if (missing.length <= 1) break;
      }
    });
  }

  /** Nothing is written any more once it resolves; a pull that is under way ends at its next step. */
  close(): Promise<void> {
    return (this.closed ??= this.steps.close(async () => {}));
  }

  private write<T>(task: () => Promise<T>): Promise<T> {
    return this.steps.run(() =>
      task().catch((error: unknown) => {
        this.parts.onRefused(error);
        throw error;
      }),
    );
  }

  /** @returns false: more has to be compared */
  private async cutOff(
    { epoch }: Pick<ReplicaOrder, 'epoch'>,
    log: ReplicaLog,
    theirs: readonly LedgerRecord[],
    fromGop: number,
  ): Promise<boolean> {
    const { media } = this.parts;
    const { last } = media.ledger;
    if (last === undefined) return true;
    const [first] = theirs;
    if (!first) {
      if (log.endGop !== null && fromGop > 0) return false;
      // What came since the answer, from the leader that is followed already.
      if (log.endGop === null && this.file.notes.followed === epoch) return true;
      await media.deleteAll();
      return true;
    }
    const differs = theirs.find((record) => {
      const mine = media.ledger.get(record.gop);
      return mine !== undefined && !isSameRecord(mine, record);
    });
    if (differs === first && fromGop > 0) return false;
    if (differs === first || first.gop > last.gop + 1) await media.deleteAll();
    else if (differs) await media.truncateFrom(differs.gop);
    // What an interrupted publication left; under the same epoch it can only be what is newer than the answer.
    if (this.file.notes.followed !== epoch) await media.truncateFrom(log.endGop ?? 0);
    return true;
  }

  private async fetch(
    order: Pick<ReplicaOrder, 'epoch'>,
    from: ReplicaClient,
    oldestGop: number | null,
    missing: readonly LedgerRecord[],
  ): Promise<void> {
    const { media, channelId } = this.parts;
    const bare = missing.filter(({ gop }) => oldestGop === null || gop < oldestGop);
    if (bare.length > 0) await this.step(order, () => media.adopt(bare));
    for (const record of missing.slice(bare.length)) {
      const isGap = record.renditions.length === 0;
      const body = isGap ? null : await from.bytes(channelId, record.gop, { timeoutMs: BYTES_TIMEOUT_MS });
      if (body && !isBodyOf(record.renditions, body))
        throw new SwarmError('unavailable', `What came of GOP ${record.gop} is not what was published.`);
      await this.step(order, async () => {
        const last = media.ledger.last?.gop;
        // The leader may have put it meanwhile.
        if (last !== undefined && record.gop <= last) return;
        if (body) await media.store(record, body);
        else await media.adopt([record]);
        this.parts.onStored();
      });
      this.lacking -= 1;
    }
  }

  /** A copy of an earlier life is none; one without notes promises what the store has, as it forgot what it promised. */
  private async enterLife(life: number): Promise<void> {
    const { notes } = this.file;
    if (notes.life === life) return;
    const now = await this.parts.inStore();
    if (now?.life !== life)
      throw new SwarmError('conflict', `Channel ${this.parts.channelId} was added anew.`, 'Ask again.');
    if (this.state.endGop !== null) await this.parts.media.deleteAll();
    await this.file.save({ ...noNotes, life, promised: now.epoch });
  }
}
