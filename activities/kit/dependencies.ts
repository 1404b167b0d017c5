import type { Client } from '@temporalio/client';
import type { OriginClient } from '../../src/contracts/origin';
import type { RelayClient } from '../../src/contracts/relay';
import type { SourceClient } from '../../src/contracts/source';
import type { FleetProvider } from '../../src/fleet/provider';
import type { ServedFrom } from '../../src/media/probe';
import type { ModelHolder, ThreadProgram } from '../../src/models';
import type { SharedViews } from '../../src/observation/shared-views';
import type { TelemetryStore } from '../../src/telemetry';
import type { ForecastInputReader } from '../../src/telemetry/forecast-input-reader';

/** What activities work with, one of each for a worker, which builds them from the environment; a test from what it likes. */
export interface Dependencies extends SharedViews {
  cell: string;
  origin: OriginClient;
  relay: RelayClient;
  source: SourceClient;
  /** Seconds of wall time per forecast step. */
  stepSeconds: number;
  /** IANA time zone by region; absent: UTC. */
  timeZones?: Readonly<Record<string, string>>;
  /** The machine's own ffmpeg, no build under test: makes reference clips, compares pictures. */
  ffmpegPath: string;
  /** Where self-tests serve their clips, and how encoder hosts reach them. */
  clipsServedFrom: ServedFrom;
  fleet: FleetProvider;
  store: TelemetryStore;
  /** What forecasts are made and nets are trained from. */
  forecastInputs: Pick<ForecastInputReader, 'read'>;
  /** Trained nets of the cell, and the one that forecasts use. */
  models: ModelHolder;
  /** Absent: the thread's program beside its caller. */
  trainingThread?: { program: ThreadProgram };
  /** Client of the Temporal server that runs the calling workflow. */
  temporal: () => Client;
}
