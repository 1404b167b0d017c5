import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Damage } from '../../contracts/health';
import type { OriginChannel, OriginSpec } from '../../contracts/origin';
import { SwarmError, idSchema } from '../../domain';
import { makeDirectoryDurably, storageRefusal, syncDirectory } from '../../platform/durable-file';
import type { OpenFiles } from '../../platform/open-files';
import { SerialQueue } from '../../platform/serial-queue';
import { setAside } from '../../platform/set-aside';
import type { SharedBudget } from '../../platform/shared-budget';
import type { Held } from '../ownership-store';
import { Channel } from './channel';
import type { ChannelParts } from './channel-parts';
import { unknownChannel } from './channel-refusals';
import type { DiskBudget } from './disk-budget';
import { newOwnership } from './ownership';
import type { PlayedChannels } from './played-channel';
import type { FollowedOrigin } from './player-process';
import type { ChannelRecord } from './records';
import { loadChannel } from './recovery';
import { RemovedChannels } from './removed-channels';
import type { ReplicaGroup, SharedRecord } from './replication';

/** How often segments are looked through for those past their retention. */
const EXPIRY_INTERVAL_MS = 10_000;

export interface OriginParts extends ChannelParts {
  /** What the segments of all channels may take up together. */
  budget: DiskBudget;
  /** What the ledgers of all channels may take up together. */
  memory: SharedBudget;
  files: OpenFiles;
}

/** All channels of an origin. */
export class Origin {
  private readonly channels = new Map<string, Channel>();
  /** Channels whose files can't be used, with what is wrong: nothing of theirs is touched. */
  private readonly unusable = new Map<string, SwarmError>();
  /** Channels come and go one after the other. */
  private readonly changes = new SerialQueue('origin');
  private expiry: NodeJS.Timeout | undefined;
  /** Its channels as players find them here. */
  readonly played: PlayedChannels = { channel: (id) => this.channel(id).played };
  /** The same for a process that answers players. */
  readonly followed: FollowedOrigin;

  private constructor(
    private readonly directory: string,
    private readonly parts: OriginParts,
    private readonly removed: RemovedChannels,
  ) {
    const { channels, unusable } = this;
    this.followed = {
      unusable,
      get playedIds() {
        return channels.keys();
      },
      played: (id) => this.find(id)?.played,
    };
  }

  /**
   * Brings back all channels below a directory; one whose files are damaged is left as it is, and said in `damaged`.
   * One process at a time may use it.
   */
  static async open(directory: string, parts: OriginParts): Promise<Origin> {
    await makeDirectoryDurably(directory);
    const origin = new Origin(directory, parts, await RemovedChannels.open(directory));
    const names = (await readdir(directory)).filter((name) => idSchema.safeParse(name).success);
    await Promise.all(names.map((id) => origin.bringBack(id)));
    const onAir = origin.onAir().map(({ id }) => id);
    await parts.budget.begin(directory, () => origin.storedBytes, onAir);
    await origin.expireAll();
    origin.expiry = setInterval(() => void origin.housekeep(), EXPIRY_INTERVAL_MS).unref();
    await parts.group?.begin({
      onAir: (id, held) => origin.changes.run(() => origin.takeUp(id, held)).then(() => undefined),
      offAir: (id, held) =>
        origin.changes.run(async () => {
          if (!origin.group?.replica(id)?.knowsLaterThan(held)) await origin.drop(id);
        }),
    });
    return origin;
  }

  /** @throws SwarmError conflict, at-capacity-limit, storage-full; unavailable while the channel's files are damaged */
  register(id: string, options: OriginSpec): Promise<OriginChannel> {
    return this.changes.run(async () => {
      const { group } = this.parts;
      if (group) return (await this.takeUp(id, await group.register(id, options))).describe();
      const known = this.channels.get(id);
      if (known?.onAir) return known.register(options);
      await this.parts.budget.admit(id);
      try {
        return await (known ?? (await this.create(id, options))).register(options);
      } catch (error) {
        this.parts.budget.release(id);
        if (!this.channels.has(id)) this.parts.memory.release(id);
        throw error;
      }
    });
  }

  /**
   * Takes a channel off air and deletes what was kept of it; of its tokens the highest is remembered. Files that are
   * damaged are set aside instead. Idempotent: an unknown channel counts as removed.
   */
  remove(id: string): Promise<void> {
    return this.changes.run(async () => {
      const { group } = this.parts;
      if (group) {
        await group.remove(id);
        await this.drop(id);
        return;
      }
      const channel = this.channels.get(id);
      if (channel) {
        await channel.remove();
        this.parts.budget.release(id);
        await this.forget(channel).catch((error: unknown) => {
          throw storageRefusal(error, `the removal of channel ${id}`) ?? error;
        });
      } else if (this.unusable.has(id)) {
        await this.removed.rememberUnreadable();
        await this.setDamagedAside(id);
      }
    });
  }

  /** The origins that share the channels; undefined: this one is alone. */
  get group(): ReplicaGroup | undefined {
    return this.parts.group;
  }

  /** Where other origins share the channels: takes up one that is on air and not known here yet. */
  async look(id: string): Promise<void> {
    const { group } = this.parts;
    if (!group || this.find(id)) return;
    const held = await group.read(id);
    if (held?.record.onAir) await this.changes.run(() => this.takeUp(id, held));
  }

  /** The same as `list`, as it is in force with all origins that share the channels; as known where that can't be told soon. */
  async refreshedList(): Promise<OriginChannel[]> {
    await this.parts.group?.refreshSoon();
    return this.list();
  }

  /** The channel, if it is on air. */
  find(id: string): Channel | undefined {
    const channel = this.channels.get(id);
    return channel?.onAir ? channel : undefined;
  }

  /** @throws SwarmError unknown-channel; unavailable while the channel's files are damaged */
  channel(id: string): Channel {
    const channel = this.find(id);
    if (channel) return channel;
    throw this.unusable.get(id) ?? unknownChannel(id);
  }

  list(): OriginChannel[] {
    return this.onAir().map((channel) => channel.describe());
  }

  /** Channels that it goes on without. */
  get damaged(): Damage[] {
    return [...this.unusable].map(([what, { message, hint }]) => ({ what, message, hint: hint ?? '' }));
  }

  /** Bytes of the segments of all channels. */
  private get storedBytes(): number {
    return [...this.channels.values()].reduce((sum, channel) => sum + channel.storedBytes, 0);
  }

  async close(): Promise<void> {
    clearInterval(this.expiry);
    await this.parts.group?.stop();
    await Promise.all([...this.channels.values()].map((channel) => channel.close()));
  }

  private onAir(): Channel[] {
    return [...this.channels.values()].filter((channel) => channel.onAir);
  }

  private async create(id: string, options: OriginSpec): Promise<Channel> {
    const damaged = this.unusable.get(id);
    if (damaged) throw damaged;
    this.parts.files.admit(this.channels.size);
    this.parts.memory.admit(id);
    try {
      await makeDirectoryDurably(join(this.directory, id));
    } catch (error) {
      throw storageRefusal(error, `the directory of channel ${id}`) ?? error;
    }
    const ownership = newOwnership(this.removed.highestToken);
    return this.load(id, { ...options, onAir: false, ownership }, null);
  }

  /** Has a channel here as the store shows it. @throws SwarmError at-capacity-limit, storage-full */
  private async takeUp(id: string, held: Held<SharedRecord>): Promise<Channel> {
    const group = this.parts.group!;
    const known = this.channels.get(id);
    if (!known) {
      await this.parts.budget.admit(id);
      try {
        this.parts.files.admit(this.channels.size);
        this.parts.memory.admit(id);
        await makeDirectoryDurably(join(this.directory, id));
        await this.load(id, held.record, null);
      } catch (error) {
        this.parts.budget.release(id);
        if (!this.channels.has(id)) this.parts.memory.release(id);
        throw storageRefusal(error, `the directory of channel ${id}`) ?? error;
      }
    }
    this.unusable.delete(id);
    group.replica(id)?.observe(held);
    return this.channels.get(id)!;
  }

  /** Forgets a channel that others have taken off air. */
  private async drop(id: string): Promise<void> {
    this.parts.health.succeeded(id);
    const channel = this.channels.get(id);
    if (!channel) {
      if (this.unusable.has(id)) await this.setDamagedAside(id);
      return;
    }
    await channel.drop();
    this.parts.budget.release(id);
    await this.forget(channel);
  }

  private async setDamagedAside(id: string): Promise<void> {
    const aside = await setAside(join(this.directory, id));
    this.unusable.delete(id);
    this.parts.log.warn({ channel: id, aside }, 'a channel whose files are damaged was set aside');
  }

  private async bringBack(id: string): Promise<void> {
    try {
      const held = await this.parts.store.read(id);
      if (!held) return;
      const channel = await this.load(id, held.record, held.version);
      // A removal that was cut short, or one of a release that kept the folders of removed channels.
      if (!channel.onAir) await this.changes.run(() => this.forget(channel));
    } catch (error) {
      const damage =
        error instanceof SwarmError
          ? error
          : new SwarmError(
              'unavailable',
              `${join(this.directory, id)} can't be read: ${(error as Error).message}.`,
              'Mend it and start the origin again, or remove the channel and add it again.',
            );
      this.unusable.set(id, damage);
      this.parts.log.error({ err: error, channel: id }, 'goes on without a channel: its files are damaged');
    }
  }

  private async load(id: string, record: ChannelRecord, version: string | null): Promise<Channel> {
    const directory = join(this.directory, id);
    this.parts.memory.hold(id);
    const loaded = await loadChannel(
      directory,
      record,
      version,
      () => this.parts.limits.keptRecords,
      this.parts.now(),
      this.group !== undefined,
    );
    const { spoiltLines, foreignLines } = loaded;
    if (spoiltLines > 0) {
      this.parts.log.warn(
        { channel: id, lines: spoiltLines },
        'ledger lines spoilt by a crash were left out',
      );
    }
    if (foreignLines > 0) {
      this.parts.log.error(
        { channel: id, lines: foreignLines },
        `ledger lines that are not understood were set aside; their GOPs are ${this.group ? 'fetched from other origins' : 'declared gaps'}`,
      );
    }
    const channel = new Channel(id, directory, loaded, this.parts);
    await this.group
      ?.replica(id)
      ?.copy.load(loaded.isUnbroken)
      .catch(async (error: unknown) => {
        await this.group?.forget(id);
        throw error;
      });
    this.channels.set(id, channel);
    this.parts.follow?.(id);
    return channel;
  }

  /** Deletes the folder of a channel that is off air, once its token is remembered. */
  private async forget(channel: Channel): Promise<void> {
    await this.removed.remember(channel.describe().token);
    this.channels.delete(channel.id);
    this.parts.follow?.(channel.id);
    await this.parts.group?.forget(channel.id);
    this.parts.memory.release(channel.id);
    await channel.close();
    // What another origin has just sent may still be on its way to the disk.
    await rm(join(this.directory, channel.id), {
      recursive: true,
      force: true,
      maxRetries: 10,
      retryDelay: 20,
    });
    await syncDirectory(this.directory);
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
