import type { Client } from '@temporalio/client';
import type { FleetProvider } from '../../src/fleet/provider';
import type { ServedFrom } from '../../src/media/probe';
import type { ModelHolder, ThreadProgram } from '../../src/models';
import type { EncoderDirectory } from '../../src/observation/encoder-directory';
import type { SharedViews } from '../../src/observation/shared-views';
import type { VersionsView } from '../../src/observation/versions-view';
import type { TelemetryStore } from '../../src/telemetry';

/** What activities work with. The worker builds it from the environment, a test from what it likes. */
export interface Dependencies extends SharedViews {
  cell: string;
  relayUrl: string;
  originUrl: string;
  sourceUrl: string;
  /** Seconds of wall time per forecast step. */
  stepSeconds: number;
  /** The machine's own ffmpeg, no build under test: makes reference clips, compares pictures. */
  ffmpegPath: string;
  /** Where self-tests serve their clips, and how encoder hosts reach them. */
  clipsServedFrom: ServedFrom;
  /** Catalogue, target and pins. */
  versions: Pick<VersionsView, 'read'>;
  encoders: EncoderDirectory;
  fleet: FleetProvider;
  store: TelemetryStore;
  /** Trained nets of the cell, and the one that forecasts use. */
  models: ModelHolder;
  /** Absent: the thread's program beside its caller. */
  trainingThread?: { program: ThreadProgram };
  /** Client of the Temporal server that runs the calling workflow. */
  temporal: () => Client;
}
