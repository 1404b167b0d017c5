import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import type { RunningApi } from '../../src/api/server';
import { GeneratedPicture } from '../../src/media/stamp';
import { startFakeApi } from '../api/running-api';
import { runCli, type CliRun } from './run-cli';

const key = randomBytes(32);
const size = { widthPx: 320, heightPx: 180 };
const gops = 3;
const framesPerGop = 50;

let folder: string;
let origin: Server;
let api: RunningApi;
let originUrl: string;

/** Encodes three GOPs of a stamped channel, as real segments at their real channel time. */
const encode = async (channelId: string, target: string): Promise<void> => {
  await mkdir(target, { recursive: true });
  const picture = new GeneratedPicture({ ...size, key, channelId });
  const frames = Array.from({ length: gops * framesPerGop }, (_, n) => Buffer.from(picture.draw(n)));
  const arguments_ = [
    ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '320x180', '-r', '25', '-i', '-'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-g', '50', '-keyint_min', '50'],
    ...['-sc_threshold', '0', '-bf', '0', '-flags', '+cgop', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-output_ts_offset', '0', '-f', 'segment', '-segment_time', '2', '-segment_format', 'mpegts'],
    ...['-segment_format_options', 'mpegts_copyts=1', join(target, '%d.ts')],
  ];
  await new Promise<void>((resolve, reject) => {
    const ffmpeg = spawn('ffmpeg', arguments_, { stdio: ['pipe', 'inherit', 'inherit'] });
    ffmpeg
      .on('error', reject)
      .on('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ${code}`))));
    ffmpeg.stdin.end(Buffer.concat(frames));
  });
};

const playlist = (numbers: number[]): string =>
  [
    ...['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:0'],
    ...numbers.flatMap((n) => ['#EXTINF:2.000,', `${n}.ts`]),
    '',
  ].join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-verify-'));
  for (const channel of ['ch-1', 'ch-2']) {
    const rendition = join(folder, 'hls', channel, '180p');
    await encode('ch-1', rendition);
    await writeFile(join(rendition, 'index.m3u8'), playlist([0, 1, 2]));
    await writeFile(
      join(folder, 'hls', channel, 'index.m3u8'),
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=320x180\n180p/index.m3u8\n',
    );
  }
  await writeFile(join(folder, 'stamp.key'), `${key.toString('hex')}\n`);
  origin = createServer((request, response) => {
    const path = normalize(new URL(request.url!, 'http://x').pathname);
    readFile(join(folder, path)).then(
      (body) => response.end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  api = await startFakeApi(undefined, { SWARM_ORIGIN_URL: originUrl });
});

afterAll(async () => {
  await api?.stop();
  origin?.closeAllConnections();
  await new Promise((resolve) => origin?.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CliRun> =>
  runCli(['verify', ...args], { env: { SWARM_API_URL: api.url, SWARM_STATE_DIR: folder } });

test('the name of a channel stands for its master playlist: continuous, exit code 0', async () => {
  const told = await run('ch-1', '--json');
  expect(told.stderr).toBe('');
  expect(told.code).toBe(0);
  expect(JSON.parse(told.stdout)).toMatchObject({
    ok: true,
    framesChecked: gops * framesPerGop,
    framesLost: 0,
    framesRepeated: 0,
    playlists: [{ channelId: 'ch-1', rendition: '180p', checkedBy: 'stamp', firstGop: 0, lastGop: 2 }],
  });
});

test('pictures of another channel: not continuous, exit code 1, said in words', async () => {
  const told = await run(`${originUrl}/hls/ch-2/180p/index.m3u8`);
  expect(told.code).toBe(1);
  expect(told.stdout).toContain('NOT continuous');
  expect(told.stdout).toMatch(/! ch-2 180p: /);
});

test('another key: nothing is genuine', async () => {
  const other = join(folder, 'other.key');
  await writeFile(other, randomBytes(32).toString('hex'));
  expect((await run('ch-1', '--key', other)).code).toBe(1);
});

test('from any folder: the state folder is named, or frames are checked by their time stamps', async () => {
  const elsewhere = { cwd: await mkdtemp(join(folder, 'elsewhere-')), env: { SWARM_API_URL: api.url } };
  const checkedBy = ({ stdout }: CliRun): unknown =>
    (JSON.parse(stdout) as { playlists: { checkedBy: string }[] }).playlists[0]?.checkedBy;
  const named = await runCli(['verify', 'ch-1', '--json', '--state-dir', folder], elsewhere);
  expect([named.code, checkedBy(named)]).toEqual([0, 'stamp']);
  const without = await runCli(['verify', 'ch-1', '--json'], elsewhere);
  expect([without.code, checkedBy(without)]).toEqual([0, 'timestamps']);
  expect(without.stderr).toContain('The key of the stamps is not here');
  const wrong = await runCli(['verify', 'ch-1', '--state-dir', elsewhere.cwd], elsewhere);
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toContain("can't be read");
});

test('refuses: no key, bad key, unknown channel, playlist that is not there', async () => {
  const bad = join(folder, 'bad.key');
  await writeFile(bad, 'abc');
  const [nonsense, none, malformed, unknown, absent] = await Promise.all([
    run(`${originUrl}/hls/ch-1/index.m3u8`, '--api', 'ftp://x'),
    run('ch-1', '--key', join(folder, 'none.key')),
    run('ch-1', '--key', bad),
    run('ch-77'),
    run(`${originUrl}/hls/ch-77/index.m3u8`),
  ]);
  for (const refused of [nonsense, none, malformed, unknown, absent]) {
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('Hint: ');
  }
  expect(nonsense.stderr).toContain('"ftp://x" is not the URL of an API.');
  expect(none.stderr).toContain("The key of the stamps can't be read");
  expect(malformed.stderr).toContain('64 hexadecimal digits');
  expect(unknown.stderr).toContain('There is no channel ch-77.');
});
