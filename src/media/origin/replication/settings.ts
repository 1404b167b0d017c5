import type { ReplicaClient } from '../../../contracts/origin-replica';
import type { Logger } from '../../../platform/logger';
import type { StorageHealth } from '../../../platform/storage-health';
import type { OwnershipStore } from '../../ownership-store';
import type { ChannelMedia } from '../channel-media';
import type { ChannelRecord } from '../records';
import type { SharedRecord } from './records';

/** Another origin of the swarm. */
export interface Peer {
  name: string;
  client: ReplicaClient;
}

/** What a replica needs of its channel. */
export interface ReplicaChannel {
  readonly id: string;
  readonly directory: string;
  readonly media: ChannelMedia;
  gopDurationTicks(): number;
  /** What is decided of it, and how far its log goes, is another now. */
  setRecord(record: ChannelRecord): void;
}

export interface ReplicaParts {
  /** Of this origin. */
  name: string;
  peers: readonly Peer[];
  store: OwnershipStore<SharedRecord>;
  keptRecords: () => number;
  /** Name of the other origin that leads the channel and answers; null: none does. */
  leaderElsewhere(): Promise<string | null>;
  /** Who is told whether this origin's disk takes what is written. */
  disk: Pick<StorageHealth, 'succeeded' | 'failed'>;
  log: Logger;
}
