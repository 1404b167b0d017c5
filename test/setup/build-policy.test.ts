import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildSource } from '../../src/domain';
import { findBuildExecutable, requireAllowedExecutable } from '../../src/setup';

const root = join(__dirname, '..', '..');
const dropped = join(root, 'node_modules', 'dropped-by-a-test');
const WAS_LOADED = 'a-package-was-loaded';
let folder: string;
let env: NodeJS.ProcessEnv;

const executable = async (path: string): Promise<string> => {
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
};
const find = (source: Exclude<BuildSource, { kind: 'container' }>, more: NodeJS.ProcessEnv = {}) =>
  findBuildExecutable(source, { ...env, ...more }, new AbortController().signal);
const npm = (name: string, version = '1.0.0') =>
  ({ kind: 'package', ecosystem: 'npm', name, version }) as const;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'build-policy-')));
  await mkdir(join(folder, 'builds'));
  env = {
    PATH: process.env.PATH,
    XDG_CACHE_HOME: join(folder, 'cache'),
    FFMPEG: await executable(join(folder, 'own')),
    SWARM_BUILD_DIRS: join(folder, 'builds'),
  };
  await mkdir(dropped);
  await writeFile(join(dropped, 'package.json'), JSON.stringify({ version: '1.0.0' }));
  const code = `process.env['${WAS_LOADED}'] = '1'; module.exports = { path: '/bin/true' };`;
  await writeFile(join(dropped, 'index.js'), code);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(dropped, { recursive: true });
});

test('a build comes from a folder that is configured, or is FFMPEG', async () => {
  const inside = await executable(join(folder, 'builds', 'ffmpeg-8'));
  const path = (to: string) => find({ kind: 'path', path: to });
  expect(await path(inside)).toBe(inside);
  expect(await path(env.FFMPEG!)).toBe(env.FFMPEG);

  const outside = await executable(join(folder, 'ffmpeg'));
  const beside = join(folder, 'builds-of-others');
  await mkdir(beside);
  const refused = [
    outside,
    join(folder, 'builds', '..', 'ffmpeg'),
    await executable(join(beside, 'ffmpeg')),
    // Another program there, and a link there to one elsewhere.
    await executable(join(folder, 'builds', 'reboot')),
    join(folder, 'builds', 'ffmpeg-link'),
    // Whether they exist is not told.
    '/etc/passwd',
    '/etc/no-such-file',
  ];
  await symlink(outside, join(folder, 'builds', 'ffmpeg-link'));
  for (const to of refused) {
    await expect(path(to)).rejects.toMatchObject({
      ...{ code: 'bad-request', message: `${to} may not be run as a build here.` },
      hint: expect.stringContaining('SWARM_BUILD_DIRS') as string,
    });
    await expect(requireAllowedExecutable(to, env)).rejects.toMatchObject({ code: 'bad-request' });
  }
  await expect(path(join(folder, 'builds', 'ffmpeg-none'))).rejects.toMatchObject({ code: 'not-found' });
});

test.each<[string, BuildSource & { kind: 'package' }]>([
  ['a path for a name', npm('x/../dropped-by-a-test')],
  ['the path that once led out of node_modules', npm('x/../../../dropped/evil')],
  ['a scope that leads up', npm('@../dropped-by-a-test/x')],
  ['a file of a package', npm('dropped-by-a-test/index.js')],
  ['a range for a version', npm('@ffmpeg-installer/ffmpeg', '^1.0.0')],
  ['a folder for a PyPI name', { ...npm('../../opt/x'), ecosystem: 'pypi' }],
  ['a folder for a PyPI version', { ...npm('imageio-ffmpeg', '1/../../../x'), ecosystem: 'pypi' }],
  ['an option for a Debian name', { ...npm('--admindir=/tmp/x'), ecosystem: 'debian' }],
])('%s names no package, and nothing of one is loaded', async (_what, source) => {
  // As if it had been allowed by mistake.
  const allowed = { SWARM_BUILD_PACKAGES: `${source.ecosystem}:${source.name}` };
  await expect(find(source, allowed)).rejects.toMatchObject({
    ...{ code: 'bad-request', message: expect.stringContaining('names no package') as string },
  });
  expect(process.env[WAS_LOADED]).toBeUndefined();
});

test('a package has to be one that was named, and its code is not loaded', async () => {
  await expect(find(npm('dropped-by-a-test'))).rejects.toMatchObject({
    ...{ code: 'bad-request', message: 'Builds from the npm package dropped-by-a-test may not be run here.' },
  });
  const allowed = { SWARM_BUILD_PACKAGES: 'debian:ffmpeg, npm:dropped-by-a-test' };
  await expect(find(npm('dropped-by-a-test'), allowed)).rejects.toMatchObject({
    ...{ code: 'not-found', message: expect.stringContaining('holds no ffmpeg') as string },
  });
  const path = await executable(join(dropped, 'ffmpeg'));
  expect(await find(npm('dropped-by-a-test'), allowed)).toBe(path);
  expect(process.env[WAS_LOADED]).toBeUndefined();
  // And what was found may be run where encoders are.
  await requireAllowedExecutable(path, env);
});

test('the build that is installed with this project is found in the part for this platform', async () => {
  const path = await find(npm('@ffmpeg-installer/ffmpeg', '1.1.0'));
  expect(path).toMatch(/@ffmpeg-installer\/[a-z0-9]+-[a-z0-9]+\/ffmpeg$/);
});
