import type { CellForecast, LatestFeedback } from '../domain';
import { systemClock, type Clock } from '../platform/clock';
import type { TelemetryStore } from '../telemetry';
import { keptMs } from './deadlines';
import { KeptReading, type Reading } from './kept-reading';

/** What is read of the telemetry store. */
export type TelemetryReader = Pick<TelemetryStore, 'latestAudience' | 'latestForecast' | 'recent'> & {
  feedback: Pick<TelemetryStore['feedback'], 'latest'>;
};

/** Crashes and failed handoffs, as they were written. */
export type Troubles = Awaited<ReturnType<TelemetryStore['recent']>>;

const TROUBLES_SINCE_MS = 3_600_000;
/** A series that was not scored for a day says nothing of now. */
const FEEDBACK_STEPS = 24;

/** What was measured and forecast of one cell, read by one reading each. */
export class TelemetryReadings {
  /** The newest forecast; null: none is young enough. */
  readonly forecast: KeptReading<CellForecast | null>;
  /** What forecasts of each series have learned last from their errors. */
  readonly feedback: KeptReading<LatestFeedback[]>;
  /** Of the last hour. */
  readonly troubles: KeptReading<Troubles>;
  private readonly audience: KeptReading<Record<string, number>>;
  private channelIds: readonly string[] = [];

  constructor(
    store: TelemetryReader,
    options: {
      cell: string;
      deadlineMs: number;
      /** An older forecast counts as none. */
      forecastMaxAgeMs: number;
      stepSeconds: number;
    },
    clock: Clock = systemClock,
  ) {
    const { cell, deadlineMs, forecastMaxAgeMs, stepSeconds } = options;
    const feedbackMaxAgeMs = FEEDBACK_STEPS * stepSeconds * 1_000;
    const reading = <T>(read: () => Promise<T>, kept: number): KeptReading<T> =>
      new KeptReading('InfluxDB', read, { keptMs: kept, deadlineMs }, clock);
    this.forecast = reading(() => store.latestForecast(cell, forecastMaxAgeMs), keptMs.forecast);
    this.feedback = reading(
      () => store.feedback.latest({ cell, sinceMs: clock.now() - feedbackMaxAgeMs }),
      keptMs.feedback,
    );
    this.troubles = reading(
      () => store.recent('trouble', { cell, fields: ['weight'], sinceMs: clock.now() - TROUBLES_SINCE_MS }),
      keptMs.troubles,
    );
    this.audience = reading(
      () => store.latestAudience({ cell, channelIds: [...this.channelIds] }),
      keptMs.viewers,
    );
  }

  /** Viewers by channel, as last stored. @param options.fresh asks now */
  viewers(
    channelIds: readonly string[],
    { fresh = false }: { fresh?: boolean } = {},
  ): Promise<Reading<Record<string, number>>> {
    this.channelIds = channelIds;
    return fresh ? this.audience.now() : this.audience.get();
  }
}
