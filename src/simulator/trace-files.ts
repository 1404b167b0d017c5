import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { SwarmError } from '../domain';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Less says nothing about the shape of a day. */
const MIN_DAYS = 4;

/** A measured series on a regular grid. */
export interface Trace {
  name: string;
  /** Wall clock of values[0], milliseconds. */
  startMs: number;
  stepMs: number;
  /** NaN = hole. */
  values: Float64Array;
}

const rowSchema = z.object({
  timestamp: z.iso.datetime({ offset: true, local: true }),
  value: z.coerce.number().min(0),
});

/** Timestamps without an offset are taken as UTC: only the shape of the day matters. */
const asUtc = (timestamp: string): string =>
  /(Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp}Z`;

const bad = (message: string): SwarmError =>
  new SwarmError(
    'bad-request',
    message,
    `Give CSV files with the columns timestamp (ISO-8601, ascending) and value (at least 0), ${MIN_DAYS} days or more.`,
  );

/** Most frequent distance of neighbouring rows. */
const stepOf = (timesMs: readonly number[]): number => {
  const counts = new Map<number, number>();
  for (let i = 1; i < timesMs.length; i++) {
    const gap = (timesMs[i] as number) - (timesMs[i - 1] as number);
    if (gap > 0) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  }
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [MINUTE_MS, 0])[0];
};

/** @throws SwarmError bad-request that names the file and the line at fault, or says that it is too short */
export const parseTraceCsv = (csv: string, name: string): Trace => {
  let parsedRows: unknown;
  try {
    parsedRows = parse(csv, { columns: true, skip_empty_lines: true, trim: true, info: true });
  } catch (error) {
    throw bad(`${name} is no CSV: ${(error as Error).message}.`);
  }
  const records = parsedRows as { record: unknown; info: { lines: number } }[];
  const rows = records.map(({ record, info }) => {
    const parsed = rowSchema.safeParse(record);
    if (parsed.success) return { atMs: Date.parse(asUtc(parsed.data.timestamp)), value: parsed.data.value };
    throw bad(`Line ${info.lines} of ${name} is not "timestamp,value".`);
  });
  const first = rows[0]?.atMs ?? 0;
  const last = rows[rows.length - 1]?.atMs ?? 0;
  if (last - first < MIN_DAYS * DAY_MS) throw bad(`${name} covers less than ${MIN_DAYS} days.`);
  const stepMs = stepOf(rows.map((row) => row.atMs));
  const values = new Float64Array(Math.floor((last - first) / stepMs) + 1).fill(NaN);
  for (const { atMs, value } of rows) {
    const index = Math.round((atMs - first) / stepMs);
    if (index < 0 || index >= values.length) throw bad(`The timestamps of ${name} are not ascending.`);
    values[index] = value;
  }
  if (!values.some((value) => value > 0)) throw bad(`${name} holds nothing but zeros.`);
  return { name: basename(name, '.csv'), startMs: first, stepMs, values };
};

/**
 * Reads every CSV of a folder, by name.
 * @throws SwarmError bad-request: no such folder, no CSV in it, or one that is malformed
 */
export const readTraces = async (folder: string): Promise<Trace[]> => {
  const names = await readdir(folder).catch((error: Error) => {
    throw bad(`The folder of traces can't be read: ${error.message}.`);
  });
  const files = names.filter((name) => name.endsWith('.csv')).sort();
  if (files.length === 0) throw bad(`There is no .csv file in ${folder}.`);
  return Promise.all(
    files.map(async (file) => parseTraceCsv(await readFile(join(folder, file), 'utf8'), file)),
  );
};
