import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PartProcess, growingDelayMs } from '../../src/platform/processes/part-process';
import { until } from '../support/until';
import { StandInPart, lives } from './stand-in-part';

/** Runs until told to stop, with a child of its own; notes its SIGTERM. */
const OBEDIENT = `
const { spawn } = require('child_process'); const fs = require('fs'); const { FOLDER } = process.env;
const child = spawn('sleep', ['600'], { stdio: 'ignore' });
process.on('SIGTERM', () => { fs.appendFileSync(FOLDER + '/signals', 'SIGTERM\\n'); process.exit(0); });
fs.writeFileSync(FOLDER + '/child', String(child.pid));
fs.writeFileSync(FOLDER + '/ready', '');
setInterval(() => {}, 1000);`;

let part: StandInPart;
let running: PartProcess;
const start = async (script: string, options: Parameters<StandInPart['options']>[0] = {}): Promise<void> => {
  part = await StandInPart.create(script);
  running = new PartProcess(part.options({ awaitReady: () => until('ready', () => isReady()), ...options }));
  await running.start();
};
const isReady = (): boolean => existsSync(join(part.folder, 'ready'));

afterEach(async () => {
  await running.stop();
  await part.remove();
});

test('stop sends SIGTERM, and what the part started ends with it', async () => {
  await start(OBEDIENT);
  const child = Number(await part.read('child'));
  expect(running.state).toBe('running');
  expect(lives(child)).toBe(true);
  await running.stop();
  expect(await part.read('signals')).toBe('SIGTERM\n');
  expect(running).toMatchObject({ state: 'stopped', pid: null });
  await until('the child ended', () => !lives(child));
  expect(part.events).toEqual([]);
});

test('a part that ignores SIGTERM is killed after the limit', async () => {
  await start(OBEDIENT.replace('process.exit(0)', '0'), { stopLimitMs: 200 });
  const pid = running.pid!;
  await running.stop();
  expect(await part.read('signals')).toBe('SIGTERM\n');
  expect(lives(pid)).toBe(false);
});

test('the terminal’s Ctrl-C does not reach a part: it leads a process group of its own', async () => {
  await start(OBEDIENT);
  // Signal 0 to a group that it does not lead would throw ESRCH.
  expect(process.kill(-running.pid!, 0)).toBe(true);
});

test('a part that is killed starts again, and its orphans are ended', async () => {
  await start(OBEDIENT);
  const [child, firstPid] = [Number(await part.read('child')), running.pid!];
  process.kill(firstPid, 'SIGKILL');
  await until('running again', () => running.restarts === 1 && running.state === 'running');
  expect(running.pid).not.toBe(firstPid);
  await until('the orphan ended', () => !lives(child));
  expect(part.events.map((e) => e.kind)).toEqual(['crashed', 'recovered']);
  expect(part.events[0]!.text).toContain('SIGKILL');
});

test('a part that is stopped while it waits for its restart stays down', async () => {
  await start(OBEDIENT, { restartDelayMs: () => 300 });
  process.kill(running.pid!, 'SIGKILL');
  await until('restarting', () => running.state === 'restarting');
  await running.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(running).toMatchObject({ state: 'stopped', pid: null });
  expect(part.spawned).toHaveLength(1);
});

test('a part that ends before it is ready is a refusal with its last words', async () => {
  const failing = start(
    `console.log('first'); console.log(JSON.stringify({ level: 60, msg: 'no such device' })); console.log('bye'); process.exit(3);`,
    {
      awaitReady: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    },
  );
  await expect(failing).rejects.toThrow('stand-in ended with status 3: no such device');
  expect(part.spawned).toHaveLength(1);
});

test('a part that is never ready is ended, and the refusal says so', async () => {
  const failing = start(OBEDIENT, { readyLimitMs: 500, awaitReady: never });
  await expect(failing).rejects.toThrow('stand-in was not ready within 0.5 s');
  await until('it ended', () => part.spawned.every((pid) => !lives(pid)));
});

test('a program that does not exist is a refusal', async () => {
  await expect(start('', { command: '/nowhere/program', awaitReady: never })).rejects.toThrow('ENOENT');
});

test('restart delays grow up to ten seconds', () => {
  expect([1, 2, 3, 10].map(growingDelayMs)).toEqual([500, 1000, 2000, 10_000]);
});

const never = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

test('a part that is renewed ends in order and starts anew, with the reason', async () => {
  await start(OBEDIENT);
  const firstPid = running.pid!;
  running.renew('as the test wants it');
  await until('running again', () => running.restarts === 1 && running.state === 'running');
  expect(running.pid).not.toBe(firstPid);
  expect(await part.read('signals')).toBe('SIGTERM\n');
  expect(part.events[0]!.text).toBe('stand-in was ended, as the test wants it; starts again in 0.05 s');
  // A crash after it is reported as one.
  process.kill(running.pid!, 'SIGKILL');
  await until('it is told', () => part.events.length > 2);
  expect(part.events[2]!.text).toContain('ended with SIGKILL');
});

test('however often a part is renewed, its next start waits no longer than the first', async () => {
  const waited: number[] = [];
  await start(OBEDIENT, { restartDelayMs: (restarts) => (waited.push(restarts), 10) });
  for (let i = 1; i <= 3; i += 1) {
    running.renew('as the test wants it');
    await until('running again', () => running.restarts === i && running.state === 'running');
  }
  expect(waited).toEqual([1, 1, 1]);
});

test('a part that ignores it is killed and starts anew; one that does not run is left alone', async () => {
  await start(OBEDIENT.replace('process.exit(0)', '0'), { stopLimitMs: 200 });
  running.renew('as the test wants it');
  await until('running again', () => running.restarts === 1 && running.state === 'running');
  await running.stop();
  running.renew('as the test wants it');
  expect(running).toMatchObject({ state: 'stopped', pid: null, restarts: 1 });
});
