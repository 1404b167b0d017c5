import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '../../src/platform/folder-lock';

const HOOK = join(__dirname, '../cli/typescript-hook.cjs');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'encoder-swarm-lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a second one is refused with the first one named, and taken when the first one has let go', async () => {
  const first = await lockFolder(directory, 'origin');
  expect(first.epoch).toBe(1);
  await expect(lockFolder(directory, 'origin')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`${directory} is in use by the origin of process ${process.pid}`),
    hint: expect.stringContaining('SWARM_STATE_DIR'),
  });
  await first.assertHeld();
  await first.release();
  const second = await lockFolder(directory, 'origin');
  expect(second.epoch).toBe(2);
  await second.release();
});

test('of many that ask at once, one gets it', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(directory, 'relay')));
  const held = asked.filter((result) => result.status === 'fulfilled');
  expect(held).toHaveLength(1);
  await held[0]!.value.release();
});

test('a process that is killed gives the folder free, also if its child lives on', async () => {
  const script = `
    const { lockFolder } = require('${join(__dirname, '../../src/platform/folder-lock')}');
    lockFolder('${directory}', 'relay').then((lock) => {
      globalThis.lock = lock;
      const child = require('node:child_process').spawn('sleep', ['20'], { detached: true, stdio: 'ignore' });
      console.log(child.pid);
      setInterval(() => {}, 1000);
    });`;
  const holder = spawn(process.execPath, ['-r', HOOK, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [childPid] = (await once(holder.stdout, 'data')) as [Buffer];
  try {
    await expect(lockFolder(directory, 'relay')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`process ${holder.pid}`),
    });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const next = await lockFolder(directory, 'relay');
    expect(next.epoch).toBe(2);
    await next.release();
  } finally {
    process.kill(Number(childPid.toString()), 'SIGKILL');
  }
});

test('a lock file that was removed under its holder is noticed', async () => {
  const lock = await lockFolder(directory, 'origin');
  await unlink(join(directory, '.lock'));
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'conflict' });
  const other = await lockFolder(directory, 'origin');
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'conflict' });
  await other.release();
  await lock.release();
});
