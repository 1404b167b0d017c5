import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { HISTORY_KEPT_MS, HISTORY_ROWS_AT_ONCE, operations } from '../../contracts/api';
import { SwarmError } from '../../domain';
import { table } from '../../platform/terminal/table';
import type { ApiClient } from '../api-client';
import { contextOf } from '../context';
import { parseHistory, readHistoryFile, weeksToNow, type HistoryRow } from '../history-file';

interface ImportOptions {
  channel?: string;
  shift?: boolean;
  dryRun?: boolean;
}

interface ImportReport {
  file: string;
  rows: number;
  /** Rows older than what the store keeps; they are left out. */
  tooOld: number;
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
    .option('--shift', 'move all rows by whole weeks, so that the last one falls in the past seven days')
    .option('--dry-run', 'check the file and say what would be written')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm history import audience.csv --dry-run\n' +
        '  encoder-swarm history import trace.csv --channel ch-1 --shift\n' +
        '\nTimes are ISO 8601; without an offset they are UTC. The same row again replaces itself, so an import that\n' +
        'was cut off can be run again. History is kept for 30 days.',
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { api, print, json } = contextOf(command);
      const nowMs = Date.now();
      const all = parseHistory(file, await readHistoryFile(file), {
        ...(options.channel !== undefined && { channelId: options.channel }),
      });
      const shiftMs = options.shift ? weeksToNow(all, nowMs) : 0;
      const rows = all.map((row) => ({ ...row, atMs: row.atMs + shiftMs }));
      const kept = withinReach(file, rows, nowMs);
      const report: ImportReport = {
        file,
        rows: rows.length,
        tooOld: rows.length - kept.length,
        written: options.dryRun ? 0 : await writeAll(api, kept, json),
        dryRun: options.dryRun ?? false,
        shiftedWeeks: shiftMs / (7 * 86_400_000),
        channels: channelsOf(kept),
      };
      print(report, () => reportLines(report));
    });
};

/** @throws SwarmError bad-request where a row lies in the future, or all are older than what is kept */
const withinReach = (file: string, rows: readonly HistoryRow[], nowMs: number): HistoryRow[] => {
  const ahead = rows.findIndex(({ atMs }) => atMs > nowMs);
  if (ahead >= 0) {
    const time = new Date(rows[ahead]?.atMs ?? 0).toISOString();
    throw new SwarmError(
      'bad-request',
      `${file}: data row ${ahead + 1} (${time}) lies in the future.`,
      'History is what has been: leave such rows out.',
    );
  }
  const kept = rows.filter(({ atMs }) => atMs > nowMs - HISTORY_KEPT_MS);
  if (kept.length > 0) return kept;
  throw new SwarmError(
    'bad-request',
    `${file}: every row is older than the 30 days that are kept.`,
    'Move it to the present with --shift.',
  );
};

const writeAll = async (api: ApiClient, rows: readonly HistoryRow[], quiet: boolean): Promise<number> => {
  const bar =
    quiet || !process.stderr.isTTY
      ? null
      : new SingleBar({
          format: 'Importing [{bar}] {value} of {total} rows, {duration_formatted}',
          hideCursor: true,
          stream: process.stderr,
        });
  bar?.start(rows.length, 0);
  let written = 0;
  try {
    for (; written < rows.length; written = Math.min(rows.length, written + BATCH_ROWS)) {
      await api.call(operations.importHistory, { body: { rows: rows.slice(written, written + BATCH_ROWS) } });
      bar?.update(Math.min(rows.length, written + BATCH_ROWS));
    }
    return written;
  } catch (error) {
    if (written === 0 || !(error instanceof SwarmError)) throw error;
    throw new SwarmError(
      error.code,
      `${error.message} The first ${written} of ${rows.length} rows are written.`,
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

const reportLines = (report: ImportReport): string[] => [
  report.dryRun
    ? `${report.file}: ${report.rows} rows, every line is good. Nothing was written (--dry-run).`
    : `${report.written} of ${report.rows} rows of ${report.file} are written.`,
  ...(report.shiftedWeeks === 0 ? [] : [`Moved by ${report.shiftedWeeks} weeks.`]),
  ...(report.tooOld > 0 ? [`${report.tooOld} rows are older than the 30 days that are kept: left out.`] : []),
  ...table(
    ['channel', 'rows', 'from', 'to'],
    report.channels.map((c) => [c.id, c.rows, c.from, c.to]),
  ),
];
