import { get, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { Parser } from 'm3u8-parser';
import { decodedPictures } from './support/decoded-pictures';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

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

/** A request as a cache or a player makes it (fetch adds headers of its own and decompresses). */
const ask = (
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const asked = get(origin.client.url + path, { headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () =>
        resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks) }),
      );
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

test('web pages of any site may read; an unchanged answer is not sent again', async () => {
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
    const etag = first.headers.get('etag')!;
    expect((await ask(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await ask(path, { 'if-none-match': '"another"' })).status).toBe(200);
    const head = await client.text(path, { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(String((await ask(path, {})).body.length));
  }
});

test('a cache keeps a playlist for half a GOP, and for a minute while the origin is away', async () => {
  for (const path of ['/hls/ch-1/index.m3u8', '/hls/ch-1/144p/index.m3u8']) {
    const { headers } = await ask(path, {});
    expect(headers['cache-control']).toBe('public, max-age=0, s-maxage=1, stale-if-error=60');
  }
  // Without its version a segment may be one of an earlier life of the channel.
  expect((await ask('/hls/ch-1/144p/0.ts', {})).headers['cache-control']).toBe('no-cache');
});

test('a long playlist is compressed for those who can read it, and told apart from the plain one', async () => {
  const path = '/hls/ch-1/240p/index.m3u8?window_s=900';
  const plain = await ask(path, {});
  const packed = await ask(path, { 'accept-encoding': 'gzip' });
  expect([plain.headers['content-encoding'], packed.headers['content-encoding']]).toEqual([
    undefined,
    'gzip',
  ]);
  expect(packed.body.length).toBeLessThan(plain.body.length / 2);
  expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
  for (const { headers } of [plain, packed]) expect(headers.vary).toContain('Accept-Encoding');
  expect(packed.headers.etag).toBe(plain.headers.etag);
  expect(plain.headers.etag).toMatch(/^W\/"/);
  const segment = await ask('/hls/ch-1/240p/0.ts', { 'accept-encoding': 'gzip' });
  expect(segment.headers['content-encoding']).toBeUndefined();
});

describe('a range of a segment', () => {
  const path = '/hls/ch-1/240p/0.ts';
  test.each([
    ['bytes=0-99', 0, 100],
    ['bytes=1000-1000', 1_000, 1_001],
    ['bytes=100-', 100, Infinity],
    ['bytes=-188', -188, Infinity],
    ['bytes=0-99999999', 0, Infinity],
  ])('%s', async (range, from, to) => {
    const whole = large[0]!.segment;
    const wanted = whole.subarray(from, to);
    const start = from < 0 ? whole.length + from : from;
    const answer = await ask(path, { range });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(
      `bytes ${start}-${start + wanted.length - 1}/${whole.length}`,
    );
    expect(answer.headers['content-length']).toBe(String(wanted.length));
    expect(answer.body.equals(wanted)).toBe(true);
  });

  test('what is no single range of bytes, or of another content, gets all of it', async () => {
    const whole = large[0]!.segment;
    const first = await ask(path, {});
    expect(first.headers['accept-ranges']).toBe('bytes');
    const others: Record<string, string>[] = [
      { range: 'bytes=0-9,20-29' },
      { range: 'lines=0-9' },
      { range: 'bytes=x' },
      { range: 'bytes=0-9', 'if-range': '"another"' },
    ];
    for (const headers of others) {
      const answer = await ask(path, headers);
      expect([answer.status, answer.body.equals(whole)]).toEqual([200, true]);
    }
    const same = await ask(path, { range: 'bytes=0-9', 'if-range': first.headers.etag! });
    expect([same.status, same.body.length]).toEqual([206, 10]);
  });

  test('beyond its end is refused with its length', async () => {
    const length = large[0]!.segment.length;
    const answer = await ask(path, { range: `bytes=${length}-` });
    expect([answer.status, answer.body.length]).toEqual([416, 0]);
    expect(answer.headers['content-range']).toBe(`bytes */${length}`);
    expect(answer.headers['cache-control']).toBe('no-store');
  });
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
  // What is not there now may be there in a moment.
  expect(answer.headers.get('cache-control')).toBe(status === 404 ? 'public, max-age=1' : 'no-store');
});

test('ffmpeg plays through the change of rendition: every picture once, as it was encoded', async () => {
  const frames = (GOPS - 1) * 50;
  const url = `${origin.client.url}/hls/ch-1/240p/index.m3u8?window_s=900`;
  const played = (
    await decodedPictures(['-live_start_index', '0', '-i', url, '-frames:v', String(frames)])
  ).slice(0, frames);
  const expected: { pts: number; hash: string }[] = [];
  for (let gop = 0; gop < GOPS - 1; gop++) {
    const { segment } = WITHOUT_LARGE.includes(gop) ? small[gop]! : large[gop]!;
    expected.push(...(await decodedPictures(['-f', 'mpegts', '-i', 'pipe:0'], segment)));
  }
  expect(expected).toHaveLength(frames);
  expect(played).toEqual(expected);
});
