import type { Command } from 'commander';
import { operations } from '../../contracts/api';
import { SwarmError, TICKS_PER_SECOND } from '../../domain';
import { parseDurationSeconds } from '../../platform/duration';
import { wholeNumberOption } from '../../platform/terminal/number-option';
import { contextOf } from '../context';
import { parseTime } from '../time';

interface SpliceOptions {
  out?: boolean;
  return?: boolean;
  duration?: string;
  in?: string;
  at?: number;
  eventId?: number;
}

const wholeNumber = wholeNumberOption(0);
const msOf = (duration: string): number => Math.round(parseDurationSeconds(duration) * 1000);

export const addSplice = (channel: Command): void => {
  channel
    .command('splice')
    .description('begin a break for advertisements in a channel, or end it')
    .argument('<name>', 'channel to mark')
    .option('--out', 'a break begins')
    .option('--return', 'the break ends')
    .option('--duration <time>', 'how long the break is, such as 30s; without it, until --return')
    .option(
      '--in <time>',
      'how far ahead, such as 10s (default: 4s, so that all encoders know of it in time)',
    )
    .option('--at <time>', 'when, ISO 8601 with an offset or Z', parseTime)
    .option('--event-id <number>', 'number of the break; made where it is not given', wholeNumber)
    .addHelpText(
      'after',
      '\nThe segment is cut at that picture in all renditions; playlists and manifest carry the mark.\n' +
        '\nExamples:\n  encoder-swarm channel splice news --out --duration 30s\n  encoder-swarm channel splice news --return --in 10s',
    )
    .action(async (id: string, options: SpliceOptions, command: Command) => {
      const { api, print } = contextOf(command);
      if ((options.out === true) === (options.return === true))
        throw new SwarmError(
          'bad-request',
          'Say whether a break begins or ends.',
          'Give one of --out and --return.',
        );
      const { duration, in: ahead, at, eventId } = options;
      if (options.return && duration !== undefined)
        throw new SwarmError('bad-request', 'A return has no duration: it ends the break.', 'Leave it out.');
      if (ahead !== undefined && at !== undefined)
        throw new SwarmError('bad-request', 'Two times were given.', 'Give one of --in and --at.');
      const when = {
        ...(ahead !== undefined && { inMs: msOf(ahead) }),
        ...(at !== undefined && { atMs: at }),
        ...(eventId !== undefined && { eventId }),
      };
      const splice = await api.call(operations.splice, {
        params: { id },
        body: options.out
          ? { kind: 'out', ...(duration !== undefined && { durationMs: msOf(duration) }), ...when }
          : { kind: 'return', ...when },
      });
      const seconds = splice.plannedTicks === undefined ? null : splice.plannedTicks / TICKS_PER_SECOND;
      print(splice, () => [
        options.out
          ? `A break begins in ${id}: event ${splice.eventId}, ` +
            (seconds === null ? 'until it is ended with --return.' : `${seconds} s long.`)
          : `The break of event ${splice.eventId} in ${id} ends.`,
      ]);
    });
};
