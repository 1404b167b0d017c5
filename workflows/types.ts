import type { SwarmContext } from '../activities';
import type { ChannelSpec, ChannelWorkflowState, MoveRequest, Policy, RecoverRequest } from '../src/domain';

/** Inputs of the workflows that only other workflows start. */

export interface ChannelWorkflowInput {
  cell: string;
  spec: ChannelSpec;
  context: SwarmContext;
  carried?: ChannelWorkflowState;
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
  channels: ChannelSpec[];
  cordons: SwarmContext['cordons'];
  policy: Policy;
  lowDemandSinceMs: number | null;
}

export interface DrainInput {
  cell: string;
  encoderId: string;
  requestedBy: string;
}

export interface DrainResult {
  encoderId: string;
  moved: string[];
  left: { channelId: string; why: string }[];
}

export interface ScaleOutInput {
  cell: string;
  count: number;
  reason: string;
}

export interface ScaleInInput {
  cell: string;
  encoderId: string;
  reason: string;
}
