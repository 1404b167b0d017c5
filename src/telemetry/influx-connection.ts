import { FieldType, InfluxDB, type IPoint, type ISchemaOptions, type ISingleHostConfig } from 'influx';
import { SwarmError, redacted } from '../domain';
import { withinDeadline } from '../platform/deadline';
import { fieldConflictIn, isCount, refusalOfConflict, type FieldConflict } from './field-conflict';
import type { InfluxLogin } from './influx-login';
import { measurementSchemas } from './measurements';
import type { Refused } from './store';

const DEADLINE_MS = 3_000;
/** Older points are not needed by any forecast, and a disk is finite. */
const RETENTION = '30d';
/** Forecasts by lead time and their scores: many, and of use for a week. */
export const FEEDBACK_RETENTION = { name: 'feedback', duration: '7d' } as const;
/** What control cycles planned from: large, and of use while Temporal keeps the cycles themselves. */
export const PLANNING_RETENTION = { name: 'planning', duration: '1d', shard: '1h' } as const;

/** The pool takes a failed host out for a while; with one host that only turns an outage into a longer one. */
const NEVER_OUT = { getDelay: () => 0, next: () => NEVER_OUT, reset: () => NEVER_OUT };

const withWholeCounts = (schema: ISchemaOptions): ISchemaOptions => ({
  ...schema,
  fields: Object.fromEntries(
    Object.entries(schema.fields).map(([field, type]) => [
      field,
      isCount(schema.measurement, field) ? FieldType.INTEGER : type,
    ]),
  ),
});

const statusOf = (error: unknown): number | undefined =>
  (error as { res?: { statusCode?: number } }).res?.statusCode;

interface WriteOptions {
  retentionPolicy?: string;
}

const partedByCounts = (points: readonly IPoint[]): [counts: IPoint[], others: IPoint[]] => {
  const isOfCounts = ({ measurement = '', fields = {} }: IPoint): boolean =>
    Object.keys(fields).every((field) => isCount(measurement, field));
  return [points.filter(isOfCounts), points.filter((point) => !isOfCounts(point))];
};

export interface QueryRow {
  time: number;
  [column: string]: unknown;
}

export interface QueryGroup {
  tags: Record<string, string>;
  rows: QueryRow[];
}

/** PEM: the authority that the server is checked by, and what is shown to it. Absent: public authorities, nothing. */
export interface InfluxTls {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface InfluxAddress {
  url: string;
  database: string;
  login?: InfluxLogin;
  /** Of a server over https. */
  tls?: InfluxTls;
  /** Of each call; default 3,000. */
  deadlineMs?: number;
}

/** Codes of HTTP for a login that is not, or not yet, one of the server's. */
const REFUSED_LOGIN = new Set([401, 403]);

/** A database of an InfluxDB 1.x server, created where it is absent. Every call has a deadline. */
export class InfluxConnection {
  private readonly influx: InfluxDB;
  /** The same, with counts as whole numbers. */
  private readonly wholeCounts: InfluxDB;
  private ready: Promise<void> | null = null;

  /** The last write that was refused for good, whoever asked for it. */
  refused: Refused | null = null;
  /** For messages: without the login that it may hold. */
  private readonly url: string;
  private readonly database: string;
  private readonly deadlineMs: number;

  constructor({ url, database, login, tls, deadlineMs = DEADLINE_MS }: InfluxAddress) {
    const { hostname, port, protocol, pathname } = new URL(url);
    this.url = redacted(url);
    this.database = database;
    this.deadlineMs = deadlineMs;
    const config: ISingleHostConfig = {
      host: hostname,
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      protocol: protocol === 'https:' ? 'https' : 'http',
      path: pathname === '/' ? '' : pathname,
      ...login,
      ...(tls && { options: tls }),
      database,
      schema: [...measurementSchemas],
      pool: { maxRetries: 0, requestTimeout: deadlineMs, backoff: NEVER_OUT },
    };
    this.influx = new InfluxDB(config);
    this.wholeCounts = new InfluxDB({ ...config, schema: measurementSchemas.map(withWholeCounts) });
  }

  /** @throws SwarmError bad-request when a tag or field is not in its measurement's contract */
  check(point: IPoint): void {
    try {
      this.influx.parsePoint(point, { precision: 'ms' });
    } catch (error) {
      throw new SwarmError(
        'bad-request',
        `Bad point of measurement ${point.measurement}: ${(error as Error).message}`,
        'Keep to the measurements of docs/reference/measurements.md.',
      );
    }
  }

  /**
   * Counts that InfluxDB keeps as whole numbers, as somebody wrote them first, are rounded.
   * @throws SwarmError unavailable or timeout: try again; bad-request: refused for good
   */
  async write(points: IPoint[], options: WriteOptions = {}): Promise<void> {
    await this.prepared();
    const conflict = await this.written(this.influx, points, options);
    if (!conflict) return;
    // What had no conflict is written by now. Of several conflicts InfluxDB names one: counts are tried apart from the rest.
    const [counts, others] = partedByCounts(points);
    const isOfCounts = isCount(conflict.measurement, conflict.field);
    const ofOthers = isOfCounts ? await this.written(this.influx, others, options) : conflict;
    const left = (await this.writtenWhole(counts, options)) ?? ofOthers;
    if (left) throw this.refusedFor(refusalOfConflict(left));
  }

  /** @returns the counts that can't be written as whole numbers either: somebody wrote them first as a text */
  private async writtenWhole(counts: IPoint[], options: WriteOptions): Promise<FieldConflict | null> {
    const rounded = counts.map((point) => ({
      ...point,
      fields: Object.fromEntries(
        Object.entries(point.fields ?? {}).map(([field, value]) => [field, Math.round(Number(value))]),
      ),
    }));
    const conflict = await this.written(this.wholeCounts, rounded, options);
    // Those that are kept as fractions, as on another day, were written at the first try.
    return conflict?.kept === 'float' ? null : conflict;
  }

  /** Writes what has the types that InfluxDB keeps. @returns a conflict of types, if there is one */
  private async written(
    influx: InfluxDB,
    points: IPoint[],
    options: WriteOptions,
  ): Promise<FieldConflict | null> {
    if (points.length === 0) return null;
    try {
      await this.limited(() => influx.writePoints(points, { precision: 'ms', ...options }));
      return null;
    } catch (error) {
      const conflict = fieldConflictIn((error as Error).message);
      if (conflict) return conflict;
      throw this.refusedFor(error);
    }
  }

  private refusedFor(error: unknown): unknown {
    if (error instanceof SwarmError && error.code === 'bad-request') {
      const { message, hint = 'See the log of InfluxDB.' } = error;
      this.refused = { atMs: Date.now(), message, hint };
    }
    return error;
  }

  /** @returns one group per set of tags; times are wall-clock milliseconds */
  async query(influxQl: string): Promise<QueryGroup[]> {
    await this.prepared();
    const results = await this.limited(() =>
      this.influx.query<Record<string, unknown> & { time?: Date }>(influxQl, { precision: 'ms' }),
    );
    return results.groups().map(({ tags, rows }) => ({
      tags,
      rows: rows.map((row) => ({ ...row, time: row.time?.getTime() ?? 0 })),
    }));
  }

  /** A statement that changes something and answers nothing. */
  async execute(influxQl: string): Promise<void> {
    await this.prepared();
    await this.limited(() => this.influx.query(influxQl, { method: 'POST' }));
  }

  private prepared(): Promise<void> {
    this.ready ??= this.prepare().catch((error: unknown) => {
      this.ready = null;
      throw error;
    });
    return this.ready;
  }

  private async prepare(): Promise<void> {
    const names = await this.limited(() => this.influx.getDatabaseNames());
    const policies = [{ ...FEEDBACK_RETENTION, shard: '1d' }, PLANNING_RETENTION];
    const statements = [
      ...(names.includes(this.database)
        ? []
        : [`CREATE DATABASE "${this.database}" WITH DURATION ${RETENTION} REPLICATION 1 NAME "main"`]),
      // The same policy again is no error, so an older database gets it too.
      ...policies.map(
        ({ name, duration, shard }) =>
          `CREATE RETENTION POLICY "${name}" ON "${this.database}" DURATION ${duration} REPLICATION 1 SHARD DURATION ${shard}`,
      ),
    ];
    for (const statement of statements) {
      await this.limited(() => this.influx.query(statement, { method: 'POST' }));
    }
  }

  private async limited<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await withinDeadline('InfluxDB', this.deadlineMs, call());
    } catch (error) {
      throw this.asSwarmError(error);
    }
  }

  private asSwarmError(error: unknown): SwarmError {
    if (error instanceof SwarmError) return error;
    const { message } = error as Error;
    const status = statusOf(error);
    // The database was dropped under us: create it again before the next call.
    if (status === 404 || /database not found/.test(message)) this.ready = null;
    else if (status !== undefined && REFUSED_LOGIN.has(status)) {
      return new SwarmError(
        'unavailable',
        `InfluxDB at ${this.url} refused the login: ${message}.`,
        'Put user and password into INFLUX_URL; for the InfluxDB that the swarm runs itself, see influx/password in the state folder.',
      );
    } else if (status !== undefined && status >= 400 && status < 500) {
      return new SwarmError('bad-request', `InfluxDB refused: ${message}`);
    }
    return new SwarmError(
      'unavailable',
      `InfluxDB at ${this.url} can't be used: ${message}.`,
      'Check that it runs and INFLUX_URL is right.',
    );
  }
}
