import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './support/pages';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'commit-message-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const check = (message: string): { status: number | null; said: string } => {
  const file = join(folder, 'COMMIT_EDITMSG');
  writeFileSync(file, message);
  const { status, stderr } = spawnSync('node', [join(ROOT, 'scripts', 'commit-message.mjs'), file], {
    encoding: 'utf8',
  });
  return { status, said: stderr };
};

const REASON = '\n\nNobody could say which one was meant.\n';

test.each([
  ['a subject and a reason', `Planner: name the encoder that was rejected${REASON}`],
  ['72 characters', `${'x'.repeat(72)}${REASON}`],
  ['comments of git', `# a comment\nRelay: keep the number\n\n# a comment${REASON}`],
  ['a merge', "Merge branch 'main'\n"],
  ['a revert', 'Revert "Relay: keep the number"\n\nThis reverts commit 1234.\n'],
])('taken: %s', (_, message) => {
  expect(check(message)).toEqual({ status: 0, said: '' });
});

test.each([
  ['73 characters', `${'x'.repeat(73)}${REASON}`, 'has 73 characters'],
  ['no reason', 'Relay: keep the number\n', 'does not give the reason'],
  ['a signature is no reason', 'Relay: keep it\n\nSigned-off-by: A <a@b.c>\n', 'does not give the reason'],
  ['no blank line', 'Relay: keep the number\nso that it is kept\n', 'second line is not blank'],
  ['a full stop', `Relay: keep the number.${REASON}`, 'full stop'],
  ['a subject that says nothing', `Lint${REASON}`, 'does not say what was changed'],
  ['nothing', '# only a comment\n', 'message is empty'],
])('refused: %s', (_, message, why) => {
  const { status, said } = check(message);
  expect(status).toBe(1);
  expect(said).toContain(why);
  expect(said).toContain('Hint: ');
});

test('the hook refuses a commit, and a range names each commit at fault', () => {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'Begin\n\nSomething has to be first.');
  git('commit', '-q', '--allow-empty', '-m', 'wip');
  git('commit', '-q', '--allow-empty', '-m', 'Go on\n\nThere is more to do.');
  const range = spawnSync('node', [join(ROOT, 'scripts', 'commit-message.mjs'), '--range', 'HEAD~2..HEAD'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(range.status).toBe(1);
  expect(range.stderr).toContain(': wip\n');
  expect(range.stderr).not.toContain('Go on');

  // The hook runs the script of the tree that it stands in.
  git('config', 'core.hooksPath', join(ROOT, '.githooks'));
  execFileSync('mkdir', ['-p', join(folder, 'scripts')]);
  execFileSync('cp', [join(ROOT, 'scripts', 'commit-message.mjs'), join(folder, 'scripts')]);
  expect(() => git('commit', '-q', '--allow-empty', '-m', 'wip2')).toThrow('does not say what was changed');
  expect(() => git('commit', '-q', '--allow-empty', '-m', 'End\n\nIt is enough.')).not.toThrow();
});
