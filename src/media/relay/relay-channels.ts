import { rm } from 'node:fs/promises';
import type { Damage } from '../../contracts/health';
import { SwarmError } from '../../domain';
import type { DiskBudget } from '../../platform/disk-budget';
import { storageRefusal } from '../../platform/durable-file';
import type { Logger } from '../../platform/logger';
import type { OpenFiles } from '../../platform/open-files';
import { SerialQueue } from '../../platform/serial-queue';
import { setAside } from '../../platform/set-aside';
import type { SharedBudget } from '../../platform/shared-budget';
import type { StorageHealth } from '../../platform/storage-health';
import { ChannelFiles, type ChannelRecord } from './channel-files';
import { RelayChannel } from './relay-channel';
import { RingStore } from './ring-store';
import { SpliceFile } from './splice-file';

export interface RelayChannelsOptions {
  stateDir: string;
  ringSeconds: number;
  /** What all rings may take up together, and one of them at the most. */
  budget: SharedBudget;
  /** The same on disk. */
  disk: DiskBudget;
  files: OpenFiles;
  health: StorageHealth;
  /** Rejects once another process may use the state; before the lock is taken, nothing is written. */
  requireLock: () => Promise<void>;
  log: Logger;
}

const ignoreMissing = (error: unknown): void => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
};

/** All channels of a relay, with their records on disk. */
export class RelayChannels {
  private readonly files: ChannelFiles;
  private readonly channels = new Map<string, RelayChannel>();
  /** Channels of the last run whose files can't be used, with what is wrong. */
  private readonly leftOut = new Map<string, string>();
  /** Serialises additions and removals, so that a record on disk is never of two minds. */
  private readonly changes = new SerialQueue('relay');

  constructor(private readonly options: RelayChannelsOptions) {
    this.files = new ChannelFiles(options.stateDir);
  }

  /**
   * Brings back the channels that the last run knew, with their rings. One whose record or ring can't be read is left
   * out and named in `damaged`; it comes back when it is added, on the GOP numbers that its ring still tells.
   */
  async restore(): Promise<void> {
    const storedBytes = (): number => this.list().reduce((sum, channel) => sum + channel.storedBytes, 0);
    const { records, damaged } = await this.files.load();
    for (const [id, message] of damaged) this.leaveOut(id, message);
    const restored = [...records].map(([id, record]) =>
      this.create(id, record).catch((error: unknown) =>
        this.leaveOut(id, `its ring can't be read: ${(error as Error).message}.`),
      ),
    );
    await Promise.all(restored);
    await this.options.disk.begin(this.files.directory, storedBytes);
  }

  /** Channels of the last run that it goes on without. */
  get damaged(): Damage[] {
    return [...this.leftOut].map(([what, message]) => ({
      what,
      message,
      hint: 'It comes back by itself when its source connects; else remove the channel and add it again.',
    }));
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
      this.options.files.admit(this.channels.size);
      const record = { gopDurationTicks, nextGop: 0 };
      await this.admit(id);
      try {
        // A removal that a crash cut short may have left a ring behind.
        if (!this.leftOut.has(id)) await rm(this.files.ringDirectory(id), { recursive: true, force: true });
        await this.files.create(id, record);
        if (!this.leftOut.has(id)) return await this.create(id, record);
        const channel = await this.create(id, record).catch(async () => {
          await setAside(this.files.ringDirectory(id));
          return this.create(id, record);
        });
        this.leftOut.delete(id);
        return channel;
      } catch (error) {
        this.release(id);
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
      if (this.leftOut.delete(id)) await setAside(this.files.ringDirectory(id)).catch(ignoreMissing);
      this.release(id);
    });
  }

  /** Looks at the disk again: what has become free since may be used. */
  async lookAtDisk(): Promise<void> {
    await this.options.disk.look();
  }

  /** Ends all channels; their records stay. */
  async close(): Promise<void> {
    await Promise.all(this.list().map((channel) => channel.close()));
  }

  /** @throws SwarmError at-capacity-limit; storage-full */
  private async admit(id: string): Promise<void> {
    const { budget, disk } = this.options;
    await disk.admit(id);
    try {
      budget.admit(id);
    } catch (error) {
      disk.release(id);
      throw error;
    }
  }

  private release(id: string): void {
    this.options.budget.release(id);
    this.options.disk.release(id);
  }

  private async create(id: string, record: ChannelRecord): Promise<RelayChannel> {
    const { ringSeconds, budget, disk, health, requireLock, log } = this.options;
    budget.hold(id);
    disk.hold(id);
    const ringMaxBytes = (): number => budget.shareBytes;
    const store = new RingStore({
      channelId: id,
      directory: this.files.ringDirectory(id),
      gopDurationTicks: record.gopDurationTicks,
      ringSeconds,
      ringMaxBytes: () => Math.min(ringMaxBytes(), disk.shareBytes),
      health,
      requireLock,
      log,
    });
    const restored = await store.load();
    const file = new SpliceFile(this.files.ringDirectory(id));
    const splices = { file, known: await file.load() };
    const saveRecord = (latest: ChannelRecord): Promise<void> => this.files.update(id, latest);
    const limits = { ringSeconds, ringMaxBytes };
    const channel = new RelayChannel({
      ...{ id, record, ...limits, store, restored, splices },
      ...{ saveRecord, requireLock, log },
    });
    this.channels.set(id, channel);
    return channel;
  }

  private leaveOut(id: string, message: string): void {
    this.leftOut.set(id, message);
    this.options.log.error({ channel: id, message }, 'goes on without a channel: its files are damaged');
  }

  private change<T>(action: () => Promise<T>): Promise<T> {
    return this.changes.run(async () => {
      await this.options.requireLock();
      return action();
    });
  }
}
