import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PartProcess } from '../../src/platform/processes/part-process';
import { SmallDisk } from '../support/small-disk';
import { until } from '../support/until';
import { StandInPart, lives } from './stand-in-part';

const MAX_BYTES = 64 * 1024;
/** Writes numbered lines of 100 bytes, some 25 KB a second, without looking at errors. */
const CHATTY = `
const { writeSync } = require('fs'); let i = 0;
setInterval(() => { try { for (let n = 0; n < 5; n += 1) writeSync(1, String(i++).padEnd(99) + '\\n'); } catch {} }, 20);`;

let part: StandInPart;
let running: PartProcess;
let disk: SmallDisk | undefined;
let file: string;

const start = async (script: string, folder?: string): Promise<void> => {
  part = await StandInPart.create(script);
  file = join(folder ?? part.folder, 'logs', 'stand-in.log');
  running = new PartProcess(part.options({ logFile: file, logMaxBytes: MAX_BYTES }));
};
const numbersIn = (path: string): number[] =>
  readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number);
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

afterEach(async () => {
  await running.stop();
  await part.remove();
  disk?.unmount();
  disk = undefined;
});

test('a log is put aside while its process runs, which goes on writing to the same file', async () => {
  await start(CHATTY);
  await running.start();
  await until('it was put aside twice', () => existsSync(`${file}.1`) && numbersIn(`${file}.1`)[0]! > 0);
  expect(running.restarts).toBe(0);
  const last = numbersIn(`${file}.1`).at(-1)!;
  await until('it goes on', () => sizeOf(file) > 0);
  // Nothing is there twice, nothing is torn.
  expect(numbersIn(file)[0]).toBeGreaterThan(last);
  for (const path of [file, `${file}.1`]) expect(numbersIn(path)).not.toContain(NaN);
});

test('a log that grew too large under an earlier supervisor is put aside at the start', async () => {
  await start(`console.log('new'); setInterval(() => {}, 1000);`);
  await mkdir(dirname(file));
  await writeFile(file, Buffer.alloc(MAX_BYTES + 1));
  await running.start();
  expect(sizeOf(`${file}.1`)).toBe(MAX_BYTES + 1);
  expect(sizeOf(file)).toBeLessThan(100);
});

test('of a log that shot up far beyond its bound only the end is kept', async () => {
  await start('setInterval(() => {}, 1000);');
  await mkdir(dirname(file));
  const line = `${'x'.repeat(99)}\n`;
  await writeFile(file, line.repeat(20_000));
  await running.start();
  expect(existsSync(`${file}.1`)).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe(line.repeat(655));
});

test('on a full disk a log stays within its bound, and its end is kept', async () => {
  disk = SmallDisk.mount(512 * 1024);
  if (!disk) return;
  await start('setInterval(() => {}, 1000);', disk.path);
  await running.start();
  // Grown by other means, as its process gets no room any more.
  const line = `${'x'.repeat(99)}\n`;
  writeFileSync(file, line.repeat(1_000), { flag: 'a' });
  disk.fill();
  await until('it was cut', () => sizeOf(file) <= MAX_BYTES);
  expect(readFileSync(file, 'utf8')).toBe(line.repeat(655));
});

test('a part starts, and starts again, where there is no room for its log', async () => {
  disk = SmallDisk.mount(64 * 1024);
  if (!disk) return;
  await start('setInterval(() => {}, 1000);', disk.path);
  disk.fill();
  await running.start();
  process.kill(running.pid!, 'SIGKILL');
  await until('it runs again', () => running.restarts === 1 && running.state === 'running');
  expect(lives(running.pid!)).toBe(true);
  rmSync(join(disk.path, 'filler'));
});
