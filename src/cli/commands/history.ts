import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { HISTORY_KEPT_MS, HISTORY_ROWS_AT_ONCE, operations, type HistoryImported } from '../../contracts/api';
import { SwarmError, withoutRepeats } from '../../domain';
import { table } from '../../platform/terminal/table';
import type { ApiClient } from '../api-client';
import { contextOf } from '../context';
import { parseHistory, readHistoryFile, weeksToNow, type HistoryRow } from '../history-file';
import { timeZoneOption } from '../options';

interface ImportOptions {
  channel?: string;
  shift?: boolean;
  timeZone?: string;
  dryRun?: boolean;
}

interface ImportReport {
  file: string;
  rows: number;
  /** Rows older than what the store keeps; they are left out. */
  tooOld: number;
  /** Rows with the time, channel and region of a later one, which replaces them. */
  repeated: number;
  /** Rows whose time says no offset. */
  withoutOffset: number;
  /** Rows from before what forecasts look back to with their step. */
  tooEarlyToCount: number;
  usedFrom: string;
  unknownChannels: string[];
  written: number;
  dryRun: boolean;
  shiftedWeeks: number;
  channels: { id: string; rows: number; from: string; to: string }[];
}

/** Less than the API takes at once: its body has a limit in bytes as well. */
const BATCH_ROWS = HISTORY_ROWS_AT_ONCE;

export const addHistory = (program: Command): void => {
  const history = program
    .command('history')
    .description('what audiences were before the swarm measured them');
  history
    .command('import')
    .description(
      'import audience history for the forecasts; every line is checked before the first is written',
    )
    .argument('<file>', 'CSV with the header timestamp,channel,viewers[,region], or timestamp,value')
    .option('--channel <id>', 'channel of a file that has no column channel')
    .option(
      '--time-zone <name>',
      'of times without an offset, such as Europe/Berlin (default: UTC)',
      timeZoneOption,
    )
    .option('--shift', 'move all rows by whole weeks, so that the last one falls in the past seven days')
    .option('--dry-run', 'check the file and say what would be written')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm history import audience.csv --dry-run\n' +
        '  encoder-swarm history import trace.csv --channel ch-1 --shift\n' +
        '\nColumns are divided by commas, semicolons or tabs. Times are ISO 8601, or seconds or milliseconds since 1970;\n' +
        'without an offset they are UTC, which is said, or of --time-zone. The same row again replaces itself, so an import that\n' +
        'was cut off can be run again. History is kept for 30 days.',
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { api, print, json } = contextOf(command);
      const nowMs = Date.now();
      const all = parseHistory(file, await readHistoryFile(file), {
        ...(options.channel !== undefined && { channelId: options.channel }),
        ...(options.timeZone !== undefined && { timeZone: options.timeZone }),
      });
      const shiftMs = options.shift ? weeksToNow(all, nowMs) : 0;
      const rows = all.map((row) => ({ ...row, atMs: row.atMs + shiftMs }));
      const recent = withinReach(file, rows, nowMs);
      const distinct = withoutRepeats(recent);
      const told = await importAll(api, distinct, { dryRun: options.dryRun ?? false, quiet: json });
      const report: ImportReport = {
        file,
        rows: rows.length,
        tooOld: rows.length - recent.length,
        repeated: recent.length - distinct.length,
        withoutOffset: rows.filter((row) => row.isWithoutOffset).length,
        tooEarlyToCount: distinct.filter(({ atMs }) => atMs < told.usedFromMs).length,
        usedFrom: new Date(told.usedFromMs).toISOString(),
        unknownChannels: told.unknownChannels,
        written: told.rows,
        dryRun: options.dryRun ?? false,
        shiftedWeeks: shiftMs / (7 * 86_400_000),
        channels: channelsOf(distinct),
      };
      print(report, () => reportLines(report));
    });
};

/** @throws SwarmError bad-request where a row lies in the future, or all are older than what is kept */
const withinReach = (file: string, rows: readonly HistoryRow[], nowMs: number): HistoryRow[] => {
  const ahead = rows.findIndex(({ atMs }) => atMs > nowMs);
  if (ahead >= 0) {
    const time = new Date(rows[ahead]?.atMs ?? 0).toISOString();
    const hint = rows[ahead]?.isWithoutOffset
      ? 'Its time says no offset, and was read as UTC: write one, such as 2026-03-01T12:00:00+09:00.'
      : 'History lies in the past: leave such rows out.';
    throw new SwarmError('bad-request', `${file}: data row ${ahead + 1} (${time}) lies in the future.`, hint);
  }
  const recent = rows.filter(({ atMs }) => atMs > nowMs - HISTORY_KEPT_MS);
  if (recent.length > 0) return recent;
  throw new SwarmError(
    'bad-request',
    `${file}: every row is older than the 30 days that are kept.`,
    'Move it to the present with --shift.',
  );
};

const NOTHING_TOLD: HistoryImported = { rows: 0, unknownChannels: [], usedFromMs: 0 };

const importAll = async (
  api: ApiClient,
  rows: readonly HistoryRow[],
  { dryRun, quiet }: { dryRun: boolean; quiet: boolean },
): Promise<HistoryImported> => {
  const bar =
    quiet || dryRun || !process.stderr.isTTY
      ? null
      : new SingleBar({
          format: 'Importing [{bar}] {value} of {total} rows, {duration_formatted}',
          hideCursor: true,
          stream: process.stderr,
        });
  bar?.start(rows.length, 0);
  const unknown = new Set<string>();
  const total = { rows: 0, usedFromMs: 0 };
  let asked = 0;
  try {
    while (asked < rows.length) {
      const batch = rows.slice(asked, asked + BATCH_ROWS).map(({ isWithoutOffset: _, ...row }) => row);
      const told = await api.call(operations.importHistory, {
        body: { rows: batch, ...(dryRun && { dryRun }) },
      });
      asked += batch.length;
      total.rows += told.rows;
      total.usedFromMs = told.usedFromMs;
      told.unknownChannels.forEach((id) => unknown.add(id));
      bar?.update(asked);
    }
    return { ...total, unknownChannels: [...unknown] };
  } catch (error) {
    // A file can be checked without a swarm; what only a swarm knows is then not said.
    if (dryRun && error instanceof SwarmError && error.code === 'unavailable') return NOTHING_TOLD;
    if (total.rows === 0 || !(error instanceof SwarmError)) throw error;
    throw new SwarmError(
      error.code,
      `${error.message} The first ${total.rows} of ${rows.length} rows are written.`,
      'Run the same import again: a row that is there already replaces itself.',
    );
  } finally {
    bar?.stop();
  }
};

const channelsOf = (rows: readonly HistoryRow[]): ImportReport['channels'] => {
  const byChannel = new Map<string, number[]>();
  for (const { channelId, atMs } of rows) {
    const times = byChannel.get(channelId);
    if (times) times.push(atMs);
    else byChannel.set(channelId, [atMs]);
  }
  const iso = (ms: number): string => new Date(ms).toISOString();
  return [...byChannel].map(([id, times]) => ({
    id,
    rows: times.length,
    from: iso(times.reduce((a, b) => Math.min(a, b))),
    to: iso(times.reduce((a, b) => Math.max(a, b))),
  }));
};

const rowCount = (rows: number): string => (rows === 1 ? '1 row' : `${rows} rows`);
const rowsAre = (rows: number): string => (rows === 1 ? '1 row is' : `${rows} rows are`);

const reportLines = (report: ImportReport): string[] => [
  report.dryRun
    ? `${report.file}: ${report.rows} rows, every line is good. Nothing was written (--dry-run).`
    : `${report.written} of ${report.rows} rows of ${report.file} are written.`,
  ...(report.shiftedWeeks === 0 ? [] : [`Moved by ${report.shiftedWeeks} weeks.`]),
  ...(report.repeated > 0
    ? [
        `! ${rowsAre(report.repeated)} there again with the same time, channel and region: of these the last one counts. ` +
          'Where the clock was set back, write the offset of each time.',
      ]
    : []),
  ...(report.withoutOffset > 0
    ? [`! The times of ${rowCount(report.withoutOffset)} say no offset: they were read as UTC.`]
    : []),
  ...(report.unknownChannels.length > 0
    ? [
        `! No channel of the swarm: ${report.unknownChannels.join(', ')}. Those rows count only if one is added under that name.`,
      ]
    : []),
  ...(report.tooEarlyToCount > 0
    ? [
        `! ${rowsAre(report.tooEarlyToCount)} from before ${report.usedFrom}, the time to which forecasts look back with ` +
          'their steps: they do not count. Longer steps look back further (SWARM_STEP_SECONDS).',
      ]
    : []),
  ...(report.tooOld > 0 ? [`${report.tooOld} rows are older than the 30 days that are kept: left out.`] : []),
  ...table(
    ['channel', 'rows', 'from', 'to'],
    report.channels.map((c) => [c.id, c.rows, c.from, c.to]),
  ),
];
