import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { stringify } from 'yaml';
import { operations, type ChannelAdded } from '../../contracts/api';
import { frameRateSchema, ladderPresetNames, type FrameRate } from '../../domain';
import { contextOf } from '../context';
import { ladderFileOf, readLadder } from '../ladder-file';
import { channelLines } from '../views';

const LADDER_HELP = `what it is encoded to: a file in YAML or JSON, or one of ${ladderPresetNames.join(', ')}`;

interface AddOptions {
  input?: string;
  ladder?: string;
  framesPerSecond?: FrameRate;
}

export const addChannel = (program: Command): void => {
  const channel = program.command('channel').description('add, remove and list channels');

  channel
    .command('add')
    .description('put a channel on air')
    .argument('<name>', 'its id: a-z, 0-9 and "-"')
    .option('--input <url>', 'file or live URL that ffmpeg reads; without it a generated moving picture')
    .option('--ladder <file|preset>', `${LADDER_HELP}; made from the input where it is not given`)
    .option(
      '--frames-per-second <rate>',
      'such as 25 or 30000/1001; by default that of the input',
      rateOption,
    )
    .addHelpText(
      'after',
      '\nSays when it will be on air, or what is in the way. Refused where no encoder could ever take it.\n' +
        '\nExamples:\n  encoder-swarm channel add news --input https://example.org/live.m3u8\n  encoder-swarm channel add news --input /films/news.mp4 --ladder sd\n  encoder-swarm channel add test-1',
    )
    .action(async (id: string, options: AddOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const { input, ladder, framesPerSecond } = options;
      const added = await api.call(operations.addChannel, {
        body: {
          id,
          ...(input !== undefined && { input: { kind: 'url', url: inputUrl(input) } }),
          ...(ladder !== undefined && (await readLadder(ladder))),
          ...(framesPerSecond !== undefined && { framesPerSecond }),
        },
      });
      print(added, () => [...addedLines(added), ...added.notes.map((note) => `! ${note}`)]);
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

  channel
    .command('ladder')
    .description('print a ladder in YAML, to begin a file of your own with')
    .argument('<file|preset>', `a file, or one of ${ladderPresetNames.join(', ')}`)
    .action(async (given: string, _options: unknown, command: Command) => {
      const { print } = contextOf(command);
      const file = ladderFileOf(await readLadder(given));
      print(file, () => [stringify(file).trimEnd()]);
    });
};

/** @throws InvalidArgumentError */
const rateOption = (text: string): FrameRate => {
  const parsed = frameRateSchema.safeParse(/^\d+$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues.map(({ message }) => message).join('; '));
};

const addedLines = ({ id, onAir: { withinSeconds, inTheWay } }: ChannelAdded): string[] =>
  withinSeconds === null
    ? [`${id} is added, and is not on air yet:`, ...inTheWay.map((why) => `! ${why}`)]
    : [`${id} is added; it is usually on air within ${withinSeconds} s.`];

/** The source reads a file from its own folder: name files in full. */
const inputUrl = (given: string): string => (existsSync(given) ? resolve(given) : given);
