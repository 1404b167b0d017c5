import type { MoveRecord, RunStep } from '../contracts/api';
import type { FleetEncoder } from '../contracts/fleet';
import type { StorageReport } from '../contracts/health';
import type * as origin from '../contracts/origin';
import type * as source from '../contracts/source';
import type {
  ChannelSpec,
  ChannelWorkflowState,
  EncoderInfo,
  EncoderTelemetry,
  MoveRequest,
  MoveResult,
  SwarmWorkflowState,
} from '../domain';
import type { ForecastFeedback, ForecastInputs, PlanningRecords, TelemetryStore } from '../telemetry';
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

export interface OriginPort {
  channels(): Promise<OriginChannel[]>;
  /** The last published GOP, or null if it is no longer kept. */
  ledgerEntry(channelId: string, gop: number): Promise<LedgerEntry | null>;
}

/** The fields that the API reads of what parts answer. */
export type OriginChannel = Omit<origin.OriginChannel, 'framesPerSecond' | 'oldestGop'>;
export type LedgerEntry = Pick<origin.LedgerEntry, 'gop' | 'delayMs'> & { renditions: { name: string }[] };
export type SourceChannel = Pick<source.SourceChannel, 'id' | 'state' | 'error'>;
export type FleetMember = Pick<FleetEncoder, 'id' | 'grpcAddress' | 'region' | 'zone' | 'state' | 'restarts'>;

/** What the API asks of the telemetry store. */
export type TelemetryReader = Pick<
  TelemetryStore,
  'audienceHistory' | 'latestAudience' | 'latestForecast' | 'recent'
> & {
  inputs: Pick<ForecastInputs, 'regionLoad' | 'events' | 'putEvent' | 'removeEvent' | 'importAudience'>;
  feedback: Pick<ForecastFeedback, 'latest' | 'accuracy'>;
  planning: Pick<PlanningRecords, 'record' | 'forecast'>;
};
