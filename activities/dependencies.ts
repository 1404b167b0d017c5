import type { Client } from '@temporalio/client';
import type { EncoderBuild } from '../src/domain';
import type { FleetProvider } from '../src/fleet/provider';
import type { TelemetryStore } from '../src/telemetry/store';
import type { EncoderDirectory } from './encoder-directory';

/** What activities work with. The worker builds it from the environment, a test from what it likes. */
export interface Dependencies {
  cell: string;
  relayUrl: string;
  originUrl: string;
  sourceUrl: string;
  /** Seconds of wall time per forecast step. */
  stepSeconds: number;
  encoders: EncoderDirectory;
  fleet: FleetProvider;
  store: TelemetryStore;
  /** The catalogue. */
  builds: () => Promise<EncoderBuild[]>;
  /** Decodes and compares pictures; no build under test. */
  ffmpegPath: string;
  /** Client of the Temporal server that runs the calling workflow. */
  temporal: () => Client;
}
