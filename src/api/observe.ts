import type { Missing, MoveRecord } from '../contracts/api';
import type { StorageReport } from '../contracts/health';
import type {
  CellForecast,
  EncoderInfo,
  EncoderTelemetry,
  LatestFeedback,
  SwarmWorkflowState,
} from '../domain';
import { CachedReading, type Reading } from './cached';
import type { ApiPorts, FleetMember, LedgerEntry, OriginChannel, SourceChannel } from './ports';

/** Everything that the parts said at one moment; a part that did not answer has its last word, and is in `missing`. */
export interface Observation {
  atMs: number;
  swarm: SwarmWorkflowState | null;
  moves: MoveRecord[];
  origin: OriginChannel[] | null;
  lastEntries: Record<string, LedgerEntry>;
  sources: SourceChannel[] | null;
  storage: StorageReport[];
  fleet: FleetMember[];
  encoders: Record<string, { info: EncoderInfo | null; telemetry: EncoderTelemetry | null }>;
  viewers: Record<string, number>;
  forecast: CellForecast | null;
  /** What forecasts of each series have learned last from their errors. */
  feedback: LatestFeedback[];
  missing: Missing[];
}

const SECOND_MS = 1_000;
const MOVES_SHOWN = 20;
/** A series that was not scored for a day says nothing of now. */
const ALERT_STEPS = 24;

interface EncoderReadings {
  info: CachedReading<EncoderInfo>;
  telemetry: CachedReading<EncoderTelemetry>;
}

/**
 * Asks all parts side by side, each with its own deadline and its own time to keep what it said: the media plane and
 * the encoders for a second, Temporal and InfluxDB for two, so that looking at the swarm costs it little.
 */
export class Observer {
  private readonly swarm: CachedReading<SwarmWorkflowState>;
  private readonly moves: CachedReading<MoveRecord[]>;
  private readonly origin: CachedReading<OriginChannel[]>;
  private readonly sources: CachedReading<SourceChannel[]>;
  private readonly storage: CachedReading<StorageReport[]>;
  private readonly fleet: CachedReading<FleetMember[]>;
  private readonly forecast: CachedReading<CellForecast | null>;
  private readonly feedback: CachedReading<LatestFeedback[]>;
  private readonly encoders = new Map<string, EncoderReadings>();
  private readonly entries = new Map<string, LedgerEntry>();
  private viewers: CachedReading<Record<string, number>>;
  private channelIds: string[] = [];

  constructor(
    private readonly ports: ApiPorts,
    options: { cell: string; stepSeconds: number; forecastMaxAgeMs: number },
  ) {
    const fast = { freshMs: 0.9 * SECOND_MS, deadlineMs: 0.8 * SECOND_MS };
    const slow = { freshMs: 1.9 * SECOND_MS, deadlineMs: 2 * SECOND_MS };
    const { orchestration, telemetry } = ports;
    this.swarm = new CachedReading('Temporal', () => orchestration.swarmState(), slow);
    this.moves = new CachedReading('Temporal', () => orchestration.moves({ limit: MOVES_SHOWN }), slow);
    this.origin = new CachedReading('The origin', () => ports.origin.channels(), fast);
    this.sources = new CachedReading('The source', () => ports.source.channels(), slow);
    this.storage = new CachedReading('Storage', () => ports.storage(), slow);
    this.fleet = new CachedReading('The fleet', () => ports.fleet.list(), fast);
    this.forecast = new CachedReading(
      'InfluxDB',
      () => telemetry.latestForecast(options.cell, options.forecastMaxAgeMs),
      slow,
    );
    this.feedback = new CachedReading(
      'InfluxDB',
      () =>
        telemetry.feedback.latest({
          cell: options.cell,
          sinceMs: Date.now() - ALERT_STEPS * options.stepSeconds * 1000,
        }),
      { freshMs: 5 * SECOND_MS, deadlineMs: 2 * SECOND_MS },
    );
    this.viewers = new CachedReading(
      'InfluxDB',
      () => telemetry.latestAudience({ cell: options.cell, channelIds: this.channelIds }),
      slow,
    );
  }

  /** After a command: what it changed must show at once. */
  invalidate(): void {
    for (const reading of [this.swarm, this.moves, this.origin, this.sources, this.fleet])
      reading.invalidate();
    for (const { telemetry } of this.encoders.values()) telemetry.invalidate();
  }

  async observe(): Promise<Observation> {
    const [swarm, moves, origin, sources, storage, fleet, forecast, feedback] = await Promise.all([
      this.swarm.get(),
      this.moves.get(),
      this.origin.get(),
      this.sources.get(),
      this.storage.get(),
      this.fleet.get(),
      this.forecast.get(),
      this.feedback.get(),
    ]);
    const fleetMembers = fleet.value ?? [];
    this.channelIds = [
      ...new Set([...(swarm.value?.channels ?? []), ...(origin.value ?? [])].map((channel) => channel.id)),
    ].sort();
    const [encoders, viewers, lastEntries] = await Promise.all([
      this.askEncoders(fleetMembers),
      this.viewers.get(),
      this.lastEntries(origin.value ?? []),
    ]);
    return {
      atMs: Date.now(),
      swarm: swarm.value,
      moves: moves.value ?? [],
      origin: origin.value,
      lastEntries,
      sources: sources.value,
      storage: storage.value ?? [],
      fleet: fleetMembers,
      encoders: encoders.answers,
      viewers: viewers.value ?? {},
      forecast: forecast.value,
      feedback: feedback.value ?? [],
      missing: [
        ...faults('temporal', swarm, moves),
        ...faults('origin', origin),
        ...faults('source', sources),
        ...faults('fleet', fleet),
        ...faults('influxdb', forecast, viewers, feedback),
        ...encoders.missing,
      ],
    };
  }

  private async askEncoders(
    fleet: FleetMember[],
  ): Promise<{ answers: Observation['encoders']; missing: Missing[] }> {
    const answers: Observation['encoders'] = {};
    const missing: Missing[] = [];
    const present = new Set(fleet.map((member) => member.grpcAddress));
    for (const address of this.encoders.keys()) if (!present.has(address)) this.encoders.delete(address);
    await Promise.all(
      fleet.map(async ({ id, grpcAddress }) => {
        const readings = this.readingsOf(id, grpcAddress);
        const [info, telemetry] = await Promise.all([readings.info.get(), readings.telemetry.get()]);
        // A silent encoder's old measurements would show work that it may not do any more.
        answers[id] = { info: info.value, telemetry: telemetry.fault ? null : telemetry.value };
        missing.push(...faults(`encoder ${id}`, telemetry));
      }),
    );
    return { answers, missing: missing.sort((a, b) => a.part.localeCompare(b.part)) };
  }

  private readingsOf(id: string, address: string): EncoderReadings {
    let readings = this.encoders.get(address);
    if (!readings) {
      const { encoder } = this.ports;
      const what = `Encoder ${id}`;
      const deadlineMs = 0.8 * SECOND_MS;
      readings = {
        info: new CachedReading(what, () => encoder.describe(address), {
          freshMs: 10 * SECOND_MS,
          deadlineMs,
        }),
        telemetry: new CachedReading(what, () => encoder.telemetry(address), {
          freshMs: 0.9 * SECOND_MS,
          deadlineMs,
        }),
      };
      this.encoders.set(address, readings);
    }
    return readings;
  }

  /** Ledger entries never change: each is asked for once, when its GOP is the last of its channel. */
  private async lastEntries(channels: OriginChannel[]): Promise<Record<string, LedgerEntry>> {
    const present = new Set(channels.map((channel) => channel.id));
    for (const id of this.entries.keys()) if (!present.has(id)) this.entries.delete(id);
    await Promise.all(
      channels.map(async ({ id, nextGop, hasPublished }) => {
        if (!hasPublished || this.entries.get(id)?.gop === nextGop - 1) return;
        const entry = await this.ports.origin.ledgerEntry(id, nextGop - 1).catch(() => null);
        if (entry) this.entries.set(id, entry);
      }),
    );
    return Object.fromEntries(this.entries);
  }
}

const faults = (part: string, ...readings: Reading<unknown>[]): Missing[] => {
  const fault = readings.find((reading) => reading.fault)?.fault;
  return fault ? [{ part, code: fault.code, message: fault.message }] : [];
};
