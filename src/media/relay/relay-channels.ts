import { SwarmError } from '../../domain';
import type { Logger } from '../../service/logger';
import { ChannelFiles, type ChannelRecord } from './channel-files';
import { RelayChannel } from './relay-channel';

export interface RelayChannelsOptions {
  stateDir: string;
  ringSeconds: number;
  ringMaxBytes: number;
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

  /** Brings back the channels that the last run knew; their rings are empty. */
  async restore(): Promise<void> {
    for (const [id, record] of await this.files.load()) this.channels.set(id, this.create(id, record));
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

  /** Adds a channel; idempotent. @throws SwarmError conflict if it is known with another GOP duration */
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
      const record = { gopDurationTicks, nextGop: 0 };
      await this.files.save(id, record);
      const channel = this.create(id, record);
      this.channels.set(id, channel);
      return channel;
    });
  }

  /** Removes a channel with its feeds, its contribution and its record; idempotent. */
  remove(id: string): Promise<void> {
    return this.change(async () => {
      const channel = this.channels.get(id);
      this.channels.delete(id);
      await channel?.close();
      await this.files.remove(id);
    });
  }

  /** Ends all channels; their records stay. */
  async close(): Promise<void> {
    await Promise.all(this.list().map((channel) => channel.close()));
  }

  private create(id: string, record: ChannelRecord): RelayChannel {
    const { ringSeconds, ringMaxBytes, log } = this.options;
    const save = (latest: ChannelRecord): Promise<void> => this.files.save(id, latest);
    return new RelayChannel({ id, record, ringSeconds, ringMaxBytes, save, log });
  }

  private change<T>(action: () => Promise<T>): Promise<T> {
    const result = this.changes.then(action);
    this.changes = result.catch(() => undefined);
    return result;
  }
}
