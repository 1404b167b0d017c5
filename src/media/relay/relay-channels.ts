import { rm } from 'node:fs/promises';
import { SwarmError } from '../../domain';
import { storageRefusal } from '../../platform/durable-file';
import type { Logger } from '../../platform/logger';
import type { SharedBudget } from '../../platform/shared-budget';
import type { StorageHealth } from '../../platform/storage-health';
import { ChannelFiles, type ChannelRecord } from './channel-files';
import { RelayChannel } from './relay-channel';
import { RingStore } from './ring-store';

export interface RelayChannelsOptions {
  stateDir: string;
  ringSeconds: number;
  /** What all rings may take up together, and one of them at the most. */
  budget: SharedBudget;
  maxChannels: number;
  health: StorageHealth;
  log: Logger;
}

/** All channels of a relay, with their records on disk. */
export class RelayChannels {
  private readonly files: ChannelFiles;
  private readonly channels = new Map<string, RelayChannel>();
  /** Serialises additions and removals, so that a record on disk is never of two minds. */
  private changes: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RelayChannelsOptions) {
    this.files = new ChannelFiles(options.stateDir);
  }

  /** Brings back the channels that the last run knew, with their rings. */
  async restore(): Promise<void> {
    const records = await this.files.load();
    await Promise.all([...records].map(([id, record]) => this.create(id, record)));
  }

  list(): RelayChannel[] {
    return [...this.channels.values()];
  }

  /** @throws SwarmError unknown-channel */
  get(id: string): RelayChannel {
    const channel = this.channels.get(id);
    if (channel) return channel;
    throw new SwarmError('unknown-channel', `The relay knows no channel ${id}.`, 'Add the channel first.');
  }

  /** Adds a channel; idempotent. @throws SwarmError conflict if it is known with another GOP duration; at-capacity-limit; storage-full */
  add(id: string, gopDurationTicks: number): Promise<RelayChannel> {
    return this.change(async () => {
      const known = this.channels.get(id);
      if (known && known.gopDurationTicks !== gopDurationTicks)
        throw new SwarmError(
          'conflict',
          `Channel ${id} has GOPs of ${known.gopDurationTicks} ticks, not of ${gopDurationTicks}.`,
          'Remove the channel first; the duration of a running one is fixed.',
        );
      if (known) return known;
      const { maxChannels } = this.options;
      if (this.channels.size >= maxChannels)
        throw new SwarmError(
          'at-capacity-limit',
          `The relay holds ${maxChannels} channels.`,
          'Remove channels that are no longer needed, or add a relay.',
        );
      const record = { gopDurationTicks, nextGop: 0 };
      this.options.budget.admit(id);
      try {
        // A removal that a crash cut short may have left a ring behind.
        await rm(this.files.ringDirectory(id), { recursive: true, force: true });
        await this.files.create(id, record);
        return await this.create(id, record);
      } catch (error) {
        this.options.budget.release(id);
        throw storageRefusal(error, `the record of channel ${id}`) ?? error;
      }
    });
  }

  /** Removes a channel with its feeds, its contribution and its record; idempotent. */
  remove(id: string): Promise<void> {
    return this.change(async () => {
      const channel = this.channels.get(id);
      this.channels.delete(id);
      await channel?.close();
      await this.files.remove(id);
      await channel?.deleteStored();
      this.options.budget.release(id);
    });
  }

  /** Ends all channels; their records stay. */
  async close(): Promise<void> {
    await Promise.all(this.list().map((channel) => channel.close()));
  }

  private async create(id: string, record: ChannelRecord): Promise<RelayChannel> {
    const { ringSeconds, budget, health, log } = this.options;
    budget.hold(id);
    const ringMaxBytes = (): number => budget.shareBytes;
    const store = new RingStore({
      channelId: id,
      directory: this.files.ringDirectory(id),
      gopDurationTicks: record.gopDurationTicks,
      ringSeconds,
      ringMaxBytes,
      health,
      log,
    });
    const restored = await store.load();
    const saveRecord = (latest: ChannelRecord): Promise<void> => this.files.update(id, latest);
    const limits = { ringSeconds, ringMaxBytes };
    const channel = new RelayChannel({ id, record, ...limits, store, restored, saveRecord, log });
    this.channels.set(id, channel);
    return channel;
  }

  private change<T>(action: () => Promise<T>): Promise<T> {
    const result = this.changes.then(action);
    this.changes = result.catch(() => undefined);
    return result;
  }
}
