import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { createProgram } from '../../../src/cli/program';
import { createStartProgram } from '../../../src/cli/start-program';
import { files, ROOT, textOf } from './pages';

const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** Programs of the system that pages may call; whatever else is called has to be looked at first. */
const SYSTEM = new Set([
  'curl',
  'gst-launch-1.0',
  'vlc',
  'git',
  'jq',
  'kill',
  'pgrep',
  'head',
  'ffprobe',
  'grep',
  'docker',
  'openssl',
  'umask',
  'chmod',
  'scp',
  'set',
  '.',
  'Ctrl-C',
]);

/** Words of a command line. Comments are left out, quotes taken off; $(…) is one word. */
export const wordsOf = (line: string): string[] =>
  [...line.replace(/(^|\s)#.*$/, '').matchAll(/"([^"]*)"|'([^']*)'|(\$\([^)]*\)|[^\s"']+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );

/** Simple commands of a line: split at pipes, `&&` and `;`, without variables before and redirections after. */
const simpleCommands = (line: string): string[][] => {
  const commands: string[][] = [[]];
  for (const word of wordsOf(line)) {
    if (word === '|' || word === '&&' || word === ';') commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return commands.map((words) => {
    const rest = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
    const redirection = rest.findIndex((word) => /^\d?[<>]/.test(word));
    return redirection < 0 ? rest : rest.slice(0, redirection);
  });
};

const takesValue = (option: Option): boolean => option.required || option.optional;

/** What is wrong with the arguments of a commander program. @param whole whether all arguments are given */
const faultsOfProgram = (program: Command, args: readonly string[], whole: boolean): string[] => {
  let command = program;
  const rest = [...args];
  for (let child; (child = command.commands.find((c) => c.name() === rest[0])) !== undefined; rest.shift())
    command = child;
  const operands: string[] = [];
  const faults: string[] = [];
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? '';
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const [name = '', value] = word.split('=');
    const option = [command, ...ancestors(command)]
      .flatMap((each) => each.options)
      .find((each) => each.long === name || each.short === name);
    if (option === undefined) {
      if (name !== '--help') faults.push(`${command.name()} has no option ${name}`);
    } else if (takesValue(option) && value === undefined) {
      do i += 1;
      while (option.variadic && rest[i + 1] !== undefined && !rest[i + 1]?.startsWith('-'));
      if (whole && option.required && rest[i] === undefined)
        faults.push(`${name} of ${command.name()} lacks its value`);
    }
  }
  const taken = command.registeredArguments;
  if (command.commands.length > 0 && operands.length > 0 && taken.length === 0)
    faults.push(`${command.name()} has no command ${operands[0]}`);
  else if (operands.length > taken.length && taken.at(-1)?.variadic !== true)
    faults.push(`${command.name()} takes no argument ${operands[taken.length]}`);
  if (whole && operands.length < taken.filter((argument) => argument.required).length)
    faults.push(`${command.name()} lacks its argument ${taken[operands.length]?.name()}`);
  return faults;
};

const ancestors = (command: Command): Command[] =>
  command.parent ? [command.parent, ...ancestors(command.parent)] : [];

/** The source of a program that a script runs, and of those beside it. */
const sourcesOf = (script: string): string[] => {
  const [, built = ''] = /(?:^|\s)(?:dist\/)?(\S+)\.(?:js|mjs)\b/.exec(script) ?? [];
  const folder = built.slice(0, built.lastIndexOf('/') + 1);
  return files.filter(
    (path) =>
      path === `${built}.ts` ||
      path === `${built}.mjs` ||
      (path.startsWith(folder) && folder.startsWith('bench/')),
  );
};

const faultsOfScript = (name: string, args: readonly string[]): string[] => {
  if (scripts[name] === undefined) return [`there is no script ${name} in package.json`];
  // What prepares the project comes before it.
  const script = scripts[name].replace(/^.*&& (exec )?/, '');
  if (args.length === 0) return [];
  if (args[0] !== '--') return [`arguments of npm run ${name} need "--" before them`];
  // Options of a tool that is not ours are its own affair.
  if (!script.startsWith('node ')) return [];
  const sources = sourcesOf(script).map(textOf);
  return args
    .filter((word) => word.startsWith('--') && word !== '--')
    .flatMap((word) => {
      const [option = ''] = word.split('=');
      if (option === '--help') return [];
      return sources.some((source) => new RegExp(`['"]${option}[ '"]`).test(source))
        ? []
        : [`npm run ${name} has no option ${option}`];
    });
};

const testFiles = files.filter((path) => /^test\/.*\.test\.ts$/.test(path));
const JEST_OPTIONS = new Set(['-w', '--testTimeout', '-t']);

const faultsOfJest = (args: readonly string[]): string[] => {
  const paths = args.filter((word, i) => !word.startsWith('-') && !JEST_OPTIONS.has(args[i - 1] ?? ''));
  return [
    ...args.filter((word) => word.startsWith('-') && !JEST_OPTIONS.has(word)).map((word) => `jest ${word}?`),
    ...paths
      .filter((path) => !testFiles.some((file) => file.includes(path)))
      .map((path) => `no test is in ${path}`),
  ];
};

const isThere = (path: string): boolean => {
  const source = path.replace(/^dist\//, '');
  return existsSync(join(ROOT, source)) || existsSync(join(ROOT, source.replace(/\.js$/, '.ts')));
};

const faultsOfSimple = (words: readonly string[], whole: boolean): string[] => {
  const [program = '', first = '', ...rest] = words;
  switch (program) {
    case 'npm':
      if (first === 'run')
        return faultsOfScript(rest[0] === '--silent' ? (rest[1] ?? '') : (rest[0] ?? ''), rest.slice(1));
      if (first === 'start')
        return rest.length > 0 && rest[0] !== '--'
          ? ['arguments of npm start need "--" before them']
          : faultsOfProgram(createStartProgram(), rest.slice(1), whole);
      return first === 'test' || first === 'ci' ? [] : [`npm ${first}?`];
    case 'npx':
      if (first === 'encoder-swarm') return faultsOfProgram(createProgram({ json: false }), rest, whole);
      return first === 'jest' ? faultsOfJest(rest) : [`npx ${first}?`];
    case 'encoder-swarm':
      return faultsOfProgram(createProgram({ json: false }), words.slice(1), whole);
    case 'node':
    case 'bash':
      return isThere(first) ? [] : [`${first} is not there`];
    case 'docker':
      return existsSync(join(ROOT, 'docker-compose.yml')) ? [] : ['docker-compose.yml is not there'];
    default:
      return SYSTEM.has(program) ? [] : [`${program}?`];
  }
};

/** What is wrong with a line of a shell block: scripts, commands, options and paths that do not exist. */
export const faultsOfLine = (line: string): string[] =>
  simpleCommands(line).flatMap((words) => (words.length === 0 ? [] : faultsOfSimple(words, true)));

/** Whether code in a sentence is a command of ours. */
export const isCommand = (code: string): boolean =>
  /^([A-Z_]+=\S+ )*(npm (run|start|test)|npx |encoder-swarm |node |bash )/.test(code);

/** The same of a command in a sentence, which may leave arguments out, or name them in capitals. */
export const faultsOfMention = (code: string): string[] =>
  simpleCommands(code).flatMap((words) => faultsOfSimple(words, false));
