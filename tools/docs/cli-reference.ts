import type { Command } from 'commander';
import { generatedNote, pageOf } from './page';

const HELP_WIDTH_CHARACTERS = 100;

const helpOf = (command: Command): string => {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => HELP_WIDTH_CHARACTERS,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return help.trimEnd();
};

const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name().replace(/ --$/, '');

const sectionsOf = (command: Command, level: number): string[] => {
  // Children first: the output of a parent is inherited by them.
  const children = command.commands.flatMap((child) => sectionsOf(child, Math.min(level + 1, 4)));
  return [`${'#'.repeat(level)} ${nameOf(command)}`, `\`\`\`text\n${helpOf(command)}\n\`\`\``, ...children];
};

/** The reference of the command line: what --help says, of every command. */
export const cliReference = (programs: { start: Command; swarm: Command }): string =>
  pageOf([
    generatedNote('the commands in `src/cli/`'),
    '# Command line',
    "`encoder-swarm` asks the API of a running swarm. From a clone it is called as `npx encoder-swarm`. Each command takes `--json`, which prints the API's answer and errors as JSON, and `--api`, which names another API.",
    'Exit codes: 0 done; 1 refused, failed, or not continuous; 2 wrong usage or unusable input.',
    ...sectionsOf(programs.start, 2),
    ...sectionsOf(programs.swarm, 2),
  ]);
