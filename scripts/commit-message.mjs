// Checks commit messages: a subject of at most 72 characters, a blank line, then the reason.
// As a hook: node scripts/commit-message.mjs FILE. In CI: node scripts/commit-message.mjs --range BASE..HEAD
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const MAX_SUBJECT_CHARACTERS = 72;
/** Git and its hosts write these subjects themselves. */
const WRITTEN_BY_GIT = /^(Merge |Revert "|fixup! |squash! |amend! )/;
const SAYS_NOTHING = /^(wip\d*|lint|format|fix(es)?|docs?|tests?|snap.*|update[sd]?|changes?)\W*$/i;

/** What is wrong with a commit message, as sentences; none when it is right. */
export const faultsOf = (message) => {
  const lines = message
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trimEnd());
  while (lines.length > 0 && lines[0] === '') lines.shift();
  const [subject = '', second = '', ...body] = lines;
  if (subject === '') return ['The message is empty.'];
  if (WRITTEN_BY_GIT.test(subject)) return [];
  const faults = [];
  const { length } = [...subject];
  if (length > MAX_SUBJECT_CHARACTERS)
    faults.push(`The subject has ${length} characters; at most ${MAX_SUBJECT_CHARACTERS} are allowed.`);
  if (subject.endsWith('.')) faults.push('The subject ends with a full stop.');
  if (SAYS_NOTHING.test(subject)) faults.push('The subject does not say what was changed.');
  if (second !== '') faults.push('The second line is not blank.');
  if (!body.some((line) => line !== '' && !/^[A-Za-z-]+-[Bb]y: /.test(line)))
    faults.push('The body does not give the reason.');
  return faults;
};

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' });

const messagesOf = ([first, second]) => {
  if (first !== '--range') return [{ name: first, message: readFileSync(first, 'utf8') }];
  const commits = git('rev-list', '--no-merges', second).split('\n').filter(Boolean);
  return commits.map((commit) => ({
    name: commit.slice(0, 9),
    message: git('show', '-s', '--format=%B', commit),
  }));
};

const main = (args) => {
  if (args.length === 0 || (args[0] === '--range' && args.length < 2)) {
    console.error('Usage: node scripts/commit-message.mjs FILE | --range BASE..HEAD');
    return 2;
  }
  let wrong = 0;
  for (const { name, message } of messagesOf(args)) {
    const faults = faultsOf(message);
    if (faults.length === 0) continue;
    wrong += 1;
    console.error(`${name}: ${message.split('\n')[0]}\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
  if (wrong > 0) console.error('Hint: a short subject, a blank line, then why. See CONTRIBUTING.md.');
  return wrong > 0 ? 1 : 0;
};

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
