import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { generatedSoundSchema, type GeneratedSoundLayout, type PictureFormat } from '../domain';
import { REPLICAS, type Replicas } from '../launch/replicas';
import { wholeNumberOption } from '../platform/terminal/number-option';
import { pictureOption } from '../platform/terminal/picture-option';
import { MAX_LOCAL_ENCODERS } from '../setup';
import { durationOption, stateDirOption } from './options';

/** Time that the scenario needs for its handoffs and its kill. */
const SHORTEST_RUN_SECONDS = 60;

export interface StartOptions {
  input: string[];
  /** Seconds. */
  duration?: number;
  report?: string;
  seed: number;
  portBase?: number;
  stateDir: string;
  encoders: number;
  /** Encode units of each encoder host; absent: see unitsOfEach. */
  encoderUnits?: number | 'measured';
  channels: number;
  picture?: PictureFormat;
  sound?: GeneratedSoundLayout;
  replicas: `${Replicas}`;
}

/**
 * Generated pictures are a demonstration, and so is a bounded run: their hosts have so little room that the audience
 * overloads one on every machine. Whoever brings an input, or names a size, wants what the machine can do.
 */
const DEMONSTRATION_UNITS = 6;

export const unitsOfEach = ({
  encoderUnits,
  input,
  picture,
  duration,
}: Pick<StartOptions, 'encoderUnits' | 'input' | 'picture' | 'duration'>): number | 'measured' =>
  encoderUnits ??
  ((input.length > 0 || picture) && duration === undefined ? 'measured' : DEMONSTRATION_UNITS);

/** Options of `npm start`. Parses nothing by itself. */
export const createStartProgram = (): Command =>
  new Command('npm start --')
    .description('Brings a swarm up on this machine and keeps it live until Ctrl-C.')
    .option(
      '--input <NAME=URL>',
      'a file (looped) or a live URL that ffmpeg reads, as the input of channel NAME; @FILE: the URL is in that file, and so in no list of processes; repeatable',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option(
      '--duration <TIME>',
      'run the scenario for this time (60s, 2m), verify every channel, and end',
      durationOption({ leastSeconds: SHORTEST_RUN_SECONDS }),
    )
    .option('--report <FILE>', 'where the bounded run writes its report (JSON)')
    .addOption(
      new Option('--seed <N>', 'decides what the bounded run moves and kills')
        .argParser(wholeNumberOption(0, 2 ** 32 - 1))
        .default(randomInt(1e6), 'a random one, which is printed'),
    )
    .option(
      '--port-base <N>',
      'shift all ports to N and up, to run beside another swarm',
      wholeNumberOption(1024, 65_495),
    )
    .addOption(stateDirOption())
    .option('--encoders <N>', 'encoder hosts to start with', wholeNumberOption(1, MAX_LOCAL_ENCODERS), 3)
    .option(
      '--encoder-units <N|measured>',
      'what each encoder host can carry; 1 is 320x180 at 25 frames/s, 10 is 1280x720; measured: what it measures of its ' +
        'share of this machine; default: measured with an --input or --picture, else, and with --duration, 6',
      (value: string) => (value === 'measured' ? value : wholeNumberOption(1, 10_000)(value)),
    )
    .addOption(
      new Option(
        '--replicas <N>',
        'origins that share the channels, each with a disk of its own: 1, or 3 with an etcd of three members, of which any may die',
      )
        .choices(REPLICAS.map(String))
        .default('1'),
    )
    .option('--channels <N>', 'generated channels ch-1 to ch-N to have', wholeNumberOption(1, 20), 6)
    .option(
      '--picture <WxH@RATE>',
      'size and rate of the generated pictures, such as 1280x720@30000/1001; default: 320x180@25',
      pictureOption,
    )
    .addOption(
      new Option(
        '--sound <layout>',
        'sound beside the generated pictures, in which each sample can be checked',
      ).choices(generatedSoundSchema.options),
    );
