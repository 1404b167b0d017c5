import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { InputChoice } from '../domain';
import { inputOrFile } from '../launch/input-file';

/** What stands in for the input of a channel, as it is named on the command line. */
export interface StandbyOptions {
  backup?: string[];
  slate?: string;
  loss?: number;
  backAfter?: number | null;
  black?: number;
  frozen?: number;
  silence?: number;
}

/** The source reads a file from its own folder: name files in full. */
export const inputUrl = (given: string): string => (existsSync(given) ? resolve(given) : given);

/** @throws InvalidArgumentError */
const secondsOption = (text: string): number => {
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('use seconds');
};

const backAfterOption = (text: string): number | null => (text === 'never' ? null : secondsOption(text));

const collected = (text: string, before: string[] = []): string[] => [...before, text];

export const withStandby = (command: Command): Command =>
  command
    .option(
      '--backup <url>',
      'input that stands in, in the order in which they are named; may be repeated',
      collected,
    )
    .option('--slate <file>', 'film or image that is shown where no input is there, or "plain"')
    .option('--loss <seconds>', 'without a picture for so long, an input is away (0.8)', secondsOption)
    .option(
      '--back-after <seconds>',
      'a better input goes on air again when it was sound for so long (30), or "never"',
      backAfterOption,
    )
    .option('--black <seconds>', 'an input that is black for so long counts as away', secondsOption)
    .option('--frozen <seconds>', 'an input that does not move for so long counts as away', secondsOption)
    .option('--silence <seconds>', 'an input that is silent for so long counts as away', secondsOption);

/**
 * Nothing where nothing was named.
 *
 * @param choice how the sound of all inputs is carried, so that a switch changes no codec
 */
export const standbyOf = async (
  options: StandbyOptions,
  choice?: InputChoice,
): Promise<{ standby?: object }> => {
  const urlInput = async (given: string): Promise<object> => ({
    kind: 'url',
    url: inputUrl(await inputOrFile(given, process.cwd())),
    ...(choice && { choice }),
  });
  const { backup, slate, loss, backAfter, black, frozen, silence } = options;
  const standby = {
    ...(backup && { backups: await Promise.all(backup.map(urlInput)) }),
    ...(slate !== undefined && { slate: slate === 'plain' ? slate : await urlInput(slate) }),
    ...(loss !== undefined && { lossMs: Math.round(loss * 1_000) }),
    ...(backAfter !== undefined && { backAfterSeconds: backAfter }),
    ...(black !== undefined && { blackSeconds: black }),
    ...(frozen !== undefined && { frozenSeconds: frozen }),
    ...(silence !== undefined && { silentSeconds: silence }),
  };
  return Object.keys(standby).length > 0 ? { standby } : {};
};
