import type { ChannelSpec } from './channel';
import type { MoveExplanation, MoveReason } from './plan';

/** Request to move a running channel, as the channel workflow takes it. */
export interface MoveRequest {
  /** Names the request; the same id twice is one request. */
  requestId: string;
  reason: MoveReason;
  /** Absent: the fittest compatible encoder with room is chosen. */
  toEncoderId?: string;
  /** Rungs of the ladder to encode after the move; absent: as now. */
  rungs?: number;
  requestedBy: string;
  requestedAtMs: number;
  explanation?: MoveExplanation;
}

/** How a handoff or recovery ended. */
export type MoveOutcome = 'completed' | 'compensated' | 'recovered' | 'refused' | 'unresolved';

/** Result of a handoff or recovery workflow. Times are wall-clock milliseconds. */
export interface MoveResult {
  channelId: string;
  workflowId: string;
  runId: string;
  reason: MoveReason;
  outcome: MoveOutcome;
  fromEncoderId: string | null;
  toEncoderId: string | null;
  /** Owner after the move. */
  ownerEncoderId: string | null;
  ownerSessionId: string | null;
  token: number;
  rungs: number;
  /** First GOP that the new owner published. */
  firstGop: number | null;
  requestedAtMs: number;
  preparedAtMs: number | null;
  committedAtMs: number | null;
  publishedAtMs: number | null;
  releasedAtMs: number | null;
  finishedAtMs: number;
  /** Time that both encoders worked on the channel, in GOPs. */
  overlapGops: number | null;
  gapsDeclared: number;
  steps: MoveStep[];
  failure?: { code: string; message: string };
  explanation?: MoveExplanation;
}

export interface MoveStep {
  name: string;
  startedAtMs: number;
  finishedAtMs: number;
  ok: boolean;
  note?: string;
}

/** State of a channel's entity workflow, as its `state` query answers. */
export interface ChannelWorkflowState {
  spec: ChannelSpec;
  status: 'starting' | 'on-air' | 'moving' | 'recovering' | 'off-air' | 'removing' | 'removed';
  ownerEncoderId: string | null;
  ownerSessionId: string | null;
  token: number;
  rungs: number;
  moves: number;
  movedAtMs: number | null;
  lastMove: MoveResult | null;
  detail: string;
}
