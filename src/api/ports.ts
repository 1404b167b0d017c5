import type { MoveRecord, RunStep } from '../contracts/api';
import type { SourceClient } from '../contracts/source';
import type {
  ChannelChange,
  ChannelSpec,
  ChannelWorkflowState,
  MoveRequest,
  MoveResult,
  SwarmWorkflowState,
} from '../domain';
import type { PartClients } from '../observation/part-clients';
import type { ForecastFeedback, ForecastInputs, PlanningRecords, TelemetryStore } from '../telemetry';
import type { EndedWorkflow } from '../temporal/ended-workflows';
import type { SwarmEnd } from '../temporal/swarm-run';
import type { RolloutsPort } from './rollouts-port';
import type { VersionsPort } from './versions-port';

/**
 * All that the API asks of the rest of the swarm. The real ones are in upstream.ts and orchestration.ts.
 * Every call has a deadline and refuses with a SwarmError.
 */
export interface ApiPorts {
  orchestration: Orchestration;
  versions: VersionsPort;
  rollouts: RolloutsPort;
  /** Media path, fleet and encoder hosts. */
  parts: PartClients;
  /** The source, asked what an input is. */
  inputs: Pick<SourceClient, 'look'>;
  telemetry: TelemetryReader;
  close(): Promise<void>;
}

/** What the control plane decides and remembers: Temporal. */
export interface Orchestration {
  /** Of a swarm that has ended, as it was then. */
  swarmState(): Promise<SwarmWorkflowState>;
  /** How the swarm's workflow ended; null while it runs. */
  swarmEnd(): Promise<SwarmEnd | null>;
  /** Workflows of channels and versions that ended, but for those that were started again. */
  ends(): Promise<EndedWorkflow[]>;
  /** @throws SwarmError unknown-channel */
  channelState(channelId: string): Promise<ChannelWorkflowState>;
  addChannel(spec: ChannelSpec): Promise<void>;
  /** Answers when the channel is what it was asked to be. @throws SwarmError; then nothing has changed */
  updateChannel(channelId: string, change: ChannelChange): Promise<void>;
  removeChannel(channelId: string): Promise<void>;
  move(channelId: string, request: MoveRequest): Promise<MoveResult>;
  setCordon(encoderId: string, change: 'cordon' | 'uncordon' | 'drain'): Promise<void>;
  /** Begins a retraining of the net, unless one is under way. */
  retrain(): Promise<void>;
  /** Running moves first, then the latest. */
  moves(options: { limit: number; channelId?: string }): Promise<MoveRecord[]>;
  /** One run with its history. @throws SwarmError not-found when there is no such workflow. */
  run(workflowId: string): Promise<WorkflowRun>;
  close(): Promise<void>;
}

/** One run of a workflow, read from its history. */
export interface WorkflowRun {
  workflowId: string;
  runId: string;
  url: string;
  type: string;
  status: string;
  startedAtMs: number;
  closedAtMs: number | null;
  input: unknown;
  result: unknown;
  failure: string | null;
  steps: RunStep[];
}

/** What the API asks of the telemetry store. */
export type TelemetryReader = Pick<
  TelemetryStore,
  'audienceHistory' | 'latestAudience' | 'latestForecast' | 'recent'
> & {
  inputs: Pick<ForecastInputs, 'regionLoad' | 'events' | 'putEvent' | 'removeEvent' | 'importAudience'>;
  feedback: Pick<ForecastFeedback, 'latest' | 'accuracy'>;
  planning: Pick<PlanningRecords, 'record' | 'forecast'>;
};
