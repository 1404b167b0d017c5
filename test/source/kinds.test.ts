import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { SourceClient } from '../../src/contracts/source';
import { RelayUnderTest } from '../relay/relay-under-test';
import { until } from '../support/until';
import { SourceUnderTest } from './source-under-test';

const run = promisify(execFile);
let folder: string;
let relay: RelayUnderTest;
let source: SourceUnderTest;
const lines: { msg: string; pauseMs?: number }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kinds-'));
  relay = await RelayUnderTest.start();
  const log = pino(
    { level: 'warn' },
    { write: (line: string) => void lines.push(JSON.parse(line) as never) },
  );
  source = await SourceUnderTest.start(relay.url, { log });
});
afterAll(async () => {
  await source.stop();
  await relay.stop();
  await rm(folder, { recursive: true });
});

const specOf = (url: string, more: object = {}): object => ({
  input: { kind: 'url', url },
  framesPerSecond: 25,
  gopDurationTicks: 90_000,
  ...more,
});
const film = async (name: string, ...args: string[]): Promise<string> => {
  const path = join(folder, name);
  await run('ffmpeg', [...['-v', 'error', '-f', 'lavfi', '-i'], ...args, path]);
  return path;
};

test('a file that can hold nothing is refused with what it is', async () => {
  const empty = join(folder, 'empty.mp4');
  await writeFile(empty, '');
  await mkdir(join(folder, 'films'));
  for (const [path, what] of [
    [empty, 'an empty file'],
    [`file://${empty}`, 'an empty file'],
    [join(folder, 'films'), 'a folder'],
    ['/dev/null', 'no file'],
  ])
    await expect(source.put('bad', specOf(path!))).rejects.toThrow(`The input ${path} is ${what}.`);
  await writeFile(join(folder, 'words.mp4'), 'words');
  await expect(source.put('bad', specOf(join(folder, 'words.mp4')))).rejects.toThrow(/can't be opened/);
});

test('what of an input is not carried is said beforehand', async () => {
  const notesOf = async (url: string): Promise<string> =>
    (await new SourceClient(source.url).look(url, { timeoutMs: 20_000 })).notes.join(' ');
  const segment = await film('segment.ts', 'testsrc2=s=160x90:r=25:d=2', '-g', '25');
  const list = join(folder, 'list.m3u8');
  const mark = (tag: string): string =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${tag}\n#EXTINF:2,\n${basename(segment)}\n#EXT-X-ENDLIST\n`;
  for (const tag of ['#EXT-X-CUE-OUT:30', '#EXT-X-DATERANGE:ID="1",SCTE35-OUT=0xFC30']) {
    await writeFile(list, mark(tag));
    expect(await notesOf(list)).toMatch(/playlists announce splices .* left out/);
  }
  await writeFile(list, mark('#EXT-X-DATERANGE:ID="1",CLASS="news"'));
  expect(await notesOf(list)).not.toMatch(/splices/);
  const fast = await film('fast.mp4', 'testsrc2=s=160x90:r=240:d=1', '-g', '240');
  expect(await notesOf(fast)).toMatch(/more pictures\/s than a channel can have/);
});

test('a slate is kept as long as a channel has it', async () => {
  const slates = (): Promise<string[]> => readdir(join(source.stateDir, 'source', 'slates'));
  const path = await film('loop.ts', 'testsrc2=s=160x90:r=25:d=2', '-g', '25');
  const plain = specOf(path, { standby: { slate: 'plain' } });
  await source.put('one', plain);
  await source.put('two', plain);
  expect(await slates()).toHaveLength(1);
  await source.remove('one');
  expect(await slates()).toHaveLength(1);
  await source.put('two', specOf(path));
  expect(await slates()).toEqual([]);
  await source.remove('two');
});

test('a named pipe is waited for again at once when its sender has gone', async () => {
  const pipe = join(folder, 'fifo');
  execFileSync('mkfifo', [pipe]);
  lines.length = 0;
  await source.put('pipe', specOf(pipe));
  const ends = (): (number | undefined)[] =>
    lines.filter(({ msg }) => msg === 'contribution ended').map(({ pauseMs }) => pauseMs);
  for (const count of [1, 2]) {
    const clip = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25:d=2', '-g', '25'];
    await run('ffmpeg', ['-v', 'error', '-y', ...clip, '-f', 'mpegts', pipe]);
    await until(`end ${count}`, async () => ends().length >= count, 20_000);
  }
  expect(ends().every((pauseMs) => pauseMs !== undefined && pauseMs < 1_000)).toBe(true);
  await source.remove('pipe');
}, 60_000);

test('Matroska that says 25 pictures/s and leaves some out is filled up', async () => {
  const some = 'testsrc2=s=160x90:r=25:d=20,select=not(eq(mod(n\\,7)\\,3))*not(between(n\\,200\\,300))';
  const path = await film(
    'varies.mkv',
    some,
    '-fps_mode',
    'passthrough',
    '-g',
    '25',
    '-enc_time_base',
    '1/25',
  );
  await source.put('varies', specOf(path));
  const note = async (): Promise<string> =>
    (await source.list()).find(({ id }) => id === 'varies')?.notes?.join() ?? '';
  await until('it is encoded once', async () => (await note()).includes('it varies'), 30_000);
  const { nextGop } = await relay.info('varies');
  const wanted = nextGop + 3;
  await until('GOPs', async () => (await relay.info('varies')).nextGop > wanted, 30_000);
  const feed = await fetch(relay.feedUrl('varies', nextGop + 1));
  await source.remove('varies');
  const { stdout } = await (async () => {
    const reading = run('ffprobe', [
      ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts', '-of', 'csv=p=0', '-'],
    ]);
    reading.child.stdin!.on('error', () => undefined).end(Buffer.from(await feed.arrayBuffer()));
    return reading;
  })();
  const times = stdout
    .split(/\s+/)
    .filter(Boolean)
    .map((text) => parseInt(text, 10));
  times.sort((a, b) => a - b);
  const steps = new Set(times.slice(1).map((time, i) => time - times[i]!));
  expect([...steps]).toEqual([3_600]);
}, 90_000);
