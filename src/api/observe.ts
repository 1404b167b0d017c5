import type { Missing, MoveRecord } from '../contracts/api';
import type { FleetEncoder } from '../contracts/fleet';
import type { StorageReport } from '../contracts/health';
import type { LedgerEntry, OriginChannel } from '../contracts/origin';
import type { SourceChannel } from '../contracts/source';
import type {
  CellForecast,
  EncoderInfo,
  EncoderTelemetry,
  Fitness,
  LatestFeedback,
  SwarmWorkflowState,
} from '../domain';
import { ControlReadings } from '../observation/control-readings';
import { CycleFitness } from '../observation/cycle-fitness';
import { deadlinesMs } from '../observation/deadlines';
import { freshOrNull, type Reading } from '../observation/kept-reading';
import { PartReadings, type EncoderReadings } from '../observation/part-readings';
import { TelemetryReadings } from '../observation/telemetry-readings';
import { systemClock, type Clock } from '../platform/clock';
import type { EndedWorkflow } from '../temporal/ended-workflows';
import type { SwarmEnd } from '../temporal/swarm-run';
import type { ApiPorts } from './ports';

/** Everything that the parts said at one moment; a part that did not answer has its last word, and is in `missing`. */
export interface Observation {
  atMs: number;
  swarm: SwarmWorkflowState | null;
  /** How the swarm's workflow ended; null while it runs, or nobody can tell. */
  swarmEnd: SwarmEnd | null;
  /** Workflows of channels, and that of the versions, which ended and were not started again. */
  ends: EndedWorkflow[];
  /** Of every encoder, by the last cycle. */
  fitness: Fitness[];
  moves: MoveRecord[];
  origin: OriginChannel[] | null;
  lastEntries: Record<string, LedgerEntry>;
  sources: SourceChannel[] | null;
  storage: StorageReport[];
  fleet: FleetEncoder[];
  encoders: Record<string, { info: EncoderInfo | null; telemetry: EncoderTelemetry | null }>;
  viewers: Record<string, number>;
  forecast: CellForecast | null;
  /** What forecasts of each series have learned last from their errors. */
  feedback: LatestFeedback[];
  missing: Missing[];
}

const MOVES_SHOWN = 20;
const FORECAST_MAX_AGE_STEPS = 60;

/** Puts the readings of all parts side by side, so that looking at the swarm costs it little however many look. */
export class Observer {
  private readonly parts: PartReadings;
  private readonly control: ControlReadings;
  private readonly telemetry: TelemetryReadings;
  private readonly fitness: CycleFitness;
  /** Addresses of encoders that were asked twice and did not answer; until they do, nobody waits for them. */
  private readonly silentEncoders = new Set<string>();

  constructor(
    ports: Pick<ApiPorts, 'parts' | 'orchestration' | 'telemetry'>,
    options: { cell: string; stepSeconds: number },
    private readonly clock: Clock = systemClock,
  ) {
    const { orchestration } = ports;
    this.parts = new PartReadings(ports.parts, clock);
    this.control = new ControlReadings(
      {
        swarmState: () => orchestration.swarmState(),
        swarmEnd: () => orchestration.swarmEnd(),
        ends: () => orchestration.ends(),
        moves: () => orchestration.moves({ limit: MOVES_SHOWN }),
      },
      clock,
    );
    const forecastMaxAgeMs = FORECAST_MAX_AGE_STEPS * options.stepSeconds * 1_000;
    const terms = { ...options, deadlineMs: deadlinesMs.shown, forecastMaxAgeMs };
    this.telemetry = new TelemetryReadings(ports.telemetry, terms, clock);
    this.fitness = new CycleFitness(ports.telemetry.planning, options.cell, clock);
  }

  /** After a command: what it changed must show at once. */
  invalidate(): void {
    this.control.invalidate();
    this.parts.invalidate();
  }

  async observe(): Promise<Observation> {
    const { parts, control, telemetry } = this;
    const [swarm, swarmEnd, ends, moves, origin, sources, storage, fleet, forecast, feedback] =
      await Promise.all([
        control.swarm.get(),
        control.swarmEnd.get(),
        control.ends.get(),
        control.moves.get(),
        parts.origin.get(),
        parts.source.get(),
        parts.storage.get(),
        parts.fleet.get(),
        telemetry.forecast.get(),
        telemetry.feedback.get(),
      ]);
    const members = fleet.value ?? [];
    const channels = origin.value ?? [];
    const channelIds = [
      ...new Set([...(swarm.value?.channels ?? []), ...channels].map((channel) => channel.id)),
    ].sort();
    const [encoders, viewers, fitness] = await Promise.all([
      this.askEncoders(members),
      telemetry.viewers(channelIds),
      this.fitness.of(swarm.value?.lastCycle ?? null),
      this.readNewestGops(channels),
    ]);
    return {
      atMs: this.clock.now(),
      swarm: swarm.value,
      swarmEnd: freshOrNull(swarmEnd),
      ends: freshOrNull(ends) ?? [],
      fitness: fitness.value ?? [],
      moves: moves.value ?? [],
      origin: origin.value,
      lastEntries: parts.newestGops.last,
      sources: sources.value,
      storage: storage.value ?? [],
      fleet: members,
      encoders: encoders.answers,
      viewers: viewers.value ?? {},
      forecast: forecast.value,
      feedback: feedback.value ?? [],
      missing: [
        ...faults('temporal', swarm, moves),
        ...faults('origin', origin),
        ...faults('source', sources),
        ...faults('fleet', fleet),
        ...faults('influxdb', forecast, viewers, feedback, fitness),
        ...encoders.missing,
      ],
    };
  }

  /** What every encoder of the fleet says of itself now; null: it does not answer. Not waited for one by one. */
  async encoderInfos(): Promise<{ id: string; info: EncoderInfo | null }[]> {
    const fleet = (await this.parts.fleet.get()).value ?? [];
    return Promise.all(
      fleet.map(async (member) => ({
        id: member.id,
        info: freshOrNull(await this.parts.encoder(member).info.now()),
      })),
    );
  }

  /** What the source brings now; null: it does not answer. */
  async sources(): Promise<SourceChannel[] | null> {
    return freshOrNull(await this.parts.source.now());
  }

  private async askEncoders(
    fleet: FleetEncoder[],
  ): Promise<{ answers: Observation['encoders']; missing: Missing[] }> {
    const answers: Observation['encoders'] = {};
    const missing: Missing[] = [];
    this.parts.keepOnly(fleet);
    const present = new Set(fleet.map(({ grpcAddress }) => grpcAddress));
    for (const address of this.silentEncoders) if (!present.has(address)) this.silentEncoders.delete(address);
    await Promise.all(
      fleet.map(async (member) => {
        const readings = this.parts.encoder(member);
        const [info, telemetry] = await Promise.all([
          readings.info.get(),
          this.telemetryOf(member, readings),
        ]);
        // A silent encoder's old measurements would show work that it may not do any more.
        answers[member.id] = { info: info.value, telemetry: telemetry.fault ? null : telemetry.value };
        missing.push(...faults(`encoder ${member.id}`, telemetry));
      }),
    );
    return { answers, missing: missing.sort((a, b) => a.part.localeCompare(b.part)) };
  }

  /**
   * One that has just answered is asked once more before it is called silent, and waited for longer: on a busy machine
   * it may be late, or this process may have been.
   */
  private async telemetryOf(
    { grpcAddress }: FleetEncoder,
    { telemetry }: EncoderReadings,
  ): Promise<Reading<EncoderTelemetry>> {
    const first = await telemetry.get();
    if (first.fault && first.readAtMs !== null && !this.silentEncoders.has(grpcAddress)) {
      const second = await telemetry.now({ deadlineMs: deadlinesMs.confirmSilence });
      if (second.fault) this.silentEncoders.add(grpcAddress);
      return second;
    }
    if (!first.fault) this.silentEncoders.delete(grpcAddress);
    return first;
  }

  private async readNewestGops(channels: OriginChannel[]): Promise<void> {
    const { newestGops } = this.parts;
    newestGops.keepOnly(channels.map((channel) => channel.id));
    await Promise.all(
      channels.filter((channel) => channel.hasPublished).map((channel) => newestGops.of(channel)),
    );
  }
}

const faults = (part: string, ...readings: Reading<unknown>[]): Missing[] => {
  const fault = readings.find((reading) => reading.fault)?.fault;
  return fault ? [{ part, code: fault.code, message: fault.message }] : [];
};
