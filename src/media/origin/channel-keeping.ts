import { withinOrNull } from '../../platform/deadline';
import type { ChannelParts } from './channel-parts';
import { published } from './ownership';
import type { ChannelRecord, LedgerRecord } from './records';
import { REFRESH_WITHIN_MS, type Replica, type ReplicaChannel } from './replication';

/** The record of a channel kept by one origin, after a GOP was published; a replica tells it from its log. */
export const afterPublishing = (record: ChannelRecord): ChannelRecord => ({
  ...record,
  ownership: published(record.ownership),
});

/** How a channel is kept: in the files of this origin alone, or with others that share it (docs/decisions/0043). */
export class ChannelKeeping {
  private readonly replica: Replica | undefined;

  /** @param version of the record in the store of this origin alone; null: it is not there yet */
  constructor(
    private readonly channel: ReplicaChannel,
    private readonly parts: ChannelParts,
    private version: string | null,
  ) {
    this.replica = parts.group?.replicaOf(channel, {
      keptRecords: () => parts.limits.keptRecords,
      disk: parts.health,
    });
  }

  /** What is known here is in force: this origin is alone, or leads the channel. */
  get isSure(): boolean {
    return this.replica?.leads !== false;
  }

  /**
   * Judges by what is known here, where that is in force; else has it be in force, for another judgement.
   * @returns whether it was judged
   * @throws what `judge` throws, of an origin that is alone; SwarmError unavailable
   */
  async admits(judge: () => void): Promise<boolean> {
    try {
      if (this.isSure) {
        judge();
        return true;
      }
    } catch (error) {
      if (!this.isShared) throw error;
    }
    await this.refresh();
    return false;
  }

  /** Players may be served. */
  get isCurrent(): boolean {
    return this.replica?.isCurrent !== false;
  }

  get isShared(): boolean {
    return this.replica !== undefined;
  }

  /** Runs a change by what is in force. */
  change<T>(task: () => Promise<T>): Promise<T> {
    return this.replica ? this.replica.leading(task) : task();
  }

  /** Durable when it resolves. */
  async save(record: ChannelRecord): Promise<void> {
    if (this.replica) return this.replica.save(record);
    const version = await this.parts.store.replace(this.channel.id, record, this.version);
    if (version === null) throw new Error(`The record of channel ${this.channel.id} was changed by others.`);
    this.version = version;
  }

  /** Stores a GOP, here and with as many others as must have it. */
  store(record: LedgerRecord, body: Buffer): Promise<void> {
    return this.replica ? this.replica.publish(record, body) : this.channel.media.store(record, body);
  }

  /** Changes the ledger where what it says was decided already. */
  record(change: () => Promise<void>): Promise<void> {
    return this.replica ? this.replica.record(change) : change();
  }

  /** Where others share the channel, only this disk is asked: a change would take the lead from one that is well. */
  async probe(saveAgain: () => Promise<void>): Promise<void> {
    if (!this.replica) return saveAgain();
    await this.replica.copy.writeAgain();
    this.parts.health.succeeded(this.channel.id);
  }

  /** The same for whoever decides nothing by it: what was known here stays where the store does not answer soon. */
  async refreshSoon(): Promise<void> {
    await withinOrNull(REFRESH_WITHIN_MS, this.refresh());
  }

  /** Has what is known here be in force. @throws SwarmError unavailable */
  async refresh(): Promise<void> {
    await this.replica?.refresh();
  }
}
