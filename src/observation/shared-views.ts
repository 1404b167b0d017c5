import type { Client } from '@temporalio/client';
import { systemClock, type Clock } from '../platform/clock';
import type { TelemetryStore } from '../telemetry';
import { CycleFitness } from './cycle-fitness';
import { deadlinesMs } from './deadlines';
import { EncoderDirectory, type EncoderCalls } from './encoder-directory';
import { EncoderProbe } from './encoder-probe';
import { MovesUnderWay } from './moves-under-way';
import type { PartClients } from './part-clients';
import { PartReadings } from './part-readings';
import { SwarmObserver } from './swarm-observer';
import { SwarmView, swarmQueryOf } from './swarm-view';
import { TelemetryReadings } from './telemetry-readings';
import { TelemetryView } from './telemetry-view';
import { VersionsView } from './versions-view';

/** An older forecast speaks of steps that are nearly over. */
const FORECAST_MAX_AGE_MS = 60_000;

/** The views of one cell that all activities of a worker share. */
export interface SharedViews {
  readings: PartReadings;
  encoders: EncoderDirectory;
  /** Catalogue, target and pins. */
  versions: Pick<VersionsView, 'read'>;
  swarm: SwarmView;
  probe: EncoderProbe;
  telemetry: TelemetryView;
  observer: SwarmObserver;
  /** Of every encoder, by the last cycle. */
  fitness: CycleFitness;
}

/** One of each, on the clients given. */
export const createSharedViews = (
  parts: {
    cell: string;
    stepSeconds: number;
    clients: PartClients<EncoderCalls>;
    store: TelemetryStore;
    temporal: () => Client;
    /** Absent: the cell's Central Version Manager. */
    versions?: Pick<VersionsView, 'read'>;
  },
  clock: Clock = systemClock,
): SharedViews => {
  const { cell, stepSeconds, clients, store, temporal } = parts;
  const { versions = new VersionsView(cell, temporal) } = parts;
  const readings = new PartReadings(clients, clock);
  const encoders = new EncoderDirectory(readings, (address) => clients.encoderAt(address));
  const probe = new EncoderProbe(encoders, readings);
  const terms = { cell, stepSeconds, deadlineMs: deadlinesMs.telemetry };
  const telemetry = new TelemetryView(
    new TelemetryReadings(store, { ...terms, forecastMaxAgeMs: FORECAST_MAX_AGE_MS }, clock),
  );
  const moves = new MovesUnderWay(cell, temporal);
  return {
    ...{ readings, encoders, versions, probe, telemetry },
    swarm: new SwarmView(cell, swarmQueryOf(cell, temporal)),
    fitness: new CycleFitness(store.planning, cell, clock),
    observer: new SwarmObserver({ cell, readings, probe, telemetry, moves, versions }),
  };
};
