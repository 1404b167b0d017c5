import type { OwnRequest } from '../../src/contracts/origin';
import type { Decision, Omitted } from '../../src/cycle';
import type {
  ChannelSpec,
  InstalledBuild,
  MoveExplanation,
  MoveResult,
  Owner,
  SnapshotReference,
  SwarmContext,
} from '../../src/domain';
import type { Evaluation, TrainingResult } from '../../src/models';
import type { LostChannel, OrphanSession } from '../../src/observation/channel-health';

/** Shapes that cross between workflows and activities. All plain JSON, all small. */

export type { SwarmContext } from '../../src/domain';
export type { Decision } from '../../src/cycle';
export type { LostChannel, OrphanSession } from '../../src/observation/channel-health';
export type { EncoderCalls } from '../../src/observation/encoder-directory';
export type { Observation } from '../../src/observation/swarm-observer';

export interface ForecastReference {
  forecastId: string;
  model: string;
  issuedAtMs: number;
}

/** What one control cycle decided and has to do; what it was decided from stays in the telemetry store. */
export interface CyclePlan extends Decision {
  /** Time of the snapshot. */
  atMs: number;
  snapshot: SnapshotReference;
  /** The forecast that was planned with; null: none was young enough. */
  forecast: ForecastReference | null;
  lost: LostChannel[];
  orphans: OrphanSession[];
  unregistered: string[];
  unreachable: string[];
  /** Who has cordoned the encoder that the plan releases; null: it is not cordoned, or none is released. */
  leavingCordonedBy: string | null;
  omitted?: Omitted;
}

/** What synchronising an encoder needs: the build to go to, and the one to go back to where that is known. */
export interface UpdatePlan {
  build: InstalledBuild;
  before: InstalledBuild | null;
}

/** The channel at the moment of a choice, as origin and relay tell it. GOP numbers. */
export interface ChannelFacts {
  token: number;
  owner: Owner | null;
  nextGop: number;
  hasPublished: boolean;
  /** Oldest GOP that the relay can still feed. */
  oldestGop: number;
}

export interface ChooseTargetRequest {
  cell: string;
  spec: ChannelSpec;
  /** Stands in where the swarm's workflow can't be asked, and for what it does not know of. */
  context: SwarmContext;
  rungs: number;
  /** Absent: the fittest. */
  toEncoderId?: string;
  exclude: string[];
  /** Name of the session to come, so that its load counts before the host reports it. */
  sessionId: string;
  /** Recovery puts being on air above every limit: it may fill an encoder, and may shrink the ladder. */
  purpose: 'handoff' | 'recovery';
  /** See MoveRequest. */
  otherLadder?: boolean;
}

export interface TargetChoice {
  encoderId: string;
  rungs: number;
  explanation: MoveExplanation;
  facts: ChannelFacts;
  /** It is of another compatibility class than the present owner: the seam has to be declared. */
  discontinuity?: boolean;
  atMs: number;
}

export interface PrepareTargetRequest {
  spec: ChannelSpec;
  encoderId: string;
  sessionId: string;
  rungs: number;
  fromGop: number;
}

export interface PreparedTarget {
  /** Digest of the secret that the session shows to the origin; absent: the host gives its sessions none. */
  ownerSecretSha256?: string;
  /** When the host had started the session, and when it stood near the live edge. */
  startedAtMs: number;
  atMs: number;
}

/** A change of a channel's owner, as the origin takes it. */
export type TakeOwnershipRequest = OwnRequest & { channelId: string };

export interface Ownership {
  token: number;
  firstGop: number;
  /** When the origin had answered. */
  atMs: number;
}

export interface ReturnOwnershipRequest {
  channelId: string;
  requestId: string;
  from: Owner;
  to: Owner;
  /** The source's token before the take-over. */
  tokenBefore: number;
  discontinuity?: boolean;
}

/** `granted` is null where a third party owns the channel by now. */
export interface ReturnedOwnership {
  granted: { token: number; firstGop: number } | null;
  atMs: number;
}

export interface TakeOverRequest {
  spec: ChannelSpec;
  requestId: string;
  encoderId: string;
  sessionId: string;
  rungs: number;
  facts: ChannelFacts;
  /** Published to viewers' playlists where GOPs can't be had any more. */
  gapReason: string;
  discontinuity?: boolean;
}

export interface TakenOver extends Ownership {
  /** GOPs declared as a gap because the relay no longer has them. */
  gapsDeclared: number;
  startedAtMs: number;
}

export interface AwaitPublishedRequest {
  channelId: string;
  gop: number;
  owner: Owner;
  /** How long the owner may take once the relay has sealed the GOP. */
  withinMs: number;
}

/** `published` false: the input is silent, so there is nothing that the owner could publish. */
export interface PublishedGop {
  published: boolean;
  atMs: number;
}

export interface Released {
  atMs: number;
}

/** An encoder to blame for a failed or unplanned move; lowers its fitness for a while. */
export interface Trouble {
  encoderId: string;
  kind: 'crash' | 'handoff-failed';
  atMs: number;
}

export interface RecordMoveRequest {
  cell: string;
  result: MoveResult;
  troubles: Trouble[];
}

/** Answer of a channel (or swarm) workflow to a request: accepted, or its validator's refusal. */
export interface Acceptance {
  accepted: boolean;
  why?: string;
}

/** How one channel of a drained encoder fared. */
export interface DrainedChannel {
  channelId: string;
  moved: boolean;
  /** True where the channel may be asked again, for instance because it was already moving. */
  retry: boolean;
  /** Of the failure; absent where it moved, and in what earlier versions answered. */
  code?: string;
  why?: string;
}

/** What one run of the feedback loop found. */
export interface ScoredForecasts {
  scored: number;
  /** Series whose errors have just been found to have shifted, such as `viewers/ch-1`. */
  drifts: string[];
}

export interface IssuedForecast {
  forecastId: string;
  model: string;
  channels: number;
  held: string[];
  historySteps: number;
  /** Largest P90 of the whole cell over the horizon, in encode units. */
  peakUnitsP90: number;
}

/** One run of the retraining workflow; names its folder of files. */
export interface RetrainingRun {
  runId: string;
}

export interface CollectedHistory {
  series: number;
  /** Of measured history, in days of the series. */
  days: number;
  fromMs: number;
  toMs: number;
}

export interface TrainRequest extends RetrainingRun {
  seed: number;
}

export type TrainedModel = TrainingResult;
export type EvaluatedModel = Evaluation;
export type { SettledModel } from '../../src/models';
