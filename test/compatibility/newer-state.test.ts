import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STATE_FORMAT } from '../../src/platform/state-format';

/** This release as the earlier one: whatever starts on the state of a newer release refuses it, and changes nothing. */
const root = join(__dirname, '..', '..');
const HOOK = join(__dirname, '..', 'cli', 'typescript-hook.cjs');
const NEWER = `{"format":${STATE_FORMAT + 1},"more":"to come"}\n`;
/** As a newer release might have left it: nothing of it may be read as if it were of this one. */
const STATE: Record<string, string> = {
  'format.json': NEWER,
  'run.json': '{"what":"runs"}',
  'stamp.key': 'another key',
  'fleet-builds.json': '["another shape"]',
  'source/channels.json': '{"channels":"elsewhere"}',
  'relay/ch-1.json': '{"next":12}',
  'origin/ch-1/channel.json': '{"token":"of another kind"}',
  'origin/ch-1/ledger.jsonl': '{"another":"line"}\n',
};
const doors = [
  ['the swarm', 'src/cli/start.ts', []],
  ['the relay', 'src/media/relay/main.ts', []],
  ['the source', 'src/media/source/main.ts', []],
  ['the origin', 'src/media/origin/main.ts', []],
  ['a worker', 'src/worker/main.ts', []],
  ['the collector', 'src/collector/main.ts', []],
  ['the API', 'src/api/main.ts', []],
  ['a backup', 'src/cli/main.ts', ['backup', '../backup.tar.gz']],
] as const;

let work: string;
let stateDir: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'encoder-swarm-newer-'));
  stateDir = join(work, 'state');
  for (const [path, text] of Object.entries(STATE)) {
    await mkdir(join(stateDir, path, '..'), { recursive: true });
    await writeFile(join(stateDir, path), text);
  }
});
afterEach(() => rm(work, { recursive: true, force: true }));

const contentOf = async (folder: string): Promise<Record<string, string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== '.lock');
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1), await readFile(path, 'utf8')] as const;
  });
  return Object.fromEntries(await Promise.all(read));
};

test.each(doors)('%s refuses newer state by its format, and leaves it as it is', async (_, program, args) => {
  const child = spawn(process.execPath, ['-r', HOOK, join(root, program), ...args], {
    cwd: stateDir,
    env: { ...process.env, SWARM_STATE_DIR: stateDir, SWARM_HOST: '127.0.0.1', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(said).toContain(
    `${stateDir} has state of format ${STATE_FORMAT + 1}; this release reads formats up to ${STATE_FORMAT}. Nothing was changed.`,
  );
  expect(code).toBe(1);
  expect(await contentOf(stateDir)).toEqual(STATE);
  expect(await readdir(work)).toEqual(['state']);
});
