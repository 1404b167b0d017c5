import type { ChannelSpec } from './channel';
import type { Cordons } from './cordons';
import type { MoveReason, Plan, Policy } from './plan';
import type { SnapshotReference } from './planning-record';
import type { Provisioning } from './provisioning';
import type { Fitness } from './snapshot';
import type { EncoderUpdate } from './version-manager';

/** Names by which workflows, worker, API and CLI find each other in Temporal. */
export const swarmWorkflowId = (cell: string): string => `swarm/${cell}`;
export const channelWorkflowId = (channelId: string): string => `channel/${channelId}`;
export const forecastScheduleId = (cell: string): string => `forecasting/${cell}`;
export const retrainScheduleId = (cell: string): string => `retraining/${cell}`;

/** Typed search attributes, all of type Keyword. They must be registered on the server. */
export const searchAttributeNames = {
  cell: 'SwarmCell',
  channel: 'SwarmChannel',
  encoder: 'SwarmEncoder',
  reason: 'SwarmReason',
  outcome: 'SwarmOutcome',
} as const;

/** Updates, signals and queries of `swarm/<cell>`. */
export const swarmControl = {
  /** Update (ChannelSpec, AddChannelOptions?) -> void. Registers source, relay and origin; refusals: channel-exists, input-not-video. */
  addChannel: 'addChannel',
  /**
   * Update (channelId: string, ChannelChange, requestedBy?: string) -> void, on air. Refusals change nothing: unknown-channel, input-not-video,
   * move-in-progress, at-capacity-limit, and those of a handoff.
   */
  updateChannel: 'updateChannel',
  /** Update (channelId: string) -> void. Refusal: unknown-channel. */
  removeChannel: 'removeChannel',
  /**
   * Update (channelId: string, ChannelWorkflowState?) -> boolean. Starts the workflow of a channel again, which ended in
   * another way than by its removal, with what it knew; false where it runs, or the swarm has no such channel.
   */
  takeUpChannel: 'takeUpChannel',
  /** Update (CordonRequest) -> void. Takes no new work. Refusal: unknown-encoder. */
  cordon: 'cordon',
  uncordon: 'uncordon',
  /** Update (CordonRequest) -> void: cordons, and moves all work away through the channel workflows. */
  drain: 'drain',
  /** Update (Policy) -> void. */
  setPolicy: 'setPolicy',
  /** Signal (EncoderLost). */
  encoderLost: 'encoderLost',
  /** Signal (SessionFailed). */
  sessionFailed: 'sessionFailed',
  /** Signal (PendingEncoder[]): encoders are being asked for. */
  encodersRequested: 'encodersRequested',
  /** Signal (RequestEnded): what became of one such request. */
  encoderRequestEnded: 'encoderRequestEnded',
  /** Signal (): run the next control cycle now. */
  wake: 'wake',
  /** Query -> SwarmWorkflowState, all channels included; it fails in a cell of more than some hundred channels. */
  state: 'state',
  /** Query -> SwarmRules. Small, however many channels there are. */
  rules: 'rules',
  /** Query -> SwarmProgress. Small, however many channels there are. */
  progress: 'progress',
  /** Query (ChannelPageRequest) -> ChannelPage. */
  channels: 'channels',
} as const;

/** Updates and queries of `channel/<id>`. */
export const channelControl = {
  /**
   * Update (MoveRequest) -> MoveResult, also of a move that was refused by what it found, or undone: see `failureOf`.
   * Refusals, before a move begins: bad-request, unknown-channel, same-encoder, move-in-progress.
   */
  move: 'move',
  /** Update (RecoverRequest) -> MoveResult. */
  recover: 'recover',
  /** Update (ChannelChangeRequest) -> ChannelSpec: on air, by a handoff where the ladder is another. */
  change: 'change',
  /** Update () -> void. */
  remove: 'remove',
  /** Update (): puts the channel back into those of relay, origin and source that lost it. */
  registerAgain: 'registerAgain',
  /** Signal (): look whether a new build of the workers is out, and go on on it. */
  wake: 'wake',
  /** Query -> ChannelWorkflowState. */
  state: 'state',
} as const;

export interface EncoderLost {
  encoderId: string;
  evidence: string;
  atMs: number;
}

export interface SessionFailed {
  channelId: string;
  encoderId: string;
  sessionId: string;
  code: string;
  message: string;
  atMs: number;
}

export interface RecoverRequest {
  requestId: string;
  reason: Extract<MoveReason, 'encoder-lost' | 'session-failed' | 'start'>;
  /** Owner that was lost; a recovery of a channel that another owner holds by now is refused with conflict. */
  lostEncoderId: string | null;
  lostSessionId: string | null;
  evidence: string;
  requestedAtMs: number;
}

/** Input of the swarm workflow; a long list of channels comes packed, as a second argument. */
/** How a channel is registered at source, relay and origin. */
export interface AddChannelOptions {
  /** An input that can't be opened now is no reason to refuse: the source tries it until it can. */
  inputMayBeAway: boolean;
}

export interface SwarmWorkflowInput {
  cell: string;
  cycleSeconds: number;
  policy: Policy;
  carried?: CarriedSwarm;
  /** Somebody asked for a cycle while the last one of the run before went on. */
  isWoken?: boolean;
}

export interface SwarmWorkflowState {
  cell: string;
  cycle: number;
  policy: Policy;
  channels: ChannelSpec[];
  cordons: Cordons;
  lowDemandSinceMs: number | null;
  /** Encoders asked for and what earlier requests came to; absent in the state of a swarm that never asked. */
  provisioning?: Provisioning;
  lastCycle: CycleResult | null;
}

/** What a swarm still has to do about one channel: take back a start that was refused, or a channel without workflow. */
export type Chore =
  | { kind: 'unregister'; channelId: string; /** Parts that knew the channel before. */ keepAt: string[] }
  | { kind: 'remove'; channelId: string; requestId: string };

/** What one run of the swarm hands to the next. Without channels: they are packed, beside it. */
export type CarriedSwarm = Omit<SwarmWorkflowState, 'channels'> &
  Partial<Pick<SwarmWorkflowState, 'channels'>> & { chores?: readonly Chore[] };

/** How far the swarm's control loop is. */
export type SwarmProgress = Pick<SwarmWorkflowState, 'cycle' | 'lastCycle'>;

/** What a choice of encoders has to obey. */
export type SwarmContext = Pick<SwarmWorkflowState, 'policy' | 'cordons'>;

/** What the swarm keeps beside its channels: the rules of every plan and of every choice. */
export interface SwarmRules extends SwarmContext {
  lowDemandSinceMs: number | null;
  provisioning?: Provisioning;
  /** Another one after every change of the list of channels. */
  channelsRevision: string;
}

/** Which of the swarm's channels: from the place `from` on, `limit` at most; fewer, but one, where they are long. */
export interface ChannelPageRequest {
  from: number;
  limit: number;
}

/** Some of the swarm's channels, in its order. */
export interface ChannelPage {
  /** Pages of different revisions do not belong together. */
  revision: string;
  /** All channels, not those of this page. */
  total: number;
  channels: ChannelSpec[];
}

/** Decision record of one control cycle: result of `cycle/<cell>/<n>`. */
export interface CycleResult {
  workflowId: string;
  atMs: number;
  forecastId: string | null;
  forecastModel: string | null;
  /** What the plan was made from, in the telemetry store. Absent: by a cycle that saw nothing, or of an older version. */
  snapshot?: SnapshotReference;
  /** In a large swarm the weakest ones only; see `omitted`. */
  fitness: Fitness[];
  plan: Plan;
  /** Entries left out of this record, by list; planning again from the snapshot gives them. Absent: none. */
  omitted?: Record<string, number>;
  /** What became of each decision: accepted by its channel, or refused and why. */
  acted: { what: string; accepted: boolean; why?: string }[];
  unreachable: string[];
  /** Encoders that run another build than the cell's target, in the order in which they are synchronised. */
  updates?: EncoderUpdate[];
}
