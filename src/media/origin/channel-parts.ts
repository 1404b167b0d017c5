import type { Logger } from '../../platform/logger';
import type { StorageHealth } from '../../platform/storage-health';
import type { OwnershipStore } from '../ownership-store';
import type { MediaLimits } from './channel-media';
import type { ChannelRecord } from './records';
import type { RelayLedger } from './relay-ledger';
import type { ReplicaGroup } from './replication';

/** What all channels of an origin share. */
export interface ChannelParts {
  relay: RelayLedger;
  limits: MediaLimits;
  /** Wall clock, milliseconds since 1970: only for what is told to others. */
  now: () => number;
  /** Milliseconds of a clock that is never set. */
  monotonicMs: () => number;
  /** Rejects once another process may use the state. */
  requireLock: () => Promise<void>;
  health: StorageHealth;
  log: Logger;
  /** Called with a channel of which players may see something new. */
  follow?: ((channelId: string) => void) | undefined;
  /** How long partial segments are; 0, and by default: there are none. */
  partialMs?: number;
  /** Keeps the records of an origin that is alone. */
  store: OwnershipStore<ChannelRecord>;
  /** The origins that share the channels; absent: it is alone. */
  group?: ReplicaGroup | undefined;
}
