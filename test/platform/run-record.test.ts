import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, isAlive } from '../../src/platform/processes/process-identity';
import { RunRecord } from '../../src/platform/processes/run-record';
import { SmallDisk } from '../support/small-disk';
import { until } from '../support/until';
import { lives } from './stand-in-part';

let stateDir: string;
let children: ChildProcess[];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-state-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(stateDir, { recursive: true, force: true });
});

const startProcess = (script = 'setInterval(() => {}, 1000)'): number => {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: 'ignore' });
  children.push(child);
  return child.pid!;
};
const writeRun = (supervisor: object, parts: object): Promise<void> =>
  writeFile(join(stateDir, 'run.json'), JSON.stringify({ supervisor, parts }));
const GONE = { pid: 999_999_999, began: '1' };

test('a second start on a state folder is refused with the pid, and changes nothing', async () => {
  const record = await RunRecord.claim(stateDir);
  record.add('relay', startProcess());
  const before = await readFile(join(stateDir, 'run.json'), 'utf8');
  const second = RunRecord.claim(stateDir);
  await expect(second).rejects.toMatchObject({ code: 'conflict' });
  await expect(second).rejects.toThrow(`process ${process.pid}`);
  expect(await readFile(join(stateDir, 'run.json'), 'utf8')).toBe(before);
  expect(lives(children[0]!.pid!)).toBe(true);
  await record.release();
  await RunRecord.claim(stateDir);
});

test.each(['a file', 'a link that leads nowhere'])(
  '%s in place of the folder is refused in words',
  async (what) => {
    const path = join(stateDir, 'state');
    if (what === 'a file') await writeFile(path, '');
    else await symlink(join(stateDir, 'nowhere'), path);
    await expect(RunRecord.claim(path)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`The state folder ${path} can't be`),
      hint: expect.stringContaining('--state-dir'),
    });
  },
);

test('what a killed supervisor left is ended, also what ignores SIGTERM', async () => {
  const obedient = startProcess();
  const stubborn = startProcess(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`);
  await until('both run', () => lives(obedient) && lives(stubborn));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await writeRun(GONE, { relay: identityOf(obedient), origin: identityOf(stubborn) });
  const record = await RunRecord.claim(stateDir);
  expect(record.endedLeftovers).toEqual([`relay (${obedient})`, `origin (${stubborn})`]);
  await until('both ended', () => !lives(obedient) && !lives(stubborn));
});

test('another process that has got a recorded pid is left alone', async () => {
  const stranger = startProcess();
  await writeRun(GONE, { relay: { pid: stranger, began: 'another time' } });
  const record = await RunRecord.claim(stateDir);
  expect(record.endedLeftovers).toEqual([]);
  expect(lives(stranger)).toBe(true);
});

test('a supervisor’s pid that somebody else has got by now does not block the folder', async () => {
  await writeRun({ pid: process.pid, began: 'another time' }, {});
  await RunRecord.claim(stateDir);
});

test('a record that was cut off does not block the folder', async () => {
  await writeFile(join(stateDir, 'run.json'), '{"supervisor": {"pi');
  await RunRecord.claim(stateDir);
});

test('a part that ended is no longer in the record', async () => {
  const record = await RunRecord.claim(stateDir);
  record.add('relay', startProcess());
  record.remove('relay');
  expect(JSON.parse(await readFile(join(stateDir, 'run.json'), 'utf8')).parts).toEqual({});
});

test('a state folder that can not be made is refused with cause and hint', async () => {
  const file = join(stateDir, 'file');
  await writeFile(file, '');
  await chmod(file, 0o400);
  const refusal = RunRecord.claim(join(file, 'state'));
  await expect(refusal).rejects.toThrow("can't be made");
  await expect(refusal).rejects.toMatchObject({ hint: expect.stringContaining('--state-dir') as string });
});

test('a process that ended but was not waited for does not count as alive', async () => {
  // sh becomes a sleep that never waits for the other one: that one stays a zombie.
  const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(parent);
  const zombie = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (d) => resolve(Number(d))),
  );
  await until('it is a zombie', () => lives(zombie) && identityOf(zombie) === null);
  expect(isAlive(identityOf(parent.pid!)!)).toBe(true);
});

describe('on a full disk', () => {
  let disk: SmallDisk | undefined;
  beforeEach(() => (disk = SmallDisk.mount(256 * 1024)));
  afterEach(() => disk?.unmount());
  const recorded = async (): Promise<string[]> => {
    const run = JSON.parse(await readFile(join(disk!.path, 'run.json'), 'utf8')) as { parts: object };
    return Object.keys(run.parts);
  };

  test('parts are noted and taken out as ever, so that the next start finds what is left', async () => {
    if (!disk) return;
    const record = await RunRecord.claim(disk.path);
    disk.fill();
    const pid = startProcess();
    for (let i = 0; i < 60; i += 1) record.add(`enc-${i}`, pid);
    for (let i = 1; i < 60; i += 1) record.remove(`enc-${i}`);
    expect(await recorded()).toEqual(['enc-0']);
    // As a supervisor that was killed would have left it.
    const text = await readFile(join(disk.path, 'run.json'), 'utf8');
    await writeFile(
      join(stateDir, 'run.json'),
      text.replace(/"supervisor":\{[^}]*\}/, `"supervisor":${JSON.stringify(GONE)}`),
    );
    const next = await RunRecord.claim(stateDir);
    expect(next.endedLeftovers).toEqual([`enc-0 (${pid})`]);
  });

  test('a record that can not be written stops nobody, and is written once there is room', async () => {
    if (!disk) return;
    const record = await RunRecord.claim(disk.path);
    // As on a disk that copies what is overwritten: the room that was reserved is of no use.
    await rm(join(disk.path, 'run.json'));
    disk.fill();
    record.add('relay', startProcess());
    record.add('origin', startProcess());
    record.remove('origin');
    disk.free();
    const isWritten = (): boolean => {
      try {
        return readFileSync(join(disk!.path, 'run.json'), 'utf8').includes('"relay"');
      } catch {
        return false;
      }
    };
    await until('it is written', isWritten);
    expect(await recorded()).toEqual(['relay']);
    await record.release();
  });

  test('a folder without room is refused by name', async () => {
    if (!disk) return;
    disk.fill();
    const refusal = RunRecord.claim(disk.path);
    await expect(refusal).rejects.toMatchObject({
      code: 'storage-full',
      hint: expect.stringContaining('Make room'),
    });
  });
});
