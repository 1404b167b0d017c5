import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { create } from 'tar';
import { findOrInstallTemporal } from '../../src/setup';
import { StandInMachine } from './stand-ins';

const GOOD = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';
const OLD = 'echo "temporal version 1.1.0 (Server 1.25.2, UI 2.30.0)"';

let machine: StandInMachine;
let lines: string[];
/** Where nobody listens. */
const NOWHERE = { TEMPORAL_DOWNLOAD_URL: 'http://127.0.0.1:9' };
const find = (env: NodeJS.ProcessEnv = {}, released?: { name: string; sha256: string }) =>
  findOrInstallTemporal(
    { env: { ...machine.env, ...NOWHERE, ...env }, progress: (line) => lines.push(line) },
    { ...(released && { released }) },
  );

beforeEach(async () => {
  machine = await StandInMachine.create();
  lines = [];
});
afterEach(() => machine.remove());

test('TEMPORAL_ADDRESS wins over a program on PATH', async () => {
  await machine.onPath('temporal', GOOD);
  expect(await find({ TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'video' })).toEqual({
    address: 'temporal.example:7233',
    namespace: 'video',
    how: 'TEMPORAL_ADDRESS',
  });
});

test('a profile that is asked for names the service', async () => {
  await machine.onPath('temporal', GOOD);
  const folder = join(machine.root, 'home', '.config', 'temporalio');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'temporal.toml');
  await writeFile(file, '[profile.default]\naddress = "profiled.example:7233"\nnamespace = "live"\n');
  const found = await find({ TEMPORAL_CONFIG_FILE: file });
  expect(found).toMatchObject({ address: 'profiled.example:7233', namespace: 'live' });
});

test('a program on PATH is used', async () => {
  const path = await machine.onPath('temporal', GOOD);
  expect(await find()).toEqual({ path, how: 'PATH' });
});

test('TEMPORAL_CLI wins over PATH', async () => {
  await machine.onPath('temporal', GOOD);
  const path = await machine.program(join(machine.root, 'elsewhere', 'temporal'), GOOD);
  expect(await find({ TEMPORAL_CLI: path })).toEqual({ path, how: 'TEMPORAL_CLI' });
});

test('a program on PATH whose server is too old is passed over for the tools cache', async () => {
  await machine.onPath('temporal', OLD);
  const path = await machine.program(join(machine.cacheBin, 'temporal'), GOOD);
  expect(await find()).toEqual({ path, how: 'tools cache' });
});

test('the cached program is stamped with its version, and a stamped one is not run again', async () => {
  const path = await machine.program(join(machine.cacheBin, 'temporal'), GOOD);
  await find();
  expect(await readFile(`${path}.version`, 'utf8')).toBe('v1.5.1');
  await machine.program(path, `touch ${machine.root}/was-run; ${GOOD}`);
  expect(await find()).toEqual({ path, how: 'tools cache' });
  await expect(readFile(join(machine.root, 'was-run'))).rejects.toThrow('ENOENT');
});

test('XDG_CACHE_HOME moves the tools cache', async () => {
  const cache = join(machine.root, 'xdg');
  const path = await machine.program(join(cache, 'encoder-swarm', 'bin', 'temporal'), GOOD);
  expect(await find({ XDG_CACHE_HOME: cache })).toEqual({ path, how: 'tools cache' });
});

describe('a release that is downloaded', () => {
  let server: Server;
  let archive: Buffer;
  const asked: string[] = [];
  const path = () => join(machine.cacheBin, 'temporal');
  const mirror = () => ({
    TEMPORAL_DOWNLOAD_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/`,
  });
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  beforeEach(async () => {
    const folder = join(machine.root, 'release');
    await machine.program(join(folder, 'temporal'), GOOD);
    await writeFile(join(folder, 'LICENSE'), 'words');
    const file = join(machine.root, 'release.tar.gz');
    await create({ gzip: true, cwd: folder, file }, ['temporal', 'LICENSE']);
    archive = await readFile(file);
    asked.length = 0;
    server = createServer((req, res) => {
      asked.push(req.url ?? '');
      res.end(archive);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => server.close());

  test('is kept where it has the digest that is written down, and only its program', async () => {
    const released = { name: 'plan9_mips', sha256: sha256(archive) };
    expect(await find(mirror(), released)).toEqual({ path: path(), how: 'downloaded (v1.5.1)' });
    expect(asked).toEqual(['/mirror/temporal_cli_1.5.1_plan9_mips.tar.gz']);
    expect(await readFile(path(), 'utf8')).toContain(GOOD);
    expect((await readdir(machine.cacheBin)).sort()).toEqual(['temporal', 'temporal.version']);
    expect(await find()).toEqual({ path: path(), how: 'tools cache' });
  });

  test.each([
    ['one byte is another', () => archive.writeUInt8(archive.readUInt8(20) ^ 1, 20)],
    ['it is cut short', () => (archive = archive.subarray(0, -1))],
    ['it is something else', () => (archive = Buffer.from('#!/bin/sh'))],
  ])('is thrown away where %s', async (_, spoil) => {
    const released = { name: 'plan9_mips', sha256: sha256(archive) };
    spoil();
    await expect(find(mirror(), released)).rejects.toThrow(`has SHA-256 ${sha256(archive)}, and not`);
    await expect(readFile(path())).rejects.toThrow('ENOENT');
    expect(await readdir(join(machine.cacheBin, '..'))).toEqual([]);
  });

  test('is one of this platform, whose digest is known', async () => {
    await expect(find(mirror())).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, and not [0-9a-f]{64} as/);
    expect(asked[0]).toMatch(/^\/mirror\/temporal_cli_1\.5\.1_(linux|darwin)_(amd64|arm64)\.tar\.gz$/);
  });
});

test('with Go it is built into the tools cache, and progress is told', async () => {
  const go = `echo "go: downloading example.com/a v1.0.0" >&2
echo "example.com/a" >&2
echo "$@" > ${machine.root}/go-arguments
printf '#!/bin/sh\\n%s\\n' '${GOOD}' > "$GOBIN/temporal"
/bin/chmod +x "$GOBIN/temporal"`;
  await machine.onPath('go', go);
  const path = join(machine.cacheBin, 'temporal');
  expect(await find()).toEqual({ path, how: 'built with Go (v1.5.1)' });
  expect(await readFile(join(machine.root, 'go-arguments'), 'utf8')).toContain(
    'github.com/temporalio/cli/cmd/temporal@v1.5.1',
  );
  expect(lines).toContain('1 modules downloaded, 1 of about 1300 packages compiled: example.com/a');
  expect(await find()).toEqual({ path, how: 'tools cache' });
});

test('a build that fails leaves nothing in the cache, and the refusal tells all that was tried', async () => {
  await machine.onPath('temporal', OLD);
  await machine.onPath('go', 'echo "no space left on device" >&2; exit 1');
  const failure = find();
  await expect(failure).rejects.toMatchObject({ code: 'unavailable' });
  await expect(failure).rejects.toThrow(
    /server 1\.25 is older than 1\.28.*download failed.*no space left on device/,
  );
  await expect(readFile(join(machine.cacheBin, 'temporal'))).rejects.toThrow('ENOENT');
});

test('without Go and network the hint names all three ways out', async () => {
  await expect(find()).rejects.toMatchObject({
    hint: expect.stringMatching(/temporal.*on PATH.*Go.*TEMPORAL_ADDRESS/) as string,
  });
});
