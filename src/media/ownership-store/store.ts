/** A record in force, and the version by which it is replaced. */
export interface Held<T> {
  record: T;
  /** Opaque; of this one record. */
  version: string;
}

/**
 * Where the records of ownership are kept, one for each channel. Linearizable: what was read is what was written last, and
 * of two that replace the same version one is refused.
 */
export interface OwnershipStore<T> {
  /** @throws SwarmError unavailable while the store can't be asked, or a record can't be understood */
  read(channelId: string): Promise<Held<T> | undefined>;
  /** All of them, by channel; etcd leaves out those that can't be understood. @throws as `read` */
  readAll(): Promise<Map<string, Held<T>>>;
  /**
   * Compare-and-set; durable when it resolves.
   * @param version of the record that is replaced; null: there is none yet
   * @returns the new version; null if another one is in force, and nothing was changed
   * @throws SwarmError unavailable: it may or may not have been written; what the file system refused
   */
  replace(channelId: string, record: T, version: string | null): Promise<string | null>;
}
