import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../domain';

export const HOURS_PER_DAY = 24;
const HOUR_MS = 3_600_000;
const HOURS_PER_WEEK = 7 * HOURS_PER_DAY;
/** The value that counts as 1: three hours of four lie below it. */
const UNIT_QUANTILE = 0.75;

/**
 * The shape of an audience: one value per hour of a trace, 1 = its 75th percentile. Whole days, or whole weeks
 * where the trace has that much, so that it can be replayed in a loop.
 */
export type AudienceTrace = Float64Array;

const rowSchema = z.tuple([z.iso.datetime({ offset: true, local: true }), z.coerce.number().min(0)]);

/** Midnight-aligned hours with the mean of their values; holes lie on the straight line between their neighbours. */
const hourlyMeans = (rows: readonly { atMs: number; value: number }[]): Float64Array => {
  const first = Math.ceil((rows[0]?.atMs ?? 0) / (HOURS_PER_DAY * HOUR_MS)) * HOURS_PER_DAY;
  const last = Math.floor((rows[rows.length - 1]?.atMs ?? 0) / HOUR_MS);
  const hours = Math.max(0, last - first + 1);
  const sums = new Float64Array(hours);
  const counts = new Uint32Array(hours);
  for (const { atMs, value } of rows) {
    const hour = Math.floor(atMs / HOUR_MS) - first;
    if (hour < 0 || hour >= hours) continue;
    sums[hour] = (sums[hour] as number) + value;
    counts[hour] = (counts[hour] as number) + 1;
  }
  const known = [...counts.keys()].filter((hour) => (counts[hour] as number) > 0);
  const means = new Float64Array(hours);
  const meanAt = (hour: number): number => (sums[hour] as number) / (counts[hour] as number);
  let next = 0;
  for (let hour = 0; hour < hours; hour++) {
    while (next < known.length - 1 && (known[next] as number) < hour) next++;
    const after = known[next] as number;
    const before = after > hour ? (known[Math.max(0, next - 1)] as number) : after;
    const share = after === before ? 0 : (hour - before) / (after - before);
    means[hour] = meanAt(before) * (1 - share) + meanAt(after) * share;
  }
  return means;
};

/**
 * Reads a trace: CSV with columns timestamp (ISO-8601, ascending) and value (at least 0).
 * @throws SwarmError bad-request that names the line at fault, or says that it is shorter than a day
 */
export const parseTrace = (csv: string, name: string): AudienceTrace => {
  const lines = csv.split('\n').map((line) => line.trim());
  const rows = lines.slice(1).flatMap((line, i) => {
    if (line === '') return [];
    const parsed = rowSchema.safeParse(line.split(','));
    if (parsed.success) return [{ atMs: Date.parse(asUtc(parsed.data[0])), value: parsed.data[1] }];
    throw new SwarmError(
      'bad-request',
      `Line ${i + 2} of the audience trace ${name} is not "timestamp,value".`,
      'Give a CSV with a header, ISO-8601 timestamps and values of at least 0.',
    );
  });
  const hours = hourlyMeans(rows);
  const loop = hours.length >= HOURS_PER_WEEK ? HOURS_PER_WEEK : HOURS_PER_DAY;
  const fullLoops = hours.slice(0, Math.floor(hours.length / loop) * loop);
  const unit = Float64Array.from(fullLoops).sort()[Math.floor(fullLoops.length * UNIT_QUANTILE)] ?? 0;
  if (unit <= 0) {
    throw new SwarmError(
      'bad-request',
      `The audience trace ${name} covers less than a day, or holds nothing but zeros.`,
      'Give a trace of at least a day; three weeks or more make good forecasts.',
    );
  }
  return fullLoops.map((value) => value / unit);
};

/** Timestamps without an offset are taken as UTC: only the shape of the day matters. */
const asUtc = (timestamp: string): string =>
  /(Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp}Z`;

const SHIPPED_TRACE = join('data', 'audience', 'nyc_taxi_hourly.csv');

/** The shipped trace lies in the project's folder, some levels above this file, built or not. */
const readShippedTrace = async (folder: string): Promise<string> => {
  const csv = await readFile(join(folder, SHIPPED_TRACE), 'utf8').catch(() => null);
  if (csv !== null) return csv;
  if (dirname(folder) !== folder) return readShippedTrace(dirname(folder));
  throw new SwarmError(
    'unavailable',
    `The audience trace ${SHIPPED_TRACE} is not above ${__dirname}.`,
    'Keep the folder data/ next to dist/, or set SWARM_AUDIENCE_TRACE.',
  );
};

/** @param path CSV to use instead of the one that ships with the project */
export const loadTrace = async (path?: string): Promise<AudienceTrace> => {
  if (path === undefined) return parseTrace(await readShippedTrace(__dirname), SHIPPED_TRACE);
  const csv = await readFile(path, 'utf8').catch((error: Error) => {
    throw new SwarmError(
      'bad-request',
      `The audience trace can't be read: ${error.message}.`,
      'Correct or unset SWARM_AUDIENCE_TRACE.',
    );
  });
  return parseTrace(csv, path);
};
