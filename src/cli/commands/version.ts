import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { operations, type Versions } from '../../contracts/api';
import { SwarmError, sentence, type BuildSource, type EncoderBuild } from '../../domain';
import { table } from '../../platform/terminal/table';
import type { ApiClient } from '../api-client';
import { contextOf } from '../context';
import { AnsweredNo } from '../failure';
import { createProbeProgress } from '../probe-progress';

const PROGRESS_EVERY_MS = 500;

interface AddOptions {
  path?: string;
  package?: string;
  ecosystem: 'npm' | 'pypi' | 'debian';
  image?: string;
  digest?: string;
}

/** @throws SwarmError bad-request unless exactly one source is named */
const sourceOf = (options: AddOptions): BuildSource => {
  const named = [options.path, options.package, options.image].filter((source) => source !== undefined);
  if (named.length !== 1) {
    throw new SwarmError(
      'bad-request',
      'Name one source of the build.',
      'Use --path FILE, --package NAME==VERSION or --image IMAGE.',
    );
  }
  if (options.path !== undefined)
    return { kind: 'path', path: existsSync(options.path) ? resolve(options.path) : options.path };
  if (options.image !== undefined) return { kind: 'container', image: options.image };
  const [, name = '', version = ''] = /^(.+?)==(.+)$/.exec(options.package ?? '') ?? [];
  if (name !== '') return { kind: 'package', ecosystem: options.ecosystem, name, version };
  throw new SwarmError('bad-request', `"${options.package}" names no version.`, 'Write it as NAME==VERSION.');
};

export const addVersion = (program: Command): void => {
  const version = program
    .command('version')
    .description('encoder builds: the catalogue, their classes, target and pins');

  version
    .command('add')
    .description('find or fetch a build of ffmpeg, and add it to the catalogue')
    .argument('<id>', 'its id: a-z, 0-9 and "-"')
    .option('--path <file>', 'an executable on the machine of the encoders')
    .option('--package <name==version>', 'a package that holds one')
    .addOption(
      new Option('--ecosystem <name>', 'whose package it is')
        .choices(['npm', 'pypi', 'debian'])
        .default('pypi'),
    )
    .option('--image <image>', 'a container image; needs --digest')
    .option('--digest <sha256>', 'SHA-256 that the ffmpeg must have')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm version add debian-5-1 --path /usr/bin/ffmpeg' +
        '\n  encoder-swarm version add static-7-0 --package imageio-ffmpeg==0.6.0' +
        '\n  encoder-swarm version add npm-2018 --ecosystem npm --package @ffmpeg-installer/ffmpeg==1.1.0',
    )
    .action(async (id: string, options: AddOptions, command: Command) => {
      const { api, print } = contextOf(command);
      const build = await api.call(operations.addBuild, {
        body: {
          id,
          source: sourceOf(options),
          ...(options.digest !== undefined && { digest: options.digest }),
        },
      });
      print(build, () => [
        `${build.id} is added: ffmpeg ${build.ffmpegVersion}, SHA-256 ${build.digest.slice(0, 12)}….`,
        `Next: encoder-swarm version probe ${build.id}`,
      ]);
    });

  version
    .command('list')
    .description('builds with their classes, the target, and the pins')
    .addHelpText('after', '\nExample:\n  encoder-swarm version list --json')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const versions = await api.call(operations.getVersions, {});
      print(versions, () => versionLines(versions));
    });

  version
    .command('probe')
    .description('measure which builds may follow each other without a discontinuity')
    .argument('[id...]', 'builds to probe; without one, all that were never probed')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm version probe\n  encoder-swarm version probe static-7-0',
    )
    .action(async (ids: string[], _options: unknown, command: Command) => {
      const { api, json, print } = contextOf(command);
      const wanted = ids.length > 0 ? ids : await unprobed(api);
      const results = await probeAll(api, wanted, json);
      print(results, () => results.map(probeLine));
      if (results.some((result) => 'error' in result)) throw new AnsweredNo();
    });

  version
    .command('target')
    .description('the build that every encoder should run; the control cycle brings them to it one by one')
    .argument('<id>', 'build of the catalogue, or "none"')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm version target static-7-0\n  encoder-swarm version target none',
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.setTarget, { body: { buildId: id === 'none' ? null : id } });
      print(answer, () => [id === 'none' ? 'The cell has no target any more.' : `${id} is the target now.`]);
    });

  version
    .command('pin')
    .description('keep a channel on encoders that run a build')
    .argument('<channel>', 'channel to pin')
    .argument('<id>', 'build of the catalogue')
    .addHelpText('after', '\nExample:\n  encoder-swarm version pin ch-1 debian-5-1')
    .action(async (channel: string, id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.pin, { params: { id: channel }, body: { buildId: id } });
      print(answer, () => [`${channel} is pinned to ${id}.`]);
    });

  version
    .command('unpin')
    .description('let a channel go to any build again')
    .argument('<channel>', 'channel to unpin')
    .addHelpText('after', '\nExample:\n  encoder-swarm version unpin ch-1')
    .action(async (channel: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      await api.call(operations.unpin, { params: { id: channel } });
      print({ channelId: channel, done: 'unpin' }, () => [`${channel} is free again.`]);
    });

  version
    .command('remove')
    .description('remove a build that no encoder runs from the catalogue')
    .argument('<id>', 'build to remove')
    .addHelpText('after', '\nExample:\n  encoder-swarm version remove npm-2018')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      await api.call(operations.removeBuild, { params: { id: id } });
      print({ buildId: id, done: 'remove' }, () => [`${id} is removed.`]);
    });
};

const unprobed = async (api: ApiClient): Promise<string[]> => {
  const { builds } = await api.call(operations.getVersions, {});
  return builds.filter((build) => build.compatibilityClass === null).map((build) => build.id);
};

type ProbeResult = EncoderBuild | { id: string; error: { code: string; message: string; hint?: string } };

/** One after the other, so that builds do not slow each other down. One that fails stops no other. */
const probeAll = async (api: ApiClient, ids: string[], json: boolean): Promise<ProbeResult[]> => {
  const progress = createProbeProgress({ hidden: json, builds: ids.length });
  const results: ProbeResult[] = [];
  try {
    for (const [index, id] of ids.entries()) {
      const look = async (): Promise<void> => {
        const { probing } = await api.call(operations.getVersions, {});
        const { done, total } = probing[id] ?? { done: 0, total: 1 };
        progress.update(index + done / total, id);
      };
      progress.update(index, id);
      const ticker = progress.shown
        ? setInterval(() => void look().catch(() => undefined), PROGRESS_EVERY_MS)
        : undefined;
      try {
        results.push(await api.call(operations.probeBuild, { params: { id } }));
      } catch (error) {
        if (!(error instanceof SwarmError) || error.code !== 'encoder-incompatible') throw error;
        results.push({ id, ...error.toBody() });
      } finally {
        clearInterval(ticker);
      }
    }
    progress.update(ids.length, '');
    return results;
  } finally {
    progress.stop();
  }
};

const probeLine = (result: ProbeResult): string =>
  'error' in result
    ? `${result.id} can't be used: ${result.error.message}`
    : `${result.id} is of class ${result.compatibilityClass}, and encodes ${result.probe?.realTimeRatio.toFixed(1)} x real time here.`;

const sourceInWords = (source: BuildSource): string => {
  if (source.kind === 'path') return source.path;
  return source.kind === 'container' ? source.image : `${source.ecosystem} ${source.name} ${source.version}`;
};

const versionLines = ({
  builds,
  targetBuildId,
  pins,
  probing,
  probeFaults,
  fault,
  encoders,
}: Versions): string[] => [
  `Target: ${targetBuildId ?? 'none'}`,
  ...(fault
    ? [
        `! Synchronisation has halted: ${fault.encoderId}: ${sentence(fault.why)} Set the target again to go on.`,
      ]
    : []),
  '',
  ...table(
    ['build', 'ffmpeg', 'class', 'SHA-256', 'source'],
    builds.map((b) => [
      b.id,
      b.ffmpegVersion.split(' ')[0] ?? '',
      b.compatibilityClass ?? (probing[b.id] ? 'probing' : probeFaults[b.id] ? 'unfit' : 'not probed'),
      b.digest.slice(0, 12),
      sourceInWords(b.source),
    ]),
  ),
  ...builds.flatMap((b) => (probeFaults[b.id] ? [`! ${b.id}: ${probeFaults[b.id]}`] : [])),
  '',
  'Encoders',
  ...table(
    ['encoder', 'build', 'SHA-256', 'in line'],
    encoders.map((e) => [
      e.encoderId,
      e.buildId,
      e.buildDigest?.slice(0, 12) ?? null,
      e.inLine === null ? null : e.inLine ? 'yes' : 'no',
    ]),
  ),
  '',
  'Pins',
  ...table(
    ['channel', 'build'],
    Object.entries(pins).map(([channelId, buildId]) => [channelId, buildId]),
  ),
];
