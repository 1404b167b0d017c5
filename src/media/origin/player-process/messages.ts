import type { MediaHealth } from '../../../contracts/health';
import type { ErrorBody, ViewerCount } from '../../../domain';
import type { ServerLimits } from '../../../platform/http';
import type { TlsFiles } from '../../../platform/links/link-tls';
import type { Identity } from '../../../platform/own-identity';
import type { Partial as PartialSegment } from '../partial-rules';
import type { ListedOpenGop } from '../partial-segments';
import type { PlayedState } from '../played-channel';
import type { LedgerRecord } from '../records';

/** What an origin and its players' process tell each other. Both are always of the same release. */

/** Where and how players are answered. */
export interface ListenerOptions {
  host: string;
  port: number;
  names: readonly string[] | undefined;
  plain: boolean;
  connections: Partial<ServerLimits>;
  playKeysFolder: string | null;
  /** Text of SWARM_VIEWER_NETWORKS. */
  regions: string;
  proxies: readonly string[];
  partialMs: number;
  maxPlayerWaits: number;
  fragmentBytes: number;
  identity: Identity;
  tls: TlsFiles | undefined;
}

/** What is new of the partial segments of a channel. */
export interface PartialsNews {
  /** The GOP that is being published; its `bytes` begin with the partial segment of this index, as those before are known. */
  open: { from: number; gop: ListedOpenGop } | null;
  /** Of whole GOPs: those that are not known yet, and the numbers of all. */
  whole: [number, PartialSegment[]][];
  wholeGops: number[];
}

/** What is new of a channel. */
export interface ChannelNews {
  id: string;
  state: PlayedState;
  /** Folder of its segments. */
  directory: string;
  /** Nothing that was told before counts any more. */
  isNew: boolean;
  ledger: {
    /** It begins anew; else what follows is added. */
    isNew: boolean;
    /** What was told ahead comes first; else it does not count. */
    goesOnFromAhead: boolean;
    records: LedgerRecord[];
    firstGop: number | null;
  };
  /** GOPs whose segments are stored, in this order, and whose are not any more. */
  came: number[];
  went: number[];
  /** Absent: GOPs are published whole. */
  partials?: PartialsNews;
}

export interface News {
  channels: ChannelNews[];
  /** Channels that are not on air any more. */
  gone: string[];
  /** Channels whose files can't be used. */
  unusable: { id: string; error: ErrorBody }[];
  health: MediaHealth;
  /** With it, all is told that there was when this process was begun with. */
  isWhole: boolean;
}

export type ToPlayers =
  | { kind: 'listen'; options: ListenerOptions }
  /** The next is told when this one is taken, so that what a slow process has not read yet is bounded. */
  | { kind: 'news'; news: News }
  /** Records of a long ledger ahead of the news that they are of. */
  | { kind: 'ahead'; id: string; isFirst: boolean; records: LedgerRecord[] }
  | { kind: 'audience'; question: number }
  | { kind: 'stop' };

export type FromPlayers =
  | { kind: 'listening'; port: number }
  | { kind: 'failed'; error: ErrorBody }
  | { kind: 'taken' }
  | { kind: 'audience'; question: number; viewers: ViewerCount[] };
