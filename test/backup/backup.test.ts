import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create, list } from 'tar';
import { backUp, restore } from '../../src/backup';
import { lockFolder } from '../../src/platform/folder-lock';
import { identityOf } from '../../src/platform/processes/process-identity';
import { requireKnownFormat } from '../../src/platform/state-format';
import { SmallDisk } from '../support/small-disk';
import { until } from '../support/until';

const MANIFEST = 'encoder-swarm-backup.json';
const KEPT: Record<string, string> = {
  'format.json': '{"format":1}\n',
  'installation.json': '{"id":"b9c2ff0a-5a5f-4f0d-8c51-0a5a0c0f0a51"}\n',
  'stamp.key': 'a'.repeat(64),
  'fleet-builds.json': '{}',
  'temporal.db': 'SQLite format 3',
  'temporal.db-wal': 'what was not in the database yet',
  'source/channels.json': '[]',
  'relay/ch-1.json': '{"nextGop":12}',
  'relay/ch-1/media/000000000011.gops': 'video',
  'origin/ch-1/channel.json': '{"token":4}',
  'origin/ch-1/ledger.jsonl': '{"gop":10}\n{"gop":11}\n',
  'origin/ch-1/gops/000000000011.ts': 'video, longer than a block of tar: '.repeat(100),
  'origin/a.new/channel.json': '{"token":1}',
  'models/local/versions/m-1/weights.bin': 'weights',
  'replicas/etcd-1/member/wal/0.wal': 'owners',
  'replicas/origin-1/origin/ch-1/replica.json': '{"promised":3}',
  'replicas/relay-2/relay/ch-1.json': '{"nextGop":12}',
  'influx/data/swarm/autogen/1/1.tsm': 'telemetry',
};
const LEFT_OUT = [
  '.lock',
  'origin/.lock',
  'run.json',
  'logs/api.log',
  'influx/influxdb.conf',
  'fleet-builds.json.new',
  'replicas/origin-1/origin/.lock',
  'replicas/etcd-1/member/wal/1.tmp',
];

let work: string;
let stateDir: string;
let file: string;

const put = async (folder: string, path: string, text: string): Promise<void> => {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
};

/** All files below a folder with their content. */
const contentOf = async (folder: string): Promise<Record<string, string>> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'utf8')]),
    ),
  ) as Record<string, string>;
};

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'encoder-swarm-backup-'));
  stateDir = join(work, 'state');
  file = join(work, 'safe.tar.gz');
  for (const [path, text] of Object.entries(KEPT)) await put(stateDir, path, text);
  for (const path of LEFT_OUT) await put(stateDir, path, 'of no use later');
  await mkdir(join(stateDir, 'origin/ch-2/gops'), { recursive: true });
});
afterEach(() => rm(work, { recursive: true, force: true }));

const take = (release = '0.1.0') => backUp({ stateDir, file, release, nowMs: 1_790_000_000_000 });

describe('a backup', () => {
  test('brings every file back that can not be made again, and none of the others', async () => {
    const taken = await take();
    expect(taken).toMatchObject({
      files: Object.keys(KEPT).length,
      databases: { temporal: true, influxdb: true },
      release: '0.1.0',
    });
    await rm(stateDir, { recursive: true });
    const back = await restore({ stateDir, file });
    expect(back).toEqual(taken);
    const { '.lock': lock, ...content } = await contentOf(stateDir);
    expect(lock).toBeDefined();
    expect(content).toEqual(KEPT);
    // Folders that are empty are there too, and nothing of the restore itself.
    expect(await names(join(stateDir, 'origin/ch-2'))).toEqual(['gops']);
    expect((await names(stateDir)).filter((name) => name.startsWith('.restoring'))).toEqual([]);
    await requireKnownFormat(stateDir);
  });

  test('is readable by its owner alone, and leaves nothing beside it', async () => {
    await take();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await names(work)).sort()).toEqual(['safe.tar.gz', 'state']);
  });

  test('keeps what a link in the state folder leads to', async () => {
    await cp(join(stateDir, 'origin'), join(work, 'elsewhere'), { recursive: true });
    await rm(join(stateDir, 'origin'), { recursive: true });
    await symlink(join(work, 'elsewhere'), join(stateDir, 'origin'));
    await take();
    const second = join(work, 'second');
    await restore({ stateDir: second, file });
    expect(await readFile(join(second, 'origin/ch-1/channel.json'), 'utf8')).toBe('{"token":4}');
  });

  test.each(['', 'relay', 'origin', 'source', 'replicas/origin-1/origin', 'replicas/relay-2/relay'])(
    'is refused while %s/ of the state is locked',
    async (part) => {
      const lock = await lockFolder(join(stateDir, part), 'test');
      await expect(take()).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`in use by ${part === '' ? 'a swarm that runs' : `its ${part}`}`),
        hint: expect.stringContaining('Stop the swarm'),
      });
      await lock.release();
      // Nothing is left behind that would refuse the next one.
      await take();
    },
  );

  test('is refused while a database lives that a killed supervisor left', async () => {
    const left = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(left, 'spawn');
    try {
      const record = { supervisor: { pid: 1, began: 'never' }, parts: { temporal: identityOf(left.pid!) } };
      await writeFile(join(stateDir, 'run.json'), JSON.stringify(record));
      await expect(take()).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`temporal (${left.pid})`),
      });
    } finally {
      left.kill();
      await once(left, 'exit');
    }
    await take();
  });

  test('is refused where there is no state, where the file exists, and within the state itself', async () => {
    await expect(backUp({ stateDir: join(work, 'other'), file, release: '' })).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(backUp({ stateDir, file: join(stateDir, 'x.tar.gz'), release: '' })).rejects.toMatchObject({
      code: 'bad-request',
    });
    await expect(
      backUp({ stateDir, file: join(work, 'none', 'x.tar.gz'), release: '' }),
    ).rejects.toMatchObject({
      code: 'bad-request',
    });
    await writeFile(file, 'an earlier backup');
    await expect(take()).rejects.toMatchObject({ code: 'conflict' });
    expect(await readFile(file, 'utf8')).toBe('an earlier backup');
  });

  test('is refused where a newer release wrote the state', async () => {
    await writeFile(join(stateDir, 'format.json'), '{"format":9}');
    await expect(take()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('format 9'),
    });
    expect(await names(work)).toEqual(['state']);
  });
});

describe('a restore', () => {
  let target: string;
  beforeEach(() => {
    target = join(work, 'target');
  });

  const refused = async (code: string, message: string): Promise<void> => {
    await expect(restore({ stateDir: target, file })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await names(target)).toEqual([]);
  };

  /** An archive as a backup writes it, with its list changed. */
  const withManifest = async (change: (manifest: Record<string, unknown>) => object): Promise<void> => {
    await take();
    const folder = join(work, 'unpacked');
    await mkdir(folder);
    await restore({ stateDir: folder, file });
    let text = '';
    await list({
      file,
      onReadEntry: (entry) => {
        if (entry.path === MANIFEST) entry.on('data', (chunk: Buffer) => (text += chunk.toString()));
      },
    });
    const changed = change(JSON.parse(text) as Record<string, unknown>);
    await writeFile(join(folder, MANIFEST), JSON.stringify(changed));
    await rm(file);
    const others = (await readdir(folder)).filter((name) => name !== MANIFEST && name !== '.lock');
    await create({ file, cwd: folder, gzip: true }, [MANIFEST, ...others]);
  };

  test('into a folder that is not empty is refused, and changes nothing in it', async () => {
    await take();
    const before = await contentOf(stateDir);
    await expect(restore({ stateDir, file })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('is not empty'),
    });
    expect(await contentOf(stateDir)).toEqual(before);
  });

  test('of a file that is not there, or is no archive, is refused', async () => {
    await refused('not-found', 'There is no file');
    await writeFile(file, 'not an archive at all '.repeat(100));
    await refused('bad-request', 'is damaged, or no backup');
    await writeFile(file, '');
    await refused('bad-request', 'is damaged, or no backup');
    await rm(file);
    await create({ file, cwd: stateDir, gzip: true }, ['stamp.key']);
    await refused('bad-request', 'it has no list of its files');
  });

  test('of an archive that was cut anywhere is refused', async () => {
    await take();
    const whole = await readFile(file);
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      await writeFile(file, whole.subarray(0, Math.floor(whole.length * share)));
      await refused('bad-request', 'is damaged');
    }
  });

  test('of an archive with one byte changed is refused, wherever it is', async () => {
    await take();
    const tarred = gunzipSync(await readFile(file));
    // Within gzip, its checksum would tell: the digest of each file must tell by itself.
    const at = tarred.indexOf('{"token":4}');
    tarred[at + 9]! ^= 1;
    await writeFile(file, gzipSync(tarred));
    await refused('bad-request', 'origin/ch-1/channel.json is not what was backed up');
  });

  test('of an archive with a file too much, or too few, is refused', async () => {
    const without = (path: string) => (manifest: Record<string, unknown>) => ({
      ...manifest,
      files: (manifest.files as { path: string }[]).filter((kept) => kept.path !== path),
    });
    await withManifest(without('stamp.key'));
    await refused('bad-request', 'it holds files that its list does not name');
  });

  test('of an archive that names a file that it lacks is refused', async () => {
    await withManifest((manifest) => ({
      ...manifest,
      files: [...(manifest.files as object[]), { path: 'more', bytes: 0, sha256: '0'.repeat(64) }],
    }));
    await refused('bad-request', 'more is missing');
  });

  test.each(['../outside', '/outside', 'origin/../../outside'])(
    'of a file at %s is refused',
    async (path) => {
      await withManifest((manifest) => ({
        ...manifest,
        files: [...(manifest.files as object[]), { path, bytes: 0, sha256: '0'.repeat(64) }],
      }));
      await refused('bad-request', 'its list of files can not be understood');
    },
  );

  test('of a newer archive, or of newer state, is refused by its format', async () => {
    await withManifest((manifest) => ({ ...manifest, format: 2, release: '7.0.0', isNew: true }));
    await refused('conflict', 'is a backup of format 2 by release 7.0.0; this release reads formats up to 1');
  });

  test('of state of a newer format is refused by that', async () => {
    await withManifest((manifest) => ({ ...manifest, stateFormat: 4, release: '7.0.0' }));
    await refused('conflict', 'has state of format 4, by release 7.0.0');
  });

  test('for which the disk is too small is refused, and leaves an empty folder', async () => {
    await put(stateDir, 'origin/ch-1/gops/000000000012.ts', randomBytes(6 * 2 ** 20).toString('base64'));
    await take();
    const disk = SmallDisk.mount(4 * 2 ** 20);
    if (!disk) return;
    target = disk.path;
    try {
      await expect(restore({ stateDir: target, file })).rejects.toMatchObject({ code: 'storage-full' });
      expect(await names(target)).toEqual(['.lock']);
    } finally {
      disk.unmount();
    }
  });

  test('that is killed half-way leaves a folder that no part starts on', async () => {
    await put(stateDir, 'origin/ch-1/gops/000000000012.ts', randomBytes(32 * 2 ** 20).toString('base64'));
    await take();
    const script = `require('${join(__dirname, '../../src/backup')}').restore(${JSON.stringify({ stateDir: target, file })})`;
    const child = spawn(process.execPath, [
      '-r',
      join(__dirname, '../cli/typescript-hook.cjs'),
      '-e',
      script,
    ]);
    const ended = once(child, 'exit');
    await until('the restore writes', async () =>
      (await names(target)).some((name) => name.startsWith('.restoring')),
    );
    await until('the folder says so', () => existsSync(join(target, 'format.json')));
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await expect(requireKnownFormat(target)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(restore({ stateDir: target, file })).rejects.toMatchObject({ code: 'conflict' });
  });
});
