import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(__dirname, '..', '..');
const script = join(root, 'scripts', 'node-versions.mjs');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'node-versions-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the script with an npm that notes what it is asked, and fails where a line of that holds `fails`. */
const check = async (
  args: string[],
  fails = 'nothing',
): Promise<{ code: number; said: string; calls: string[] }> => {
  const npm = join(folder, 'npm');
  const calls = join(folder, 'calls');
  await writeFile(npm, `#!/bin/sh\necho "$@" >> ${calls}\ncase "$*" in *${fails}*) exit 1;; esac\n`);
  await chmod(npm, 0o755);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const { code, said } = await new Promise<{ code: number; said: string }>((done) =>
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    ),
  );
  return { code, said, calls: (await readFile(calls, 'utf8').catch(() => '')).trim().split('\n') };
};

test('each maintained release builds the project and runs tests of it, in an exact version', async () => {
  const { code, said, calls } = await check([]);
  expect(code).toBe(0);
  for (const release of ['22', '24']) {
    const own = calls.filter((call) => call.includes(`--package node@${release}.`));
    expect(own).toHaveLength(3);
    expect(own[1]).toMatch(/node@\d+\.\d+\.\d+ -- node scripts\/build\.mjs$/);
    expect(own[2]).toMatch(/ -- node node_modules\/jest\/bin\/jest\.js test\//);
    expect(said).toMatch(new RegExp(`Node ${release}\\.\\d+\\.\\d+: all is well`));
  }
});

test('a release on which anything fails is named, and fails the run; the others are tried all the same', async () => {
  const { code, said, calls } = await check(['22', '24', '--', 'test/domain'], 'node@22*test/domain');
  expect(code).toBe(1);
  expect(said).toMatch(/Node 22\S+: FAILED/);
  expect(said).toMatch(/Node 24\S+: all is well/);
  expect(calls.at(-1)).toMatch(/node@24\S+ -- node node_modules\/jest\/bin\/jest\.js test\/domain$/);
});

test('what is not supported is refused by name, and the oldest that is stands in package.json', async () => {
  const { code, said } = await check(['23']);
  expect([code, said]).toEqual([1, expect.stringContaining('Node 23 is none of 22, 24.')]);
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  expect(engines.node).toBe('>=20.19.0');
});
