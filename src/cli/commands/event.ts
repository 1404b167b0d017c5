import { InvalidArgumentError, type Command } from 'commander';
import { operations } from '../../contracts/api';
import type { KnownEvent } from '../../domain';
import { table } from '../../platform/terminal/table';
import { contextOf } from '../context';
import { parseTime } from '../time';

interface AddOptions {
  title?: string;
  from: number;
  to: number;
  channel: string[];
  region?: string;
  level: number;
}

const parseLevel = (text: string): number => {
  const level = Number(text);
  if (level > 0 && level <= 1000) return level;
  throw new InvalidArgumentError('Write a number above 0, at most 1000; 1 is usual.');
};

export const addEvent = (program: Command): void => {
  const event = program
    .command('event')
    .description('the schedule of events that draw an audience: forecasts know of them beforehand');

  event
    .command('add')
    .description('add an event, or replace the one with this id')
    .argument('<id>', 'its id: a-z, 0-9 and "-"')
    .requiredOption('--from <time>', 'when it begins, ISO 8601 with an offset or Z', parseTime)
    .requiredOption('--to <time>', 'when it ends', parseTime)
    .option('--title <text>', 'its name for people (default: its id)')
    .option('--channel <id...>', 'channels that it concerns (default: all of the region, or of the cell)', [])
    .option('--region <id>', 'region that it concerns')
    .option('--level <number>', 'size of its audience relative to others of its kind', parseLevel, 1)
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm event add final --title "Cup final" --channel ch-1 ch-2 --from 2026-12-01T19:00:00Z --to 2026-12-01T21:00:00Z\n' +
        '  encoder-swarm event add new-year --region eu --level 2 --from 2026-12-31T23:30:00+01:00 --to 2027-01-01T00:30:00+01:00',
    )
    .action(async (id: string, options: AddOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const added = await api.call(operations.addEvent, {
        body: {
          id,
          title: options.title ?? id,
          channelIds: options.channel,
          ...(options.region !== undefined && { region: options.region }),
          startsAtMs: options.from,
          endsAtMs: options.to,
          level: options.level,
        },
      });
      print(added, () => [`${added.id} is in the schedule; the next forecast knows of it.`]);
    });

  event
    .command('list')
    .description('events, past and to come, as far as history is kept')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const events = await api.call(operations.listEvents, {});
      print(events, () => eventLines(events));
    });

  event
    .command('remove')
    .description('remove an event')
    .argument('<id>', 'event to remove')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      await api.call(operations.removeEvent, { params: { id } });
      print({ eventId: id, done: 'remove' }, () => [`${id} is removed.`]);
    });
};

const eventLines = (events: readonly KnownEvent[]): string[] =>
  table(
    ['event', 'title', 'begins', 'ends', 'level', 'concerns'],
    events.map((e) => [
      e.id,
      e.title,
      new Date(e.startsAtMs).toISOString(),
      new Date(e.endsAtMs).toISOString(),
      e.level,
      e.channelIds.join(', ') || (e.region === undefined ? 'the cell' : `region ${e.region}`),
    ]),
  );
