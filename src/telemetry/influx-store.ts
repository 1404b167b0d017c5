import { SwarmError, type CellForecast } from '../domain';
import { firstTargetMs } from '../forecast';
import { memoryOfMachine } from '../platform/shared-budget';
import { forecastOfRows, pointsOfForecast, type ForecastRow } from './forecast-points';
import { InfluxConnection, type InfluxTls, type QueryRow } from './influx-connection';
import { InfluxFeedback } from './influx-feedback';
import { GENERATED, InfluxInputs } from './influx-inputs';
import type { InfluxLogin } from './influx-login';
import { InfluxPlanningRecords } from './influx-planning-records';
import { isStorable, name, numberOrNull, text, toInfluxPoint } from './influx-values';
import { PointBuffer } from './point-buffer';
import type { BufferStatus, Point, TelemetryStore } from './store';

const BATCH_POINTS = 5_000;
/** A point as it waits, with its tags and fields. */
const BYTES_PER_POINT = 512;
const BUFFER_SHARE_OF_MEMORY = 1 / 128;
const LEAST_BUFFER_POINTS = 20_000;
/** Points that wait while the database is away; the oldest go. */
export const BUFFER_POINTS = Math.max(
  LEAST_BUFFER_POINTS,
  Math.floor((BUFFER_SHARE_OF_MEMORY * memoryOfMachine()) / BYTES_PER_POINT),
);
const RETRY_MS = 1_000;
const AUDIENCE_MAX_AGE_MS = 300_000;
/** A region that has been silent for so long beside the others has no audience of that channel any more. */
const REGION_STALE_MS = 60_000;
/**
 * What is dated later than clocks of two machines differ was written while a clock was ahead: it must not pass for the
 * newest until that time has come.
 */
const FUTURE_MS = 10_000;
const MAX_ROWS_PER_SERIES = 10_000;

export interface InfluxStoreOptions {
  url: string;
  database: string;
  login?: InfluxLogin;
  /** Of a server over https. */
  tls?: InfluxTls;
  /** Length of a forecast's step. */
  stepSeconds: number;
  bufferPoints?: number;
  deadlineMs?: number;
}

/** TelemetryStore over InfluxDB 1.x; its measurements are in docs/reference/measurements.md. */
export class InfluxTelemetryStore implements TelemetryStore {
  readonly inputs: InfluxInputs;
  readonly feedback: InfluxFeedback;
  readonly planning: InfluxPlanningRecords;
  private readonly connection: InfluxConnection;
  private readonly buffer: PointBuffer;
  private flushing: Promise<void> | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  private refused = 0;
  private inFlight = 0;
  private lastError: string | null = null;
  private closed = false;

  constructor(private readonly options: InfluxStoreOptions) {
    this.connection = new InfluxConnection(options);
    this.inputs = new InfluxInputs(this.connection);
    this.feedback = new InfluxFeedback(this.connection);
    this.planning = new InfluxPlanningRecords(this.connection);
    this.buffer = new PointBuffer(options.bufferPoints ?? BUFFER_POINTS);
  }

  status(): BufferStatus {
    return {
      buffered: this.buffer.length + this.inFlight,
      dropped: this.buffer.dropped + this.refused,
      lastError: this.lastError,
      refused: this.connection.refused,
    };
  }

  async write(points: Point[]): Promise<void> {
    const storable = points.filter((p) => Object.values(p.fields).some(isStorable));
    for (const point of storable) this.connection.check(toInfluxPoint(point));
    this.buffer.push(storable);
    // One under way may have begun before these points came; the next one has them. Nobody waits for later ones.
    await this.flushing;
    // While the database is away, the timer asks; each writer would only wait for the deadline again.
    if (this.buffer.length > 0 && !this.retryTimer && !this.closed) await this.flush();
  }

  async audienceHistory(
    options: Parameters<TelemetryStore['audienceHistory']>[0],
  ): Promise<Record<string, (number | null)[]>> {
    const { byChannel } = await this.inputs.audience(options);
    return Object.fromEntries(
      options.channelIds.map((id) => [
        id,
        byChannel[id] ?? new Array<number | null>(options.steps).fill(null),
      ]),
    );
  }

  async latestAudience(options: { cell: string; channelIds: string[] }): Promise<Record<string, number>> {
    const nowMs = Date.now();
    const groups = await this.connection.query(
      `SELECT last("viewers") AS "viewers" FROM "audience" WHERE "cell" = ${text(options.cell)} ` +
        `AND time > ${nowMs - AUDIENCE_MAX_AGE_MS}ms AND time <= ${nowMs + FUTURE_MS}ms GROUP BY "channel", "region"`,
    );
    const asked = new Set(options.channelIds);
    const byChannel = new Map<string, { atMs: number; viewers: number }[]>();
    for (const { tags, rows } of groups) {
      const viewers = numberOrNull(rows[0]?.viewers);
      const { channel = '' } = tags;
      if (viewers === null || !asked.has(channel)) continue;
      byChannel.set(channel, [...(byChannel.get(channel) ?? []), { atMs: rows[0]?.time ?? 0, viewers }]);
    }
    return Object.fromEntries(
      [...byChannel].map(([channel, regions]) => {
        const newestMs = Math.max(...regions.map((region) => region.atMs));
        const current = regions.filter((region) => newestMs - region.atMs < REGION_STALE_MS);
        return [channel, current.reduce((sum, region) => sum + region.viewers, 0)];
      }),
    );
  }

  writeForecast(cell: string, forecast: CellForecast): Promise<void> {
    return this.write(pointsOfForecast(cell, forecast));
  }

  async latestForecast(cell: string, maxAgeMs: number): Promise<CellForecast | null> {
    const nowMs = Date.now();
    const oldestMs = nowMs - maxAgeMs;
    const groups = await this.connection.query(
      `SELECT "p10", "p50", "p90", "issued_at_ms", "step_seconds", "forecast_id", "error_correlation" FROM "forecast" ` +
        `WHERE "cell" = ${text(cell)} AND time >= ${firstTargetMs(oldestMs, this.options.stepSeconds)}ms ` +
        `GROUP BY "kind", "id", "model"`,
    );
    const rows = groups.flatMap(({ tags, rows: series }) =>
      series.map((row): ForecastRow => ({ ...(row as unknown as ForecastRow), ...tags, atMs: row.time })),
    );
    const isOfNow = ({ issued_at_ms: atMs }: ForecastRow): boolean =>
      atMs >= oldestMs && atMs <= nowMs + FUTURE_MS;
    return forecastOfRows(rows.filter(isOfNow));
  }

  async recent(
    measurement: string,
    options: Parameters<TelemetryStore['recent']>[1],
  ): Promise<{ atMs: number; tags: Record<string, string>; fields: Record<string, number | null> }[]> {
    const where = [
      `"cell" = ${text(options.cell)}`,
      `time >= ${Math.floor(options.sinceMs)}ms`,
      `time <= ${Date.now()}ms`,
    ];
    if (options.tag) where.push(`${name(options.tag[0])} = ${text(options.tag[1])}`);
    const mean = options.stepSeconds !== undefined;
    const columns = options.fields.map((f) => (mean ? `mean(${name(f)}) AS ${name(f)}` : name(f)));
    const groupBy = mean ? `time(${(options.stepSeconds as number) * 1000}ms), * fill(none)` : '*';
    const groups = await this.connection.query(
      `SELECT ${columns.join(', ')} FROM ${name(measurement)} WHERE ${where.join(' AND ')} ` +
        `GROUP BY ${groupBy} LIMIT ${MAX_ROWS_PER_SERIES}`,
    );
    const fieldsOf = (row: QueryRow): Record<string, number | null> =>
      Object.fromEntries(options.fields.map((f) => [f, numberOrNull(row[f])]));
    return groups
      .flatMap(({ tags, rows }) => rows.map((row) => ({ atMs: row.time, tags, fields: fieldsOf(row) })))
      .sort((a, b) => a.atMs - b.atMs);
  }

  async forgetAudience(cell: string): Promise<void> {
    await this.connection.execute(`DELETE FROM "audience" WHERE "cell" = ${text(cell)}`);
    await this.connection.execute(
      `DELETE FROM "cdn" WHERE "cell" = ${text(cell)} AND "source" = ${text(GENERATED)}`,
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.retryTimer = null;
    await this.flushing;
    await this.flush();
  }

  private flush(): Promise<void> {
    this.flushing ??= this.flushAll().finally(() => (this.flushing = null));
    return this.flushing;
  }

  /** Writes what is in the buffer now; points that come meanwhile are for the next flush. */
  private async flushAll(): Promise<void> {
    let left = this.buffer.length;
    while (left > 0) {
      const batch = this.buffer.take(Math.min(BATCH_POINTS, left));
      left -= batch.length;
      if (batch.length === 0) return;
      this.inFlight = batch.length;
      try {
        await this.connection.write(batch.map(toInfluxPoint));
        this.lastError = null;
      } catch (error) {
        this.lastError = (error as Error).message;
        if (error instanceof SwarmError && error.code === 'bad-request') {
          this.refused += batch.length;
          continue;
        }
        this.buffer.putBack(batch);
        this.retryLater();
        return;
      } finally {
        this.inFlight = 0;
      }
    }
  }

  private retryLater(): void {
    if (this.closed || this.retryTimer) return;
    this.retryTimer = setTimeout(() => {
      this.retryTimer = null;
      void this.flush();
    }, RETRY_MS).unref();
  }
}
