import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { identityOf } from '../../src/platform/processes/process-identity';

const root = resolve(__dirname, '..', '..');

interface Ended {
  status: number;
  output: string;
}

const run = (args: string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<Ended> =>
  new Promise((done) => {
    const env = { ...process.env, ...options.env };
    execFile(process.execPath, args, { cwd: options.cwd, env }, (error, stdout, stderr) => {
      done({ status: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });

/** A project of one source file with the real scripts. `packages`: installed as package-lock.json says. */
const smallProject = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-project-'));
  await cp(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  for (const file of ['package.json', '.swcrc']) await cp(join(root, file), join(folder, file));
  await mkdir(join(folder, 'src'));
  await mkdir(join(folder, 'protos'));
  await mkdir(join(folder, 'node_modules'));
  for (const name of ['@swc', '@temporalio']) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  await writeFile(join(folder, 'src', 'one.ts'), 'export const one: number = 1;\n');
  const packages = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  return folder;
};

/** An npm that notes its call, and does what a shell script says. */
const npmThat = async (folder: string, script: string): Promise<NodeJS.ProcessEnv> => {
  const file = join(folder, 'npm.js');
  await writeFile(
    file,
    `require('fs').appendFileSync('npm-calls', process.argv.slice(2) + '\\n');\n${script}`,
  );
  return { npm_execpath: file };
};

let project: string;
beforeEach(async () => (project = await smallProject()));
afterEach(() => rm(project, { recursive: true, force: true }));

describe('prepare', () => {
  const prepare = (env?: NodeJS.ProcessEnv) =>
    run(['scripts/prepare.mjs'], { cwd: project, ...(env && { env }) });

  test.each([
    ['20.18.3', true],
    ['18.20.8', true],
    ['20.19.0', false],
    ['22.1.0', false],
  ])('Node %s refused: %s', async (version, refused) => {
    const module = pathToFileURL(join(root, 'scripts', 'node-version.mjs')).href;
    const code = `import('${module}').then((m) => console.log(m.refusalOfNode('${version}') ?? 'fine'))`;
    const { output } = await run(['-e', code], { cwd: project });
    if (refused) expect(output).toMatch(new RegExp(`Node ${version} is too old: 20.19.0.*\\nHint: install`));
    else expect(output.trim()).toBe('fine');
  });

  test('builds at first, then not again until a source changes', async () => {
    const env = await npmThat(project, '');
    expect(await prepare(env)).toMatchObject({
      status: 0,
      output: expect.stringContaining('build') as string,
    });
    expect(existsSync(join(project, 'dist', 'src', 'one.js'))).toBe(true);
    expect(await prepare(env)).toEqual({ status: 0, output: '' });
    await utimes(join(project, 'src', 'one.ts'), new Date(), new Date(Date.now() + 5_000));
    expect((await prepare(env)).output).toContain('build');
    expect(existsSync(join(project, 'npm-calls'))).toBe(false);
  });

  test('installs packages when package-lock.json asks for others, those to build with whatever NODE_ENV is, too', async () => {
    const env = await npmThat(project, '');
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    lock.packages['node_modules/a'].version = '1.0.1';
    await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
    expect((await prepare(env)).status).toBe(0);
    expect(await readFile(join(project, 'npm-calls'), 'utf8')).toBe('ci,--include=dev\n');
  });

  test('does not miss a package that is for other platforms only', async () => {
    const env = await npmThat(project, '');
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    lock.packages['node_modules/b'] = { version: '1.0.0', optional: true, os: ['plan9'] };
    await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
    await prepare(env);
    expect(existsSync(join(project, 'npm-calls'))).toBe(false);
  });

  test.each([
    ['npm error code ENOSPC', 'The disk is full'],
    ['npm error code EACCES', 'belongs to another user'],
    ['npm error code ENOTFOUND', 'registry could not be reached'],
  ])('says what "%s" means', async (said, cause) => {
    await rm(join(project, 'node_modules', '.package-lock.json'));
    const env = await npmThat(project, `console.error(${JSON.stringify(said)}); process.exit(1);`);
    const { status, output } = await prepare(env);
    expect(status).toBe(1);
    expect(output).toContain(cause);
    expect(output).toContain('Hint: ');
  });

  test('install scripts are off, but for those on the list, which run once an installation', async () => {
    expect(await readFile(join(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
    // npm would leave them out.
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };
    expect(Object.keys(scripts).filter((name) => /^(pre|post)/.test(name))).toEqual([]);

    const calls = async (): Promise<string> => {
      const text = await readFile(join(project, 'npm-calls'), 'utf8').catch(() => '');
      await rm(join(project, 'npm-calls'), { force: true });
      return text;
    };
    const rebuild = 'rebuild,@tensorflow/tfjs-node,--ignore-scripts=false\n';
    const packages = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };
    const install = (version: string): Promise<void> =>
      writeFile(
        join(project, 'node_modules', '.package-lock.json'),
        JSON.stringify({ packages: { ...packages, 'node_modules/@tensorflow/tfjs-node': { version } } }),
      );
    await install('4.22.0');
    const env = await npmThat(project, '');
    expect((await prepare(env)).status).toBe(0);
    expect(await calls()).toBe(rebuild);
    expect((await prepare(env)).status).toBe(0);
    expect(await calls()).toBe('');
    await install('4.23.0');
    const failing = await npmThat(project, 'process.exit(1);');
    expect(await prepare(failing)).toMatchObject({
      status: 0,
      output: expect.stringContaining('The install script of @tensorflow/tfjs-node failed') as string,
    });
    expect(await calls()).toBe(rebuild);
  });

  test('a build that fails is shown', async () => {
    await writeFile(join(project, 'src', 'one.ts'), 'export const = ;\n');
    const { status, output } = await prepare(await npmThat(project, ''));
    expect(status).toBe(1);
    expect(output).toContain('The build failed');
  });
});

describe('clean', () => {
  const stateDir = (): string => join(project, '.swarm');
  const runBy = async (pid: number, began?: string): Promise<void> => {
    await mkdir(stateDir(), { recursive: true });
    const identity = { pid, began: began ?? identityOf(pid)!.began };
    const record = { supervisor: { pid: 999_999_999, began: '1' }, parts: { relay: identity } };
    await writeFile(join(stateDir(), 'run.json'), JSON.stringify(record));
  };
  const clean = (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
    run(['scripts/clean.mjs', ...args], { cwd: project, env: { SWARM_STATE_DIR: '', ...env } });

  test('refuses while a part runs, and names it', async () => {
    const part = spawn('sleep', ['60']);
    await runBy(part.pid!);
    const { status, output } = await clean();
    part.kill('SIGKILL');
    expect(status).toBe(1);
    expect(output).toContain(`relay (${part.pid})`);
    expect(existsSync(stateDir())).toBe(true);
  });

  test('another process under a recorded pid does not count', async () => {
    await runBy(process.pid, 'another time');
    expect((await clean()).status).toBe(0);
    expect(existsSync(stateDir())).toBe(false);
  });

  test('--tools removes the tools cache too, otherwise it stays', async () => {
    const env = { XDG_CACHE_HOME: join(project, 'cache') };
    const tools = join(project, 'cache', 'encoder-swarm', 'bin');
    await mkdir(tools, { recursive: true });
    await clean([], env);
    expect(existsSync(tools)).toBe(true);
    await clean(['--tools'], env);
    expect(existsSync(tools)).toBe(false);
  });

  test.each(['/', '.', '..'])('does not remove %s, however the variable is set', async (folder) => {
    const { status, output } = await clean([], { SWARM_STATE_DIR: folder });
    expect(status).toBe(1);
    expect(output).toContain('SWARM_STATE_DIR');
    expect(existsSync(join(project, 'package.json'))).toBe(true);
  });
});
