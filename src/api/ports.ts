import type { StorageReport } from '../contracts/health';
import type { ForecastFeedback } from '../telemetry';
import type { ForecastInputs } from '../telemetry';
import type { PlanningRecords, TelemetryStore } from '../telemetry';
import type {
  ChannelSpec,
  ChannelWorkflowState,
  EncoderInfo,
  EncoderTelemetry,
  MoveRequest,
  MoveResult,
  Owner,
  SwarmWorkflowState,
} from '../domain';
import type { MoveRecord } from '../contracts/api';
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
  origin: OriginPort;
  source: { channels(): Promise<SourceChannel[]> };
  /** Whether relay and origin can write to their disks. */
  storage(): Promise<StorageReport[]>;
  fleet: { list(): Promise<FleetMember[]> };
  encoder: {
    describe(grpcAddress: string): Promise<EncoderInfo>;
    telemetry(grpcAddress: string): Promise<EncoderTelemetry>;
  };
  telemetry: TelemetryReader;
  close(): Promise<void>;
}

/** What the control plane decides and remembers: Temporal. */
export interface Orchestration {
  swarmState(): Promise<SwarmWorkflowState>;
  /** @throws SwarmError unknown-channel */
  channelState(channelId: string): Promise<ChannelWorkflowState>;
  addChannel(spec: ChannelSpec): Promise<void>;
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

/** One activity or child workflow of a run, in the order in which they were scheduled. */
export interface RunStep {
  name: string;
  startedAtMs: number;
  finishedAtMs: number | null;
  attempts: number;
  /** null while it runs. */
  ok: boolean | null;
  note?: string;
}

export interface OriginPort {
  channels(): Promise<OriginChannel[]>;
  /** The last published GOP, or null if it is no longer kept. */
  ledgerEntry(channelId: string, gop: number): Promise<LedgerEntry | null>;
}

/** The fields that the API reads; see docs/reference/protocols/. */
export interface OriginChannel {
  id: string;
  gopDurationTicks: number;
  token: number;
  owner: Owner | null;
  nextGop: number;
  hasPublished: boolean;
  lastPublishedAtMs: number | null;
  gapsDeclared: number;
  refusals: Record<string, number>;
}

export interface LedgerEntry {
  gop: number;
  delayMs: number | null;
  renditions: { name: string }[];
}

export interface SourceChannel {
  id: string;
  state: 'running' | 'ended' | 'failed';
  error?: string;
}

export interface FleetMember {
  id: string;
  grpcAddress: string;
  region: string;
  zone: string;
  state: 'starting' | 'running' | 'restarting' | 'stopped';
  restarts: number;
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
