import { readFile } from 'node:fs/promises';
import { CsvError, parse, type Info } from 'csv-parse/sync';
import { z } from 'zod';
import { SwarmError, idSchema } from '../domain';
import { momentsOfLocal } from '../forecast';
import type { AudienceRow } from '../telemetry';

/** One row of an imported history. */
export type HistoryRow = Omit<AudienceRow, 'region'> & {
  region?: string;
  /** Its time says no offset, and was read as UTC. */
  isWithoutOffset?: true;
};

/** Faults named in a refusal; a file of another kind has one in every line. */
const MOST_FAULTS = 10;

/** Larger values are a broken counter, not an audience. */
const MOST_VIEWERS = 1e12;
const NOT_VIEWERS = 'is not a number from 0 to 1e12';

const viewersSchema = z
  .string()
  .regex(/^[+]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, NOT_VIEWERS)
  .transform(Number)
  .refine((viewers) => viewers <= MOST_VIEWERS, NOT_VIEWERS);

const timeSchema = z.iso.datetime({ offset: true, local: true });
/** Seconds and milliseconds since 1970 of the years 2001 to 2286, which nothing else looks like. */
const EPOCH_SECONDS = /^\d{10}(\.\d+)?$/;
const EPOCH_MS = /^\d{13}$/;

const hasOffset = (time: string): boolean => /(Z|[+-]\d\d:\d\d)$/.test(time);
const isEpoch = (time: string): boolean => EPOCH_SECONDS.test(time) || EPOCH_MS.test(time);

/**
 * Moments that a text may mean, in their order; many traces write a blank between day and time. A time without an offset
 * is one of the zone: in the hour that its clocks repeat there are two, in the one that they skip none.
 * @returns null for what is no time
 */
const momentsOf = (given: string, timeZone: string): number[] | null => {
  if (EPOCH_SECONDS.test(given)) return [Math.round(Number(given) * 1_000)];
  if (EPOCH_MS.test(given)) return [Number(given)];
  const time = given.replace(' ', 'T');
  if (!timeSchema.safeParse(time).success) return null;
  return hasOffset(time) ? [Date.parse(time)] : momentsOfLocal(timeZone, Date.parse(`${time}Z`));
};

/** Characters that no text has; a terminal may obey them. */
// eslint-disable-next-line no-control-regex
const NO_TEXT = /[\u0000-\u0008\u000e-\u001f]/;

/** A cell of which more is shown tells nobody more: a file of another kind may be one cell of many megabytes. */
const MOST_SHOWN = 60;

const quoted = (text: string): string =>
  text.length <= MOST_SHOWN
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, MOST_SHOWN))}… (${text.length} characters)`;

/** What is wrong with a time. */
const timeFault = (text: string): string =>
  /^\d{4}-\d\d-\d\d$/.test(text) ? 'has no time of day' : 'is not an ISO 8601 time';

/** What is wrong with a number, where a spreadsheet's way of writing it is the cause. */
const viewersFault = (text: string, fault: string): string =>
  /\d[.,]\d/.test(text) && text.includes(',')
    ? 'is not a number: write a decimal point, and nothing between thousands'
    : fault;

/** The line by which spreadsheets tell one another what divides the columns. */
const SAYS_DIVIDER = /^\ufeff?sep=(.)\r?\n/i;

/** What divides the columns, by what the file says or by its header: spreadsheets of half of Europe write semicolons. */
const delimiterOf = (csv: string): string => {
  const [, said] = SAYS_DIVIDER.exec(csv) ?? [];
  if (said !== undefined) return said;
  const header = csv.slice(0, csv.search(/[\r\n]|$/));
  const found = [',', ';', '\t', '|'].filter((divider) => header.includes(divider));
  return found.length === 1 ? found[0]! : ',';
};

const refuse = (file: string, faults: readonly string[], more: number): SwarmError =>
  new SwarmError(
    'bad-request',
    `${file} is not a history: ${faults.join('; ')}${more > 0 ? `; and ${more} more lines` : ''}.`,
    'Give a CSV with the header timestamp,channel,viewers[,region], or timestamp,value with --channel.',
  );

interface Line {
  record: string[];
  info: Info;
}

const linesOf = (file: string, csv: string): Line[] => {
  try {
    return parse(csv, {
      info: true,
      bom: true,
      delimiter: delimiterOf(csv),
      from_line: SAYS_DIVIDER.test(csv) ? 2 : 1,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as Line[];
  } catch (error) {
    if (error instanceof CsvError) throw refuse(file, [error.message], 0);
    throw error;
  }
};

const COLUMNS = ['timestamp', 'channel', 'viewers', 'value', 'region'];

interface Columns {
  time: number;
  viewers: number;
  channel: number;
  region: number;
  count: number;
}

const columnsOf = (file: string, header: readonly string[], channelId: string | undefined): Columns => {
  const at = (name: string): number => header.indexOf(name);
  const columns = {
    time: at('timestamp'),
    viewers: Math.max(at('viewers'), at('value')),
    channel: at('channel'),
    region: at('region'),
    count: header.length,
  };
  const twice = COLUMNS.filter((name) => header.indexOf(name) !== header.lastIndexOf(name));
  const faults = [
    ...twice.map((name) => `it has the column ${name} twice`),
    ...(at('viewers') >= 0 && at('value') >= 0 ? ['it has both a column viewers and a column value'] : []),
    ...(columns.time < 0 ? ['it has no column timestamp'] : []),
    ...(columns.viewers < 0 ? ['it has no column viewers (or value)'] : []),
    ...(columns.channel < 0 && channelId === undefined
      ? ['it has no column channel, and --channel names none']
      : []),
    ...(columns.channel >= 0 && channelId !== undefined
      ? ['it has a column channel, and --channel names one too']
      : []),
  ];
  if (faults.length > 0) throw refuse(file, faults, 0);
  return columns;
};

/**
 * Reads a whole history and checks every line, before anything is made of it.
 * @param options.channelId channel of a file without a column `channel`
 * @param options.timeZone of times without an offset; UTC by default. The hour that clocks repeat is there twice: what
 * comes first in the file was first
 * @returns rows in the file's order, at least one
 * @throws SwarmError bad-request that names the lines at fault
 */
export const parseHistory = (
  file: string,
  csv: string,
  options: { channelId?: string; timeZone?: string } = {},
): HistoryRow[] => {
  const { timeZone = 'UTC' } = options;
  const seen = new Set<string>();
  if (NO_TEXT.test(csv)) throw refuse(file, ['it is no text'], 0);
  const [header, ...lines] = linesOf(file, csv);
  if (!header || lines.length === 0) throw refuse(file, ['it holds no rows'], 0);
  const columns = columnsOf(
    file,
    header.record.map((name) => name.toLowerCase()),
    options.channelId,
  );
  const faults: string[] = [];
  let faulty = 0;
  const rows = lines.flatMap(({ record, info }): HistoryRow[] => {
    const cell = (index: number): string => record[index] ?? '';
    const viewers = viewersSchema.safeParse(cell(columns.viewers));
    const channel = idSchema.safeParse(columns.channel < 0 ? options.channelId : cell(columns.channel));
    const regionText = columns.region < 0 ? '' : cell(columns.region);
    const region = regionText === '' ? null : idSchema.safeParse(regionText);
    const moments = momentsOf(cell(columns.time), timeZone);
    const rowOf = (ms: number): string =>
      `${ms} ${columns.channel < 0 ? '' : cell(columns.channel)} ${regionText}`;
    const atMs = moments?.find((ms) => !seen.has(rowOf(ms))) ?? moments?.at(-1) ?? NaN;
    seen.add(rowOf(atMs));
    const wrong = [
      ...(record.length === columns.count ? [] : [`has ${record.length} fields, not ${columns.count}`]),
      ...(Number.isNaN(atMs)
        ? [
            `timestamp ${quoted(cell(columns.time))} ${moments ? `is skipped by the clocks of ${timeZone}` : timeFault(cell(columns.time))}`,
          ]
        : []),
      ...(viewers.success
        ? []
        : [
            `viewers ${quoted(cell(columns.viewers))} ${viewersFault(cell(columns.viewers), viewers.error.issues[0]?.message ?? '')}`,
          ]),
      ...(channel.success ? [] : [`channel ${quoted(cell(columns.channel))} is no id`]),
      ...(region === null || region.success ? [] : [`region ${quoted(regionText)} is no id`]),
    ];
    if (wrong.length > 0 || !viewers.success || !channel.success) {
      faulty += 1;
      if (faults.length < MOST_FAULTS) faults.push(`line ${info.lines}: ${wrong.join(', ')}`);
      return [];
    }
    return [
      {
        atMs,
        channelId: channel.data,
        viewers: viewers.data,
        ...(region?.success && { region: region.data }),
        ...(options.timeZone === undefined &&
          !hasOffset(cell(columns.time)) &&
          !isEpoch(cell(columns.time)) && { isWithoutOffset: true }),
      },
    ];
  });
  if (faulty > 0) throw refuse(file, faults, faulty - faults.length);
  return rows;
};

/** UTF-8, or UTF-16, as spreadsheets call "Unicode text", with or without its byte order mark. */
const decoded = (bytes: Buffer): string => {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  // Without the mark: the first character is of ASCII, so that one of its two bytes is zero.
  if (bytes.length >= 2 && second === 0 && first !== 0) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes.length >= 2 && first === 0 && second !== 0) return new TextDecoder('utf-16be').decode(bytes);
  return bytes.toString('utf8');
};

/** @throws SwarmError bad-request when it can't be read */
export const readHistoryFile = async (file: string): Promise<string> => {
  try {
    return decoded(await readFile(file));
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `${file} can't be read: ${(error as Error).message}.`,
      'Name a CSV file that this user may read.',
    );
  }
};

const WEEK_MS = 7 * 86_400_000;

/** How far to move rows by whole weeks, so that the last one falls within the week that ends at `nowMs`. */
export const weeksToNow = (rows: readonly HistoryRow[], nowMs: number): number => {
  const last = rows.reduce((latest, { atMs }) => Math.max(latest, atMs), -Infinity);
  return Math.floor((nowMs - last) / WEEK_MS) * WEEK_MS;
};
