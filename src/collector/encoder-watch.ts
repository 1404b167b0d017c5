import { EncoderClient } from '../contracts/encoder/client';
import type { FleetEncoder } from '../contracts/fleet';
import type { EncoderInfo, EncoderTelemetry } from '../domain';

const TELEMETRY_DEADLINE_MS = 800;
/** After a broken health watch a quick answer is enough to show that the host lives. */
const PROBE_DEADLINE_MS = 500;

/** The collector's connection to one encoder host. */
export class EncoderWatch {
  private readonly client: EncoderClient;
  private readonly endHealthWatch: () => void;
  private described: EncoderInfo | null = null;
  private wasServing = false;

  /** @param onHealthLost the host served, and its health watch broke or says that it no longer serves */
  constructor(
    private readonly fleet: FleetEncoder,
    onHealthLost: () => void,
  ) {
    this.client = new EncoderClient(fleet.grpcAddress);
    this.endHealthWatch = this.client.watchHealth((serving) => {
      if (!serving && this.wasServing) onHealthLost();
      this.wasServing = serving;
    });
  }

  /** What the host said of itself, else what the fleet knows. */
  get info(): EncoderInfo {
    const { id, grpcAddress, region, zone } = this.fleet;
    return (
      this.described ?? {
        id,
        grpcAddress,
        region,
        zone,
        version: '',
        ffmpegVersion: '',
        capacityUnits: 0,
        maxSessions: 0,
      }
    );
  }

  /** @throws SwarmError encoder-unreachable, encoder-answered-garbage */
  async poll(): Promise<EncoderTelemetry> {
    this.described ??= await this.client.describe({ deadlineMs: TELEMETRY_DEADLINE_MS });
    return this.client.telemetry({ deadlineMs: TELEMETRY_DEADLINE_MS });
  }

  /** @throws SwarmError encoder-unreachable, encoder-answered-garbage */
  probe(): Promise<EncoderTelemetry> {
    return this.client.telemetry({ deadlineMs: PROBE_DEADLINE_MS });
  }

  close(): void {
    this.endHealthWatch();
    this.client.close();
  }
}
