import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { readEnvironment } from '../../config/config';
import { operations } from '../../contracts/api';
import { SwarmError, idSchema, stampsOf } from '../../domain';
import { setOwnIdentity } from '../../platform/own-identity';
import { createVerifyProgress } from '../../platform/terminal/progress';
import { table } from '../../platform/terminal/table';
import { verifierFfmpegPaths, verifyPlaylists, type VerifyReport } from '../../verify';
import type { ApiClient } from '../api-client';
import { contextOf, stateFolderOf, urlOf } from '../context';
import { AnsweredNo } from '../failure';
import { durationOption, stateDirOption } from '../options';
import { partTokenFor } from '../token';

interface VerifyCommandOptions {
  key?: string;
  stateDir: string;
  follow?: number;
  window?: number;
  against?: 'contribution';
  relay?: string;
}

const STAMP_KEY_BYTES = 32;
const NO_KEY =
  'The key of the stamps is not here (name it with --state-dir or --key): frames are checked by their time stamps.\n';

const isStateDirNamed = (command: Command): boolean =>
  command.getOptionValueSource('stateDir') !== 'default' || !!process.env.SWARM_STATE_DIR;

export const addVerify = (program: Command): void => {
  program
    .command('verify')
    .description('decode what viewers get, and prove that every frame is there, once, in order, and genuine')
    .argument('<playlist...>', 'URLs or paths of HLS playlists, or names of channels')
    .option('--key <file>', 'key of the burnt-in stamps (default: stamp.key in the state folder)')
    .addOption(stateDirOption())
    .option(
      '--follow <duration>',
      'follow the live playlists for this time, then verify all of it',
      durationOption(),
    )
    .option('--window <duration>', 'how much of the past to ask the origin for', durationOption())
    .addOption(
      new Option(
        '--against <what>',
        'also compare each picture, by its content, and each packet of sound with what the channel was sent',
      ).choices(['contribution']),
    )
    .option(
      '--relay <URL>',
      'relay that keeps the contribution (default: SWARM_RELAY_URL, else the one of the swarm that runs on the state folder)',
    )
    .addHelpText(
      'after',
      '\nFrom a machine or folder without the key, frames are checked by their time stamps.\n\nExamples:\n  encoder-swarm verify ch-1 ch-2 --window 60s\n  encoder-swarm verify http://127.0.0.1:7707/hls/ch-1/index.m3u8 --follow 30s --json',
    )
    .action(async (subjects: string[], options: VerifyCommandOptions, command: Command) => {
      const { api, json, print } = contextOf(command, { mayRunElsewhere: true });
      const environment = readEnvironment();
      const isNamed = options.key !== undefined || isStateDirNamed(command);
      const [target, key] = await Promise.all([
        resolveSubjects(api, subjects),
        readKey(options.key ?? join(options.stateDir, 'stamp.key'), { mayBeAway: !isNamed }),
      ]);
      if (!key) process.stderr.write(NO_KEY);
      const fromEnvironment = process.env.SWARM_RELAY_URL;
      const relayUrl = options.against
        ? (urlOf(command, 'relay', { named: options.relay, fromEnvironment, mayRunElsewhere: true }) ??
          environment.SWARM_RELAY_URL)
        : undefined;
      if (relayUrl !== undefined)
        setOwnIdentity({ partToken: await partTokenFor(relayUrl, stateFolderOf(command)) });
      const progress = createVerifyProgress({ hidden: json, followSeconds: options.follow ?? 0 });
      const report = await verifyPlaylists({
        ...target,
        key,
        ffmpegPaths: await verifierFfmpegPaths(environment),
        ...(options.follow !== undefined && { followMs: options.follow * 1000 }),
        ...(options.window !== undefined && { windowSeconds: options.window }),
        ...(relayUrl !== undefined && { relayUrl }),
        onProgress: progress.onProgress,
      }).finally(progress.stop);
      print(report, () => reportLines(report));
      if (!report.ok) throw new AnsweredNo();
    });
};

/** Playlists of what was named, and what stamps its channels carry. */
const resolveSubjects = async (
  api: ApiClient,
  subjects: readonly string[],
): Promise<{ playlists: string[] } & ReturnType<typeof stampsOf>> => {
  const isName = (subject: string): boolean => idSchema.safeParse(subject).success;
  const status = await api.call(operations.getStatus, {}).catch((error: unknown) => {
    // A playlist can be verified without its swarm; a name can't be looked up without it.
    if (subjects.some(isName)) throw error;
    return null;
  });
  const channels = status?.channels ?? [];
  return {
    playlists: subjects.map((subject) => {
      if (!isName(subject)) return subject;
      const channel = channels.find((c) => c.id === subject);
      if (channel) return channel.playlistUrl;
      throw new SwarmError(
        'unknown-channel',
        `There is no channel ${subject}.`,
        `Channels of this swarm: ${channels.map((c) => c.id).join(', ') || 'none'}.`,
      );
    }),
    ...stampsOf(channels),
  };
};

/** Null if it is not there, where that is no fault. */
const readKey = async (file: string, { mayBeAway }: { mayBeAway: boolean }): Promise<Buffer | null> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (mayBeAway && error.code === 'ENOENT') return null;
    throw new SwarmError(
      'bad-request',
      `The key of the stamps can't be read: ${error.message}.`,
      'Name it with --key FILE; a running swarm keeps it as stamp.key in its state folder.',
    );
  });
  if (text === null) return null;
  const hex = text.trim();
  if (new RegExp(`^[0-9a-f]{${2 * STAMP_KEY_BYTES}}$`).test(hex)) return Buffer.from(hex, 'hex');
  throw new SwarmError(
    'bad-request',
    `${file} does not hold a key of stamps (${2 * STAMP_KEY_BYTES} hexadecimal digits).`,
    'Name the stamp.key of the state folder with --key FILE.',
  );
};

const contributionLines = (report: VerifyReport): string[] => {
  const compared = report.playlists.flatMap(({ channelId, rendition, contribution }) =>
    contribution ? [{ channelId, rendition, ...contribution }] : [],
  );
  if (compared.length === 0) return [];
  return [
    '',
    ...table(
      [
        'against the contribution',
        'rendition',
        'pictures',
        'alike',
        'sound packets',
        'lost',
        'foreign',
        'moved by',
      ],
      compared.map((c) => [
        c.channelId,
        c.rendition,
        c.framesCompared,
        c.framesAlike,
        c.soundPacketsCompared,
        c.soundPacketsLost,
        c.soundPacketsForeign,
        `${c.soundOffsetChangeMs.toFixed(1)} ms`,
      ]),
    ),
    '',
  ];
};

const soundLines = (report: VerifyReport): string[] => {
  const heard = report.playlists.flatMap(({ channelId, rendition, sound }) =>
    sound ? [{ channelId, rendition, ...sound }] : [],
  );
  if (heard.length === 0) return [];
  return [
    '',
    ...table(
      ['sound', 'rendition', 'samples', 'lost', 'repeated', 'invalid', 'moved by'],
      heard.map((s) => [
        s.channelId,
        s.rendition,
        s.samplesChecked,
        s.samplesLost,
        s.samplesRepeated,
        s.samplesInvalid,
        s.avOffsetChangeMs === null ? '-' : `${s.avOffsetChangeMs.toFixed(2)} ms`,
      ]),
    ),
    '',
  ];
};

const soundInWords = (report: VerifyReport): string => {
  const { audioSamplesChecked: checked, audioSamplesLost: lost } = report;
  if (checked === 0) return '';
  return report.ok
    ? ` So is every sample of their sound: ${checked} checked.`
    : ` Sound: ${lost} samples lost, ${report.audioSamplesRepeated} repeated, ${report.audioSamplesInvalid} invalid of ${checked}.`;
};

const reportLines = (report: VerifyReport): string[] => [
  ...table(
    ['channel', 'rendition', 'checked by', 'GOPs', 'frames', 'lost', 'repeated', 'invalid', 'gaps'],
    report.playlists.map((p) => [
      p.channelId,
      p.rendition,
      p.checkedBy,
      `${p.firstGop} to ${p.lastGop}`,
      p.framesChecked,
      p.framesLost,
      p.framesRepeated,
      p.framesInvalid,
      p.gapsDeclared,
    ]),
  ),
  ...soundLines(report),
  ...contributionLines(report),
  ...report.playlists.flatMap((p) =>
    p.problems.map((problem) => `! ${p.channelId} ${p.rendition}: ${problem}`),
  ),
  report.ok
    ? `Every frame is there, once: ${report.framesChecked} checked, ${report.gapsDeclared} GOPs declared absent.${soundInWords(report)}`
    : `NOT continuous: ${report.framesLost} lost, ${report.framesRepeated} repeated, ${report.framesInvalid} invalid of ${report.framesChecked}.${soundInWords(report)}`,
];
