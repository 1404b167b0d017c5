import type { Client } from '@temporalio/client';
import type { OriginClient } from '../contracts/origin';
import type { RelayClient } from '../contracts/relay';
import type { SourceClient } from '../contracts/source';
import type { TelemetryStore } from '../telemetry';
import type { EncoderDirectory } from './encoder-directory';
import { EncoderProbe } from './encoder-probe';
import { MovesUnderWay } from './moves-under-way';
import { SwarmObserver } from './swarm-observer';
import { SwarmView } from './swarm-view';
import { TelemetryView } from './telemetry-view';
import type { VersionsView } from './versions-view';

/** The views of one cell that all activities of a worker share. */
export interface SharedViews {
  swarm: SwarmView;
  probe: EncoderProbe;
  telemetry: TelemetryView;
  observer: SwarmObserver;
}

/** One of each, on the parts given. */
export const createSharedViews = (parts: {
  cell: string;
  origin: OriginClient;
  relay: RelayClient;
  source: SourceClient;
  store: TelemetryStore;
  encoders: EncoderDirectory;
  versions: Pick<VersionsView, 'read'>;
  temporal: () => Client;
}): SharedViews => {
  const { cell, origin, relay, source, versions, temporal } = parts;
  const probe = new EncoderProbe(parts.encoders);
  const telemetry = new TelemetryView(cell, parts.store);
  const moves = new MovesUnderWay(cell, temporal);
  return {
    swarm: new SwarmView(cell, temporal),
    probe,
    telemetry,
    observer: new SwarmObserver({ cell, origin, relay, source, probe, telemetry, moves, versions }),
  };
};
