import { EncoderClient } from '../contracts/encoder/client';
import type { FleetEncoder } from '../contracts/fleet';
import type { EncoderInfo, EncoderTelemetry } from '../domain';
import { deadlinesMs } from '../observation/deadlines';
import { valueOf } from '../observation/kept-reading';
import { EncoderReadings } from '../observation/part-readings';

/** The collector's connection to one encoder host: a host that is restarted gets a new one, which has no backoff to wait for. */
export class EncoderWatch {
  private readonly client: EncoderClient;
  private readonly readings: EncoderReadings;
  private readonly endHealthWatch: () => void;
  private wasServing = false;

  /** @param onHealthLost the host served, and its health watch broke or says that it no longer serves */
  constructor(
    private readonly fleet: FleetEncoder,
    onHealthLost: () => void,
  ) {
    this.client = new EncoderClient(fleet.grpcAddress);
    this.readings = new EncoderReadings(fleet, this.client);
    this.endHealthWatch = this.client.watchHealth((serving) => {
      if (!serving && this.wasServing) onHealthLost();
      this.wasServing = serving;
    });
  }

  /** What the host said of itself, else what the fleet knows. */
  get info(): EncoderInfo {
    return this.readings.infoOr(this.fleet);
  }

  /** @throws SwarmError encoder-unreachable, encoder-answered-garbage, timeout */
  async poll(): Promise<EncoderTelemetry> {
    const { info, telemetry } = this.readings;
    if (info.last.value === null) valueOf(await info.now());
    return valueOf(await telemetry.now());
  }

  /** In addition to a poll that may hang. @throws SwarmError encoder-unreachable, encoder-answered-garbage, timeout */
  async probe(): Promise<EncoderTelemetry> {
    return valueOf(await this.readings.telemetry.apart({ deadlineMs: deadlinesMs.confirm }));
  }

  close(): void {
    this.endHealthWatch();
    this.client.close();
  }
}
