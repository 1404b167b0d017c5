import type { SwarmContext } from '../../activities';
import type {
  ChannelSpec,
  ChannelWorkflowState,
  EncoderUpdate,
  InstalledBuild,
  MoveRequest,
  MoveResult,
  PendingEncoder,
  Policy,
  Provisioning,
  RecoverRequest,
  RolloutRequest,
  RolloutState,
} from '../../src/domain';
import type { Cause } from './failures';

/** Inputs of the workflows that only other workflows start. */

export interface ChannelWorkflowInput {
  cell: string;
  spec: ChannelSpec;
  context: SwarmContext;
  carried?: ChannelWorkflowState;
  /** Requests that earlier runs have answered, the oldest first: the same again gets the same answer. */
  answered?: AnsweredRequest[];
}

/** Either what came of it, or why nothing did: earlier versions kept refused and compensated moves so, too. */
export interface AnsweredRequest {
  requestId: string;
  result?: MoveResult;
  refusal?: Cause;
}

export interface MoveInput<R> {
  cell: string;
  spec: ChannelSpec;
  context: SwarmContext;
  /** Rungs of the ladder to encode after the move. */
  rungs: number;
  request: R;
}
export type HandoffInput = MoveInput<MoveRequest>;
export interface RecoveryInput extends MoveInput<RecoverRequest> {
  /** Attempts made by earlier runs, where a long recovery continued as new. */
  attempts?: number;
}

export interface ControlCycleInput {
  cell: string;
  cycle: number;
  /** Stays as it is where the cycle sees nothing. */
  lowDemandSinceMs: number | null;
}

/** What a cycle was handed before it read the rules and the channels from the swarm itself. */
export interface OlderCycleInput extends ControlCycleInput {
  channels: ChannelSpec[];
  cordons: SwarmContext['cordons'];
  policy: Policy;
  provisioning?: Provisioning;
}

export interface DrainInput {
  cell: string;
  encoderId: string;
  requestedBy: string;
  /** Moves at a time; default 2. */
  sideBySide?: number;
}

export interface DrainResult {
  encoderId: string;
  moved: string[];
  left: { channelId: string; why: string }[];
}

export interface ScaleOutInput {
  cell: string;
  /** One per encoder. */
  requests: PendingEncoder[];
  reason: string;
}

export interface ScaleOutResult {
  /** Encoders that answer. */
  encoderIds: string[];
  failed: { requestId: string; why: string }[];
}

export interface ScaleInInput {
  cell: string;
  encoderId: string;
  reason: string;
}

export interface SynchroniseInput {
  cell: string;
  update: EncoderUpdate;
}

export interface RolloutInput {
  cell: string;
  request: RolloutRequest;
  carried?: RolloutState;
}

export interface UpgradeInput {
  cell: string;
  encoderId: string;
  build: InstalledBuild;
  requestedBy: string;
  /** Names the change of build: the same id twice changes nothing. */
  requestId: string;
  movesAtOnce: number;
  /** Encode units that the self-test may take; default: all that the host has. */
  spareUnits?: number;
  /** Stays cordoned for all but these channels; absent: takes any work afterwards. */
  onlyChannels?: string[];
  /** There is no other way, as in a rollback: goes on trying until it is done. */
  persistent: boolean;
}

/** `gone`: the encoder has left the fleet. */
export interface UpgradeResult {
  encoderId: string;
  gone: boolean;
}
