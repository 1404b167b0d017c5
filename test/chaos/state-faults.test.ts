import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damageRecord, startSecond } from '../../bench/chaos/state-faults';
import { readEnvironment } from '../../src/config/config';
import { lockFolder } from '../../src/platform/folder-lock';

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-state-faults-'));
  await mkdir(join(stateDir, 'origin', 'ch-1'), { recursive: true });
  await mkdir(join(stateDir, 'relay'));
  await writeFile(join(stateDir, 'origin', 'ch-1', 'channel.json'), '{"token":4}');
  await writeFile(join(stateDir, 'relay', 'ch-1.json'), '{"nextGop":4}');
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const swarm = () => ({ environment: readEnvironment({ SWARM_STATE_DIR: stateDir }) });

test('a record is damaged when its part is killed, and put back before it is killed again', async () => {
  const parts = [spawn('sleep', ['60']), spawn('sleep', ['60'])];
  const ended = parts.map((part) => once(part, 'exit'));
  let current = parts[0]!;
  const file = join(stateDir, 'origin', 'ch-1', 'channel.json');
  const damage = await damageRecord({ target: 'origin', stateDir, choice: 0.9, pidOf: () => current.pid });
  expect(damage.channelId).toBe('ch-1');
  expect(await ended[0]).toEqual([null, 'SIGKILL']);
  expect(await readFile(file, 'utf8')).not.toContain('token":4');
  current = parts[1]!;
  await damage.end();
  expect(await readFile(file, 'utf8')).toBe('{"token":4}');
  expect(await ended[1]).toEqual([null, 'SIGKILL']);
});

test('an origin that writes over the damaged record is found out', async () => {
  const part = spawn('sleep', ['60']);
  const damage = await damageRecord({ target: 'origin', stateDir, choice: 0, pidOf: () => part.pid });
  await writeFile(join(stateDir, 'origin', 'ch-1', 'channel.json'), '{"token":1}');
  await expect(damage.end()).rejects.toThrow('changed the damaged');
});

test('a second process that is refused is as it should be, one that is not is found out', async () => {
  const lock = await lockFolder(join(stateDir, 'origin'), 'origin');
  await (
    await startSecond('origin', swarm())
  )();
  await lock.release();
  const notRefused = await startSecond('origin', swarm(), 4_000);
  await expect(notRefused()).rejects.toThrow('a second origin was not refused');
});
