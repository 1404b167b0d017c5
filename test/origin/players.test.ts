import { execFile } from 'node:child_process';
import { get } from 'node:http';
import { promisify } from 'node:util';
import { Parser } from 'm3u8-parser';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

const run = promisify(execFile);
const GOPS = 8;
/** GOPs that the large rendition lacks, as after its audience left and came back. */
const WITHOUT_LARGE = [2, 3];

let origin: RunningOrigin;
let small: EncodedGop[];
let large: EncodedGop[];

beforeAll(async () => {
  [small, large] = await Promise.all([encodeGops(GOPS, '128x72'), encodeGops(GOPS, '160x90')]);
  origin = await RunningOrigin.start();
  const { client, relay } = origin;
  await client.register('ch-1');
  await client.own('ch-1', 0, 'a', 0);
  for (let gop = 0; gop < GOPS; gop++) {
    relay.ptsTicksByGop.set(gop, small[gop]!.ptsTicks);
    const both = { '144p': small[gop]!.segment, '240p': large[gop]!.segment };
    const segments = WITHOUT_LARGE.includes(gop) ? { '144p': both['144p'] } : both;
    expect((await client.put('ch-1', gop, 1, 'a', segments)).status).toBe(201);
  }
});
afterAll(() => origin.stop());

const parse = (text: string) => {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  return parser.manifest;
};

/** Status of a conditional request as a cache makes it (fetch adds a no-cache of its own to these). */
const revalidate = (path: string, etag: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = get(origin.client.url + path, { headers: { 'if-none-match': etag } }, (res) => {
      res.resume().on('end', () => resolve(res.statusCode!));
    });
    asked.on('error', reject);
  });

test('the master playlist names both renditions with size, rate and codecs', async () => {
  const { text, headers } = await origin.client.text('/hls/ch-1/index.m3u8');
  expect(headers.get('content-type')).toContain('application/vnd.apple.mpegurl');
  const { playlists = [] } = parse(text);
  expect(playlists.map((p) => [p.uri, p.attributes.RESOLUTION, p.attributes.CODECS])).toEqual([
    ['144p/index.m3u8', { width: 128, height: 72 }, 'avc1.4d401e'],
    ['240p/index.m3u8', { width: 160, height: 90 }, 'avc1.4d401e'],
  ]);
  const peakBytes = Math.max(...small.map((g) => g.segment.length));
  expect(playlists[0]!.attributes.BANDWIDTH).toBe(peakBytes * 4);
});

test('the media playlist lists every GOP, each with a segment that is there', async () => {
  const path = '/hls/ch-1/240p/';
  const manifest = parse((await origin.client.text(`${path}index.m3u8?window_s=900`)).text);
  expect(manifest.mediaSequence).toBe(0);
  expect(manifest.discontinuityStarts).toEqual([2, 4]);
  expect(manifest.segments).toHaveLength(GOPS);
  for (const [gop, { uri }] of manifest.segments.entries()) {
    const expected = WITHOUT_LARGE.includes(gop) ? small[gop]! : large[gop]!;
    const response = await fetch(new URL(uri, origin.client.url + path));
    expect(Buffer.from(await response.arrayBuffer()).equals(expected.segment)).toBe(true);
    expect(response.headers.get('content-type')).toBe('video/mp2t');
    expect(response.headers.get('cache-control')).toContain('immutable');
  }
});

test('web pages of any site may read; caches keep segments and ask again for playlists', async () => {
  const { client } = origin;
  const playlist = '/hls/ch-1/144p/index.m3u8';
  const segment = '/hls/ch-1/144p/0.ts';
  for (const path of [playlist, segment, '/hls/ch-1/none/index.m3u8']) {
    expect((await client.text(path)).headers.get('access-control-allow-origin')).toBe('*');
  }
  const preflight = await client.text(segment, { method: 'OPTIONS' });
  expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
    204,
    'GET, HEAD',
  ]);
  for (const path of [playlist, segment]) {
    const first = await client.text(path);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect(await revalidate(path, first.headers.get('etag')!)).toBe(304);
    expect(await revalidate(path, '"another"')).toBe(200);
    const head = await client.text(path, { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(String(first.headers.get('content-length')));
  }
});

test.each([
  ['/hls/nowhere/index.m3u8', 404, 'unknown-channel'],
  ['/hls/ch-1/999p/index.m3u8', 404, 'not-found'],
  ['/hls/ch-1/240p/2.ts', 404, 'not-found'],
  ['/hls/ch-1/240p/999.ts', 404, 'not-found'],
  ['/hls/ch-1/240p/x.ts', 400, 'bad-request'],
  ['/hls/ch-1/..%2f..%2fetc/0.ts', 400, 'bad-request'],
  ['/hls/ch-1/240p/index.m3u8?window_s=0', 400, 'bad-request'],
  ['/hls/ch-1/240p/index.m3u8?window_s=9e9', 400, 'bad-request'],
])('refuses %s', async (path, status, code) => {
  const answer = await origin.client.text(path);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.text).error.code).toBe(code);
});

/** PTS and hash of each decoded picture, all scaled to one size. */
const decode = async (input: string[], stdin?: Buffer): Promise<{ pts: number; hash: string }[]> => {
  const decoding = run('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-copyts', ...input],
    ...['-map', '0:v', '-fps_mode', 'passthrough', '-enc_time_base', '1:90000'],
    ...['-vf', 'scale=128:72', '-f', 'framehash', '-'],
  ]);
  if (stdin) decoding.child.stdin!.end(stdin);
  const { stdout, stderr } = await decoding;
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line.startsWith('0,'));
  return lines.map((line) => {
    const fields = line.split(',').map((field) => field.trim());
    return { pts: Number(fields[2]), hash: fields[5]! };
  });
};

test('ffmpeg plays through the change of rendition: every picture once, as it was encoded', async () => {
  const frames = (GOPS - 1) * 50;
  const url = `${origin.client.url}/hls/ch-1/240p/index.m3u8?window_s=900`;
  const played = (await decode(['-live_start_index', '0', '-i', url, '-frames:v', String(frames)])).slice(
    0,
    frames,
  );
  const expected: { pts: number; hash: string }[] = [];
  for (let gop = 0; gop < GOPS - 1; gop++) {
    const { segment } = WITHOUT_LARGE.includes(gop) ? small[gop]! : large[gop]!;
    expected.push(...(await decode(['-f', 'mpegts', '-i', 'pipe:0'], segment)));
  }
  expect(expected).toHaveLength(frames);
  expect(played).toEqual(expected);
});
