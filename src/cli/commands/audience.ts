import { createInterface } from 'node:readline';
import TailFile from '@logdna/tail-file';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { LogAudience, RequestLog, ViewerRegions, watchedBy, type CountedRow } from '../../audience';
import { HISTORY_KEPT_MS, HISTORY_ROWS_AT_ONCE, operations } from '../../contracts/api';
import { idSchema, type AudienceSeen, type SwarmError } from '../../domain';
import { onInterrupt } from '../../platform/processes/interrupts';
import { table } from '../../platform/terminal/table';
import { readAccessLogs } from '../access-logs';
import type { ApiClient } from '../api-client';
import { contextOf } from '../context';
import { UnusableInput } from '../failure';
import { durationOption } from '../options';

interface LogOptions {
  every: number;
  networks: ViewerRegions;
  region?: string;
}

const networksOption = (text: string): ViewerRegions => {
  try {
    return ViewerRegions.parse(text);
  } catch (error) {
    const { message, hint = '' } = error as SwarmError;
    throw new InvalidArgumentError(`${message} ${hint}`);
  }
};

const regionOption = (text: string): string => {
  const region = idSchema.safeParse(text);
  if (region.success) return region.data;
  throw new InvalidArgumentError(`${region.error.issues[0]?.message ?? 'It is no region'}.`);
};

const FORMATS =
  '\nLogs of nginx and Apache (common, combined), CloudFront (standard logs) and, as JSON with a line for each request,\n' +
  'Fastly and others are read; each line tells which it is. A viewer is a session id by CMCD, else an address and agent.\n' +
  'Neither is kept or sent: the swarm gets sums.\n';

const withLogOptions = (command: Command): Command =>
  command
    .option('--every <TIME>', 'between two counts', durationOption({ leastSeconds: 1 }), 10)
    .addOption(
      new Option(
        '--networks <NETWORK=REGION,...>',
        'where viewers are, by their addresses: 10.0.0.0/8=eu,2001:db8::/32=us',
      )
        .argParser(networksOption)
        .default(ViewerRegions.parse(''), 'none'),
    )
    .option('--region <id>', "region of all others (default: the channel's own)", regionOption);

const meterOf = ({ every, networks, region }: LogOptions): LogAudience =>
  new LogAudience({
    everyMs: every * 1_000,
    regions: networks,
    ...(region !== undefined && { region }),
  });

/** @returns channels that the swarm does not have */
const send = async (api: ApiClient, rows: readonly CountedRow[]): Promise<string[]> => {
  const unknown = new Set<string>();
  for (let from = 0; from < rows.length; from += HISTORY_ROWS_AT_ONCE) {
    const batch = rows.slice(from, from + HISTORY_ROWS_AT_ONCE);
    const told = await api.call(operations.importHistory, { body: { rows: batch } });
    told.unknownChannels.forEach((id) => unknown.add(id));
  }
  return [...unknown];
};

export const addAudience = (program: Command): void => {
  const audience = program
    .command('audience')
    .description('who watches: counted by the origin, or in the logs of a CDN');

  audience
    .command('list')
    .description('viewers whom the origin sees now; those behind a cache are in its log')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const seen = await api.call(operations.getAudience, {});
      print(seen, () => seenLines(seen));
    });

  withLogOptions(
    audience
      .command('import')
      .description('counts viewers in logs that are complete, and writes them as history')
      .argument('<files...>', 'access logs; a name that ends with .gz is unpacked')
      .option('--dry-run', 'counts, and writes nothing'),
  )
    .addHelpText(
      'after',
      `${FORMATS}\nExample:\n  encoder-swarm audience import E2EXAMPLE.2026-11-30-*.gz --networks 10.0.0.0/8=eu`,
    )
    .action(async (files: string[], options: LogOptions & { dryRun?: boolean }, command: Command) => {
      const { api, print } = contextOf(command);
      await importLogs(files, options, api, print);
    });

  withLogOptions(
    audience
      .command('follow')
      .description('counts viewers in a log while it is written, and over its rotation, until Ctrl-C')
      .argument('<file>', 'access log'),
  )
    .addHelpText(
      'after',
      `${FORMATS}Start the swarm with SWARM_AUDIENCE=off, so that nobody else writes an audience.\n` +
        '\nExample:\n  encoder-swarm audience follow /var/log/nginx/access.log',
    )
    .action(async (file: string, options: LogOptions, command: Command) => {
      const { api } = contextOf(command);
      await followLog(file, options, api);
    });
};

const importLogs = async (
  files: readonly string[],
  options: LogOptions & { dryRun?: boolean },
  api: ApiClient,
  print: (value: unknown, lines: () => string[]) => void,
): Promise<void> => {
  const { lines, unread, requests } = await readAccessLogs(files, (request) => watchedBy(request) !== null);
  if (requests.length === 0) {
    throw new UnusableInput(
      `None of the ${lines} lines is a request for a playlist or segment of a channel.`,
      'Logs of nginx and Apache (common, combined), CloudFront and JSON lines are read: see encoder-swarm audience import --help.',
    );
  }
  const meter = meterOf(options);
  const counted = requests.flatMap((request) => meter.take(request));
  const oldestMs = Date.now() - HISTORY_KEPT_MS;
  const rows = counted.filter(({ atMs }) => atMs > oldestMs);
  const unknownChannels = options.dryRun ? [] : await send(api, rows);
  const report = {
    ...{
      lines,
      unread,
      requests: requests.length,
      counts: rows.length,
      tooOld: counted.length - rows.length,
    },
    ...{ dryRun: options.dryRun ?? false, unknownChannels },
    channels: peaksOf(rows),
  };
  print(report, () => [
    `${requests.length} requests of viewers in ${lines} lines; ${unread} lines are no requests.`,
    ...table(
      ['channel', 'most viewers', 'from', 'to'],
      report.channels.map(({ id, most, from, to }) => [id, most, from, to]),
    ),
    ...(report.tooOld > 0 ? [`${report.tooOld} counts are older than the 30 days that are kept.`] : []),
    ...(unknownChannels.length > 0 ? [`The swarm has no channel ${unknownChannels.join(', ')}.`] : []),
    options.dryRun ? 'Nothing is written (--dry-run).' : `${rows.length} counts are written.`,
  ]);
};

const peaksOf = (rows: readonly CountedRow[]): { id: string; most: number; from: string; to: string }[] => {
  const byChannel = new Map<string, Map<number, number>>();
  for (const { channelId, atMs, viewers } of rows) {
    const times = byChannel.get(channelId) ?? new Map<number, number>();
    times.set(atMs, (times.get(atMs) ?? 0) + viewers);
    byChannel.set(channelId, times);
  }
  return [...byChannel]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, times]) => {
      const moments = [...times.keys()];
      const iso = (ms: number): string => new Date(ms).toISOString();
      return {
        id,
        most: moments.reduce((most, at) => Math.max(most, times.get(at) ?? 0), 0),
        from: iso(moments[0] ?? 0),
        to: iso(moments.at(-1) ?? 0),
      };
    });
};

const followLog = async (file: string, options: LogOptions, api: ApiClient): Promise<void> => {
  const meter = meterOf(options);
  const log = new RequestLog();
  let waiting: CountedRow[] = [];
  /** How far the log is behind the clock; not known before its first request. */
  let lagMs: number | null = null;
  const told = new Set<string>();
  const tell = (key: string, text: string): void => {
    if (!told.has(key)) console.error(text);
    told.add(key);
  };
  const tail = new TailFile(file, { encoding: 'utf8' });
  tail.on('tail_error', (error: Error) =>
    tell(error.message, `${file}: ${error.message}; it is looked for again.`),
  );
  await tail.start().catch((error: unknown) => {
    throw new UnusableInput(
      `${file} can not be followed: ${(error as Error).message}`,
      'Name a log that exists and may be read.',
    );
  });
  const lines = createInterface({ input: tail });
  lines.on('line', (line) => {
    const request = log.read(line);
    if (!request) {
      if (!line.startsWith('#') && line.trim() !== '')
        tell(
          'unread',
          'A line is no request in a form that is known, and is left out; so are others like it.',
        );
      return;
    }
    lagMs = Math.max(0, Date.now() - request.atMs);
    waiting.push(...meter.take(request));
  });
  console.error(`Counting viewers in ${file} every ${options.every} s. Ctrl-C ends it.`);
  const end = new Promise<void>((resolve) => onInterrupt(() => resolve()));
  let ended = false;
  void end.then(() => (ended = true));
  while (!ended) {
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, options.every * 1_000).unref())]);
    if (lagMs !== null) waiting.push(...meter.reach(Date.now() - lagMs));
    // What could not be sent is sent with the next, as far as it fits in one request.
    const rows = waiting.slice(-HISTORY_ROWS_AT_ONCE);
    waiting = rows;
    if (rows.length === 0) continue;
    try {
      const unknown = await send(api, rows);
      waiting = waiting.slice(rows.length);
      told.delete('api');
      for (const id of unknown)
        tell(`channel ${id}`, `The swarm has no channel ${id}; its viewers are written all the same.`);
    } catch (error) {
      tell('api', `Not written, and tried again: ${(error as Error).message}`);
    }
  }
  lines.close();
  await tail.quit();
};

const seenLines = ({ viewers }: AudienceSeen): string[] =>
  viewers.length === 0
    ? ['Nobody watches at this origin.']
    : table(
        ['channel', 'rendition', 'region', 'viewers'],
        viewers.map((v) => [v.channelId, v.rendition ?? 'sound', v.region || '-', v.viewers]),
      );
