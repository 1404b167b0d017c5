import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { backUp, restore, type BackupSummary } from '../../backup';
import { contextOf } from '../context';
import { stateDirOption } from '../options';

interface FolderOptions {
  stateDir: string;
}

export const addBackup = (program: Command): void => {
  program
    .command('backup')
    .description('write the state of a swarm into one file, from which restore brings it back')
    .argument('<file>', 'archive to write (.tar.gz), outside of the state folder; it must not exist yet')
    .addOption(stateDirOption())
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm backup /mnt/safe/swarm.tar.gz\n' +
        '  encoder-swarm backup /mnt/safe/second.tar.gz --state-dir /tmp/second\n' +
        '\nA swarm that `npm start` runs on this machine stands still for a moment, such as half a second, and goes on; one\n' +
        'whose parts were started in another way must be stopped. The file holds the key of the stamps, and inputs with\n' +
        'their passwords: only its owner can read it. Temporal and InfluxDB of your own are not in it.',
    )
    .action(async (file: string, { stateDir }: FolderOptions, command: Command) => {
      const { print } = contextOf(command);
      const summary = await backUp({ stateDir, file, release: releaseOf() });
      print(summary, () => [`Backed up ${stateDir} to ${summary.file}.`, ...linesOf(summary)]);
    });
};

export const addRestore = (program: Command): void => {
  program
    .command('restore')
    .description('bring the state of a swarm back from a file that backup wrote')
    .argument('<file>', 'archive to read')
    .addOption(stateDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  encoder-swarm restore /mnt/safe/swarm.tar.gz --state-dir /tmp/second\n' +
        '\nThe state folder must be empty, or not there yet. The file is checked as a whole before anything is written.',
    )
    .action(async (file: string, { stateDir }: FolderOptions, command: Command) => {
      const { print } = contextOf(command);
      const summary = await restore({ stateDir, file });
      print(summary, () => [
        `Restored ${stateDir} from the backup of ${new Date(summary.madeAtMs).toISOString()}.`,
        ...linesOf(summary),
        'Start the swarm on it as before: npm start.',
      ]);
    });
};

const MIB = 2 ** 20;

const linesOf = ({ files, stateBytes, bytes, databases, stoodStillMs }: BackupSummary): string[] => [
  ...(stoodStillMs === null ? [] : [`  The swarm stood still for ${stoodStillMs} ms, and goes on.`]),
  `  ${files} files, ${(stateBytes / MIB).toFixed(1)} MiB; the archive has ${(bytes / MIB).toFixed(1)} MiB.`,
  ...(databases.temporal ? [] : ["  Without Temporal's database: it is not in the state folder."]),
  ...(databases.influxdb ? [] : ["  Without InfluxDB's data: it is not in the state folder."]),
];

/** Version of this installation; its package.json stands at the top, above dist/ where it is built. */
const releaseOf = (): string => {
  for (const up of ['../../..', '../../../..']) {
    try {
      const manifest = JSON.parse(readFileSync(join(__dirname, up, 'package.json'), 'utf8')) as {
        version: string;
      };
      return manifest.version;
    } catch {
      continue;
    }
  }
  return 'unknown';
};
