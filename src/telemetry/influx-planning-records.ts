import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { CellForecast } from '../domain';
import { PLANNING_RETENTION, type InfluxConnection } from './influx-connection';
import { text, toInfluxPoint } from './influx-values';
import type { PlanningRecords, SerialisedRecord } from './planning-records';
import type { Point } from './store';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** InfluxDB takes strings of at most 64 KiB. */
const CHUNK_CHARACTERS = 60_000;
/** Points of one request: some 6 MB, well below what the server takes. */
const BATCH_POINTS = 100;
const MEASUREMENT = `"${PLANNING_RETENTION.name}"."planning_record"`;

type Kind = 'snapshot' | 'forecast';

/** PlanningRecords over InfluxDB 1.x: gzip in base64, in chunks, at the time of what they say. */
export class InfluxPlanningRecords implements PlanningRecords {
  /** The forecast stored last: several cycles plan with the same. */
  private storedForecastId: string | null = null;

  constructor(private readonly connection: InfluxConnection) {}

  async put(
    { cell, snapshotId, atMs, text: json }: SerialisedRecord,
    forecast: CellForecast | null,
  ): Promise<void> {
    if (forecast && forecast.forecastId !== this.storedForecastId) {
      await this.write(cell, 'forecast', forecast.forecastId, forecast.issuedAtMs, JSON.stringify(forecast));
      this.storedForecastId = forecast.forecastId;
    }
    await this.write(cell, 'snapshot', snapshotId, atMs, json);
  }

  record(options: { cell: string; snapshotId: string; atMs: number }): Promise<string | null> {
    return this.read(options.cell, 'snapshot', options.snapshotId, options.atMs);
  }

  async forecast(options: {
    cell: string;
    forecastId: string;
    issuedAtMs: number;
  }): Promise<CellForecast | null> {
    const { cell, forecastId, issuedAtMs } = options;
    const serialised = await this.read(cell, 'forecast', forecastId, issuedAtMs);
    return serialised === null ? null : (JSON.parse(serialised) as CellForecast);
  }

  private async write(cell: string, kind: Kind, id: string, atMs: number, value: string): Promise<void> {
    const data = (await compress(value)).toString('base64');
    const chunks = Math.ceil(data.length / CHUNK_CHARACTERS);
    const points = Array.from({ length: chunks }, (_, chunk): Point => {
      const part = data.slice(chunk * CHUNK_CHARACTERS, (chunk + 1) * CHUNK_CHARACTERS);
      return {
        measurement: 'planning_record',
        tags: { cell, kind, chunk: String(chunk) },
        fields: { record_id: id, chunks, data: part },
        atMs,
      };
    });
    for (let begin = 0; begin < points.length; begin += BATCH_POINTS) {
      const batch = points.slice(begin, begin + BATCH_POINTS).map(toInfluxPoint);
      await this.connection.write(batch, { retentionPolicy: PLANNING_RETENTION.name });
    }
  }

  /** Null unless every chunk of this very id is there. */
  private async read(cell: string, kind: Kind, id: string, atMs: number): Promise<string | null> {
    const groups = await this.connection.query(
      `SELECT "record_id", "chunks", "data" FROM ${MEASUREMENT} WHERE "cell" = ${text(cell)} ` +
        `AND "kind" = ${text(kind)} AND time = ${Math.round(atMs)}ms GROUP BY "chunk"`,
    );
    const chunks = groups
      .flatMap(({ tags, rows }) => rows.map((row) => ({ row, place: Number(tags.chunk) })))
      .filter(({ row }) => row.record_id === id)
      .sort((a, b) => a.place - b.place);
    if (chunks.length === 0 || chunks.length !== chunks[0]?.row.chunks) return null;
    const data = chunks.map(({ row }) => String(row.data)).join('');
    return (await decompress(Buffer.from(data, 'base64'))).toString('utf8');
  }
}
