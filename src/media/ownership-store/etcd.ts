import type { z } from 'zod';
import { SwarmError } from '../../domain';
import type { EtcdGateway, EtcdEntry } from './etcd-gateway';
import type { Held, OwnershipStore } from './store';

/** The revision of what is not there. */
const NONE = '0';

/** Records in etcd, one key for each channel below `/encoder-swarm/<cell>/channels/`. */
export class EtcdOwnershipStore<T> implements OwnershipStore<T> {
  private readonly prefix: string;
  /** Revisions of records that were said to be left out, by key. */
  private readonly leftOut = new Map<string, string>();

  constructor(
    private readonly etcd: EtcdGateway,
    cell: string,
    private readonly schema: z.ZodType<T>,
    private readonly onLeftOut: (error: SwarmError) => void = () => undefined,
  ) {
    this.prefix = `/encoder-swarm/${cell}/channels/`;
  }

  async read(channelId: string): Promise<Held<T> | undefined> {
    const entry = await this.etcd.get(this.prefix + channelId);
    return entry && this.held(entry);
  }

  async readAll(): Promise<Map<string, Held<T>>> {
    const entries = await this.etcd.getAll(this.prefix);
    return new Map(
      entries.flatMap((entry) => {
        const held = this.heldOrLeftOut(entry);
        return held ? [[entry.key.slice(this.prefix.length), held]] : [];
      }),
    );
  }

  replace(channelId: string, record: T, version: string | null): Promise<string | null> {
    return this.etcd.replace(this.prefix + channelId, JSON.stringify(record), version ?? NONE);
  }

  /** Each revision of a record that can't be understood is told of once. */
  private heldOrLeftOut(entry: EtcdEntry): Held<T> | undefined {
    try {
      return this.held(entry);
    } catch (error) {
      if (this.leftOut.get(entry.key) !== entry.revision) this.onLeftOut(error as SwarmError);
      this.leftOut.set(entry.key, entry.revision);
      return undefined;
    }
  }

  private held({ key, value, revision }: EtcdEntry): Held<T> {
    try {
      return { record: this.schema.parse(JSON.parse(value)), version: revision };
    } catch (error) {
      throw new SwarmError(
        'unavailable',
        `${key} in the ownership store can't be understood: ${(error as Error).message}`,
        'A newer release may have written it: start that one, or restore the record from a backup of etcd.',
      );
    }
  }
}
