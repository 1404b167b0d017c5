import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OriginChannel } from '../../contracts/origin';
import { SwarmError, idSchema } from '../../domain';
import { makeDirectoryDurably, storageRefusal } from '../../platform/durable-file';
import { Channel, type ChannelParts } from './channel';
import type { DiskBudget } from './disk-budget';
import { newOwnership } from './ownership';
import type { ChannelRecord } from './records';
import { loadChannel, readChannelRecord } from './recovery';

/** How often segments are looked through for those past their retention. */
const EXPIRY_INTERVAL_MS = 10_000;

export interface OriginParts extends ChannelParts {
  /** What the segments of all channels may take up together. */
  budget: DiskBudget;
}

/** All channels of an origin, on air or remembered for their tokens. */
export class Origin {
  private readonly channels = new Map<string, Channel>();
  private expiry: NodeJS.Timeout | undefined;

  private constructor(
    private readonly directory: string,
    private readonly parts: OriginParts,
    private readonly maxChannels: number,
  ) {}

  /**
   * Brings back all channels below a directory. One process at a time may use it.
   * @throws SwarmError unavailable when a channel's record is damaged
   */
  static async open(directory: string, parts: OriginParts, maxChannels: number): Promise<Origin> {
    const origin = new Origin(directory, parts, maxChannels);
    await makeDirectoryDurably(directory);
    const names = (await readdir(directory)).filter((name) => idSchema.safeParse(name).success);
    await Promise.all(
      names.map(async (id) => {
        const record = await readChannelRecord(join(directory, id));
        if (record) await origin.load(id, record);
      }),
    );
    const onAir = origin.onAir().map(({ id }) => id);
    await parts.budget.begin(directory, () => origin.storedBytes, onAir);
    await origin.expireAll();
    origin.expiry = setInterval(() => void origin.housekeep(), EXPIRY_INTERVAL_MS).unref();
    return origin;
  }

  /** @throws SwarmError conflict, at-capacity-limit, storage-full */
  async register(
    id: string,
    options: { gopDurationTicks: number; framesPerSecond: number },
  ): Promise<OriginChannel> {
    const known = this.channels.get(id);
    if (!known?.onAir) await this.parts.budget.admit(id);
    try {
      return await (known ?? (await this.create(id, options))).register(options);
    } catch (error) {
      if (!this.find(id)) this.parts.budget.release(id);
      throw error;
    }
  }

  /** Idempotent: an unknown channel counts as removed. */
  async remove(id: string): Promise<void> {
    await this.channels.get(id)?.remove();
    this.parts.budget.release(id);
  }

  /** The channel, if it is on air. */
  find(id: string): Channel | undefined {
    const channel = this.channels.get(id);
    return channel?.onAir ? channel : undefined;
  }

  /** @throws SwarmError unknown-channel */
  channel(id: string): Channel {
    const channel = this.find(id);
    if (channel) return channel;
    throw new SwarmError('unknown-channel', `The origin has no channel ${id}.`, 'Add the channel first.');
  }

  list(): OriginChannel[] {
    return this.onAir().map((channel) => channel.describe());
  }

  /** Callers that wait for a GOP of any channel. */
  get waiting(): number {
    return this.onAir().reduce((sum, channel) => sum + channel.waiting, 0);
  }

  /** Bytes of the segments of all channels. */
  private get storedBytes(): number {
    return [...this.channels.values()].reduce((sum, channel) => sum + channel.storedBytes, 0);
  }

  async close(): Promise<void> {
    clearInterval(this.expiry);
    await Promise.all([...this.channels.values()].map((channel) => channel.close()));
  }

  private onAir(): Channel[] {
    return [...this.channels.values()].filter((channel) => channel.onAir);
  }

  private async create(
    id: string,
    options: { gopDurationTicks: number; framesPerSecond: number },
  ): Promise<Channel> {
    if (this.channels.size >= this.maxChannels) {
      throw new SwarmError(
        'at-capacity-limit',
        `The origin remembers ${this.maxChannels} channels, those removed included.`,
        'Stop the origin and remove the directories of channels that are no longer needed.',
      );
    }
    try {
      await makeDirectoryDurably(join(this.directory, id));
    } catch (error) {
      throw storageRefusal(error, `the directory of channel ${id}`) ?? error;
    }
    return this.load(id, { ...options, onAir: false, ownership: newOwnership() });
  }

  private async load(id: string, record: ChannelRecord): Promise<Channel> {
    const directory = join(this.directory, id);
    const loaded = await loadChannel(directory, record, this.parts.limits.keptRecords, this.parts.now());
    if (loaded.spoiltLines > 0) {
      this.parts.log.warn(
        { channel: id, lines: loaded.spoiltLines },
        'ledger lines spoilt by a crash were left out',
      );
    }
    // Two callers may have come here for a new channel: the first object stays the only one.
    const channel = this.channels.get(id) ?? new Channel(id, directory, loaded, this.parts);
    this.channels.set(id, channel);
    return channel;
  }

  private async housekeep(): Promise<void> {
    await this.parts.budget.look().catch(() => undefined);
    await this.expireAll();
    // Whoever publishes finds out by itself; of the others nobody would notice that there is room again.
    for (const id of this.parts.health.status.affected)
      await this.channels
        .get(id)
        ?.probeStorage()
        .catch(() => undefined);
  }

  private async expireAll(): Promise<void> {
    for (const channel of this.channels.values()) {
      await channel.expire().catch((error: unknown) => {
        this.parts.log.error(
          { err: error, channel: channel.id },
          'segments past their retention could not be deleted',
        );
      });
    }
  }
}
