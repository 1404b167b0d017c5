import { randomBytes } from 'node:crypto';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { stringify } from 'yaml';
import { operations, type ChannelAdded } from '../../contracts/api';
import {
  SwarmError,
  deinterlaceSchema,
  frameRateSchema,
  generatedSoundSchema,
  ladderPresetNames,
  soundCodecSchema,
  soundLayoutSchema,
  type Deinterlace,
  type FrameRate,
  type GeneratedSoundLayout,
  type InputChoice,
  type PictureFormat,
  type SoundCodec,
  type SoundLayout,
} from '../../domain';
import { inputOrFile } from '../../launch/input-file';
import { pictureOption } from '../../platform/terminal/picture-option';
import { contextOf } from '../context';
import { ladderFileOf, readLadder } from '../ladder-file';
import { timeZoneOption } from '../options';
import { inputUrl, standbyOf, withStandby, type StandbyOptions } from '../standby-options';
import { parseTime } from '../time';
import { channelLines, switchLines } from '../views';
import { addPlayUrl } from './play-url';
import { addSplice } from './splice';

const PUSH_KEY_BYTES = 18;

const LADDER_HELP = `what it is encoded to: a file in YAML or JSON, or one of ${ladderPresetNames.join(', ')}`;

const ZONE_HELP =
  'by whose clock its audience lives, such as Europe/Berlin; else that of its region (SWARM_TIME_ZONES)';

interface AddOptions extends ChoiceOptions, StandbyOptions {
  input?: string;
  push?: boolean;
  picture?: PictureFormat;
  sound?: GeneratedSoundLayout;
  ladder?: string;
  framesPerSecond?: FrameRate;
  timeZone?: string;
}

interface SwitchOptions {
  at?: number;
  cancel?: boolean;
}

/** What of an input is carried. */
interface ChoiceOptions {
  deinterlace?: Deinterlace;
  programme?: number;
  videoStream?: number;
  languages?: string[];
  soundCodec?: SoundCodec;
  soundLayout?: SoundLayout;
}

const withChoice = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--deinterlace <how>',
        'interlaced pictures: a picture of each two fields (frame), of each field, or as they are',
      ).choices(deinterlaceSchema.options),
    )
    .option(
      '--programme <number>',
      'programme of a multiplex, or variant of an HLS master (from 0)',
      wholeOption,
    )
    .option(
      '--video-stream <index>',
      'stream that is the picture, as ffprobe counts; else the largest',
      wholeOption,
    )
    .option('--languages <codes>', 'languages of the sound, such as deu,eng; else all', (text: string) =>
      text.split(',').map((code) => code.trim()),
    )
    .addOption(
      new Option(
        '--sound-codec <codec>',
        'sound that browsers do not play (MP2, AC-3): encoded to AAC (the default), or as it came',
      ).choices(soundCodecSchema.options),
    )
    .addOption(
      new Option(
        '--sound-layout <layout>',
        'more than two channels: as they came (the default), or stereo',
      ).choices(soundLayoutSchema.options),
    );

/** How the sound of an input is carried; nothing where that is left to the source. */
const soundOf = ({ soundCodec, soundLayout }: ChoiceOptions): InputChoice => ({
  ...(soundCodec !== undefined && { soundCodec }),
  ...(soundLayout !== undefined && { soundLayout }),
});

/** The standby of the options, with the sound of the input, so that a switch changes no codec. */
const standbyWithSound = (options: ChoiceOptions & StandbyOptions): Promise<{ standby?: object }> => {
  const sound = soundOf(options);
  return standbyOf(options, Object.keys(sound).length > 0 ? sound : undefined);
};

/** The input of the options; none where none was named. @throws SwarmError bad-request for a choice without an input */
const inputOf = async ({
  input,
  programme,
  videoStream,
  languages,
  ...sound
}: ChoiceOptions & { input?: string }): Promise<object> => {
  const choice = {
    ...(programme !== undefined && { programme }),
    ...(videoStream !== undefined && { picture: videoStream }),
    ...(languages !== undefined && { languages }),
    ...soundOf(sound),
  };
  const isChosen = Object.keys(choice).length > 0;
  if (input !== undefined)
    return {
      input: {
        kind: 'url',
        url: inputUrl(await inputOrFile(input, process.cwd())),
        ...(isChosen && { choice }),
      },
    };
  if (!isChosen) return {};
  throw new SwarmError(
    'bad-request',
    'Programme, picture and sound are chosen of an input, and none was named.',
    'Give --input too.',
  );
};

/** An address at which the channel is sent by HTTP, with a key of its own. @throws SwarmError bad-request beside an input */
const pushOf = (id: string, { input, push, picture, sound }: AddOptions): string | null => {
  if (!push) return null;
  if (input !== undefined || picture || sound)
    throw new SwarmError(
      'bad-request',
      '--push says that the channel is sent by HTTP, and another input was named.',
      'Leave out one of the two.',
    );
  return `push://${id}?key=${randomBytes(PUSH_KEY_BYTES).toString('base64url')}`;
};

/** What its sender has to know. The key is shown once: the swarm does not tell it again. */
const pushLines = (id: string, pushUrl: string): string[] => [
  `Send it with POST or PUT to /push/${id} at SWARM_PUSH_PORT of the source, with this header:`,
  `authorization: Bearer ${new URL(pushUrl).searchParams.get('key') ?? ''}`,
];

/** A generated picture of the size, rate and sound that were named. @throws SwarmError bad-request beside an input */
const generatedOf = ({ input, picture, sound }: AddOptions): object => {
  if (!picture && !sound) return {};
  if (input !== undefined)
    throw new SwarmError(
      'bad-request',
      `${picture ? '--picture' : '--sound'} says what is generated, and an input was named.`,
      'Leave out one of the two. What an input is encoded to, --ladder says.',
    );
  const { widthPx, heightPx, rate } = picture ?? {};
  const size = picture && { widthPx, heightPx };
  return {
    input: { kind: 'generated', ...size, ...(sound && { sound }) },
    ...(picture && { framesPerSecond: rate }),
  };
};

export const addChannel = (program: Command): void => {
  const channel = program.command('channel').description('add, change, remove and list channels');

  withStandby(
    withChoice(
      channel
        .command('add')
        .description('put a channel on air')
        .argument('<name>', 'its id: a-z, 0-9 and "-"')
        .option(
          '--input <url>',
          'file or live URL that ffmpeg reads, or @FILE with a URL in it; without it a generated moving picture',
        ),
    ),
  )
    .option('--push', 'the channel is sent to the source by HTTP, with a key that is shown once')
    .option(
      '--picture <WxH@RATE>',
      'size and rate of the generated picture, such as 1280x720@30000/1001',
      pictureOption,
    )
    .addOption(
      new Option(
        '--sound <layout>',
        'sound beside the generated picture, in which each sample can be checked',
      ).choices(generatedSoundSchema.options),
    )
    .option('--ladder <file|preset>', `${LADDER_HELP}; made from the input where it is not given`)
    .option(
      '--frames-per-second <rate>',
      'such as 25 or 30000/1001; by default that of the input',
      rateOption,
    )
    .option('--time-zone <name>', ZONE_HELP, timeZoneOption)
    .addHelpText(
      'after',
      '\nSays when it will be on air, or what is in the way. Refused where no encoder could ever take it.\n' +
        '\nExamples:\n  encoder-swarm channel add news --input https://example.org/live.m3u8\n  encoder-swarm channel add news --input /films/news.mp4 --ladder sd\n  encoder-swarm channel add test-1 --picture 1920x1080@60000/1001 --sound stereo',
    )
    .action(async (id: string, options: AddOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const { ladder, framesPerSecond, deinterlace, timeZone } = options;
      const pushUrl = pushOf(id, options);
      const added = await api.call(operations.addChannel, {
        body: {
          id,
          ...(await inputOf(pushUrl === null ? options : { ...options, input: pushUrl })),
          ...generatedOf(options),
          ...(await standbyWithSound(options)),
          ...(ladder !== undefined && (await readLadder(ladder))),
          ...(framesPerSecond !== undefined && { framesPerSecond }),
          ...(deinterlace !== undefined && { deinterlace }),
          ...(timeZone !== undefined && { timeZone }),
        },
      });
      const shown = pushUrl === null ? added : { ...added, pushUrl };
      print(shown, () => [
        ...addedLines(added),
        ...(pushUrl === null ? [] : pushLines(id, pushUrl)),
        ...added.notes.map((note) => `! ${note}`),
      ]);
    });

  withStandby(
    withChoice(
      channel
        .command('update')
        .description('change a channel on air, without a lost frame')
        .argument('<name>', 'channel to change')
        .option('--input <url>', 'file or live URL to bring from now on, or @FILE with a URL in it'),
    ),
  )
    .option('--ladder <file|preset>', LADDER_HELP)
    .option('--time-zone <name>', ZONE_HELP, timeZoneOption)
    .addHelpText(
      'after',
      '\nNumbers and times of the stream go on. Another ladder comes with a handoff; what is refused changes nothing.\n' +
        '\nExamples:\n  encoder-swarm channel update news --ladder mine.yaml\n  encoder-swarm channel update news --input srt://example.org:9000',
    )
    .action(async (id: string, options: AddOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const { ladder, deinterlace, timeZone } = options;
      const input = { ...(await inputOf(options)), ...(await standbyWithSound(options)) };
      if (Object.keys(input).length === 0 && (ladder ?? deinterlace ?? timeZone) === undefined)
        throw new SwarmError(
          'bad-request',
          'Nothing to change was named.',
          'Give --input, --backup, --slate, --ladder, --deinterlace or --time-zone.',
        );
      const changed = await api.call(operations.updateChannel, {
        params: { id },
        body: {
          ...input,
          ...(deinterlace !== undefined && { deinterlace }),
          ...(ladder !== undefined && (await readLadder(ladder))),
          ...(timeZone !== undefined && { timeZone }),
        },
      });
      print(changed, () => [
        `${id} is changed: ${changed.ladder.map((r) => `${r.name} ${r.widthPx}x${r.heightPx}`).join(', ')}.`,
      ]);
    });

  channel
    .command('switch')
    .description('put another input of a channel on air, or let the rules choose')
    .argument('<name>', 'channel')
    .argument('[input]', 'primary, backup-1, …, slate; auto: the rules choose')
    .option('--at <time>', 'when, ISO 8601 with an offset or Z (default: now)', parseTime)
    .option('--cancel', 'forget what was planned with --at')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm channel switch news backup-1\n  encoder-swarm channel switch news backup-1 --at 2026-12-01T19:00:00Z\n  encoder-swarm channel switch news auto --at 2026-12-01T21:00:00Z\n  encoder-swarm channel switch news --cancel',
    )
    .action(async (id: string, input: string | undefined, options: SwitchOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const params = { id };
      const { at, cancel = false } = options;
      if (cancel ? input !== undefined || at !== undefined : input === undefined)
        throw new SwarmError(
          'bad-request',
          'Say which input is to go on air, or that what was planned is forgotten.',
          'Give an input, or --cancel alone.',
        );
      const { standby } =
        input === undefined
          ? await api.call(operations.cancelSwitches, { params })
          : await api.call(operations.switchInput, {
              params,
              body: { input, ...(at !== undefined && { atMs: at }) },
            });
      print(standby, () => switchLines(id, standby));
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

  addSplice(channel);
  addPlayUrl(channel);

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
const wholeOption = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('use a whole number');
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
