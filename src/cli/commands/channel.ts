import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { operations, type ChannelAdded } from '../../contracts/api';
import { contextOf } from '../context';
import { channelLines } from '../views';

export const addChannel = (program: Command): void => {
  const channel = program.command('channel').description('add, remove and list channels');

  channel
    .command('add')
    .description('put a channel on air, with the default ladder')
    .argument('<name>', 'its id: a-z, 0-9 and "-"')
    .option('--input <url>', 'file or live URL that ffmpeg reads; without it a generated moving picture')
    .addHelpText(
      'after',
      '\nSays when it will be on air, or what is in the way. Refused where no encoder could ever take it.\n' +
        '\nExamples:\n  encoder-swarm channel add news --input https://example.org/live.m3u8\n  encoder-swarm channel add test-1',
    )
    .action(async (id: string, options: { input?: string }, command: Command) => {
      const { api, print } = contextOf(command);
      const added = await api.call(operations.addChannel, {
        body: {
          id,
          ...(options.input !== undefined && { input: { kind: 'url', url: inputUrl(options.input) } }),
        },
      });
      print(added, () => addedLines(added));
    });

  channel
    .command('remove')
    .description('take a channel off air and forget it')
    .argument('<name>', 'channel to remove')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      await api.call(operations.removeChannel, { params: { id } });
      print({ channelId: id, done: 'remove' }, () => [`${id} is removed.`]);
    });

  channel
    .command('list')
    .description('channels with owner, ladder, audience and publish delay')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const channels = await api.call(operations.listChannels, {});
      print(channels, () => channelLines(channels));
    });
};

const addedLines = ({ id, onAir: { withinSeconds, inTheWay } }: ChannelAdded): string[] =>
  withinSeconds === null
    ? [`${id} is added, and is not on air yet:`, ...inTheWay.map((why) => `! ${why}`)]
    : [`${id} is added; it is usually on air within ${withinSeconds} s.`];

/** The source reads a file from its own folder: name files in full. */
const inputUrl = (given: string): string => (existsSync(given) ? resolve(given) : given);
