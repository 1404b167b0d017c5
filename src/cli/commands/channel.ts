import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { operations } from '../../contracts/api';
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
      '\nExamples:\n  encoder-swarm channel add news --input https://example.org/live.m3u8\n  encoder-swarm channel add test-1',
    )
    .action(async (id: string, options: { input?: string }, command: Command) => {
      const { api, print } = contextOf(command);
      const spec = await api.call(operations.addChannel, {
        body: {
          id,
          ...(options.input !== undefined && { input: { kind: 'url', url: inputUrl(options.input) } }),
        },
      });
      print(spec, () => [`${spec.id} is added; the swarm puts it on air in a few seconds.`]);
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

/** The source reads a file from its own folder: name files in full. */
const inputUrl = (given: string): string => (existsSync(given) ? resolve(given) : given);
