import type { EncoderClient } from '../contracts/encoder/client';
import type { FleetEncoder } from '../contracts/fleet';
import type { StorageReport } from '../contracts/health';
import type { OriginChannel } from '../contracts/origin';
import type { RelayChannel } from '../contracts/relay';
import type { SourceChannel } from '../contracts/source';
import type { EncoderInfo, EncoderTelemetry } from '../domain';
import { systemClock, type Clock } from '../platform/clock';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading, type CallTerms } from './kept-reading';
import { NewestGops } from './newest-gops';
import type { PartClients } from './part-clients';

type EncoderAddress = Pick<FleetEncoder, 'id' | 'grpcAddress' | 'region' | 'zone'>;

/** What one encoder host says of itself and of its work. */
export class EncoderReadings {
  readonly info: KeptReading<EncoderInfo>;
  readonly telemetry: KeptReading<EncoderTelemetry>;
  /** Both, asked at the same moment: for decisions, both answers count or none. */
  readonly combined: KeptReading<{ info: EncoderInfo; telemetry: EncoderTelemetry }>;

  constructor(
    { id, grpcAddress }: Pick<FleetEncoder, 'id' | 'grpcAddress'>,
    client: Pick<EncoderClient, 'describe' | 'telemetry'>,
    clock: Clock = systemClock,
  ) {
    const what = `Encoder ${id}`;
    const deadlineMs = deadlinesMs.observe;
    const describe = async (terms: CallTerms): Promise<EncoderInfo> => ({
      ...(await client.describe(terms)),
      grpcAddress,
    });
    this.info = new KeptReading(what, describe, { keptMs: keptMs.encoderInfo, deadlineMs }, clock);
    this.telemetry = new KeptReading(
      what,
      (terms) => client.telemetry(terms),
      { keptMs: keptMs.encoderTelemetry, deadlineMs },
      clock,
    );
    this.combined = new KeptReading(
      what,
      async (terms) => {
        const [info, telemetry] = await Promise.all([describe(terms), client.telemetry(terms)]);
        return { info, telemetry };
      },
      { keptMs: keptMs.choice, deadlineMs },
      clock,
    );
  }

  /** What the host said of itself when it last answered; before that what the fleet knows of it, and no capacity. */
  infoOr({ id, grpcAddress, region, zone }: EncoderAddress): EncoderInfo {
    const undescribed = { version: 'unknown', ffmpegVersion: 'unknown', capacityUnits: 0, maxSessions: 0 };
    const described = this.combined.last.value?.info ?? this.info.last.value;
    return described ?? { id, grpcAddress, region, zone, ...undescribed };
  }
}

/**
 * Every part of a cell that is looked at over the network, each read by one reading: whoever looks at the swarm in this
 * process takes from here what it needs.
 */
export class PartReadings {
  readonly origin: KeptReading<OriginChannel[]>;
  readonly relay: KeptReading<RelayChannel[]>;
  readonly source: KeptReading<SourceChannel[]>;
  readonly storage: KeptReading<StorageReport[]>;
  readonly fleet: KeptReading<FleetEncoder[]>;
  readonly newestGops: NewestGops;
  private readonly encoders = new Map<string, EncoderReadings>();

  constructor(
    readonly clients: PartClients,
    private readonly clock: Clock = systemClock,
  ) {
    const { origin, relay, source, fleet } = clients;
    const reading = <T>(
      what: string,
      read: (options: { timeoutMs: number }) => Promise<T>,
      terms: { keptMs: number; deadlineMs?: number },
    ): KeptReading<T> =>
      new KeptReading(
        what,
        ({ deadlineMs }) => read({ timeoutMs: deadlineMs }),
        { deadlineMs: deadlinesMs.observe, ...terms },
        clock,
      );
    this.origin = reading('The origin', (within) => origin.channels(within), { keptMs: keptMs.origin });
    this.relay = reading('The relay', (within) => relay.channels(within), { keptMs: keptMs.relay });
    this.source = reading('The source', (within) => source.channels(within), { keptMs: keptMs.source });
    // Each part has its own deadline there, so that the one that answers is reported.
    this.storage = reading('Storage', () => clients.storage({ timeoutMs: deadlinesMs.observe }), {
      keptMs: keptMs.storage,
      deadlineMs: deadlinesMs.shown,
    });
    const { fleet: deadlineMs } = deadlinesMs;
    this.fleet = reading('The fleet', () => fleet.list(), { keptMs: keptMs.fleet, deadlineMs });
    this.newestGops = new NewestGops(origin);
  }

  encoder(encoder: Pick<FleetEncoder, 'id' | 'grpcAddress'>): EncoderReadings {
    const { grpcAddress } = encoder;
    const known = this.encoders.get(grpcAddress);
    if (known) return known;
    const readings = new EncoderReadings(encoder, this.clients.encoderAt(grpcAddress), this.clock);
    this.encoders.set(grpcAddress, readings);
    return readings;
  }

  /** Drops the encoders at all other addresses. */
  keepOnly(fleet: readonly Pick<FleetEncoder, 'grpcAddress'>[]): void {
    const present = new Set(fleet.map(({ grpcAddress }) => grpcAddress));
    for (const address of this.encoders.keys()) if (!present.has(address)) this.encoders.delete(address);
  }

  /** After a command: what it changed must show at once. */
  invalidate(): void {
    for (const reading of [this.origin, this.relay, this.source, this.fleet]) reading.invalidate();
    for (const { telemetry, combined } of this.encoders.values()) {
      telemetry.invalidate();
      combined.invalidate();
    }
  }
}
