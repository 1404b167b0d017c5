import { chmod, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOnFolder } from '../../src/platform/part-folder';
import { RunRecord } from '../../src/platform/processes/run-record';
import { openStateFolder } from '../../src/platform/state-folder';

let folder: string;
let umask: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-folder-'));
  umask = process.umask(0o022);
});
afterEach(async () => {
  process.umask(umask);
  delete process.env.SWARM_FFMPEG_USER;
  await rm(folder, { recursive: true, force: true });
});
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test.each([
  ['a swarm', async (path: string) => (await RunRecord.claim(path)).release()],
  ['a part', (path: string) => startOnFolder(path, 'source', (lock) => lock.release())],
])('%s makes the state folder for its owner alone', async (_who, start) => {
  const path = join(folder, 'deep', 'state');
  await start(path);
  expect(await modeOf(path)).toBe('700');
  expect(await modeOf(join(folder, 'deep'))).toBe('755');
  expect(await openStateFolder(path)).toBeNull();
});

test('an account for ffmpeg may get at files that it knows, and nobody may list them', async () => {
  process.env.SWARM_FFMPEG_USER = 'ffmpeg';
  const path = join(folder, 'state');
  await (await RunRecord.claim(path)).release();
  expect(await modeOf(path)).toBe('711');
  expect(await openStateFolder(path)).toBeNull();
});

test.each(['755', '750', '701'])('a folder of mode %s stays as it is, and is told of', async (mode) => {
  const path = join(folder, 'state');
  await mkdir(path);
  await chmod(path, parseInt(mode, 8));
  const link = join(folder, 'link');
  await symlink(path, link);
  await (await RunRecord.claim(link)).release();
  expect(await modeOf(path)).toBe(mode);
  expect(await openStateFolder(link)).toMatch(new RegExp(`mode ${mode}.*chmod 700 ${link}$`));
});
