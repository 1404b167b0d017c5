import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startEdge, type Edge } from '../../src/edge';
import { PlaySigner } from '../../src/playback';
import { findOrInstallNginx } from '../../src/setup';
import { RunningOrigin } from '../origin/support/running-origin';
import { encodeGops, type EncodedGop } from '../origin/support/segments';
import { freePort } from '../support/ports';

/** An edge (a real nginx) before a real origin. */

const SET_UP_LIMIT_MS = 180_000;
const GOPS = 6;
const MASTER = '/hls/ch-1/index.m3u8';
const PLAYLIST = '/hls/ch-1/144p/index.m3u8';

let nginx: string;
let gops: EncodedGop[];
let origin: RunningOrigin;
let edge: Edge;
/** What the supervision of nginx tells: nothing, unless nginx ended. */
const events: string[] = [];

const publish = async ({ relay, client }: RunningOrigin, gop: number): Promise<void> => {
  relay.ptsTicksByGop.set(gop, gops[gop]!.ptsTicks);
  expect((await client.put('ch-1', gop, 1, 'a', { '144p': gops[gop]!.segment })).status).toBe(201);
};

/** An origin that has published so many GOPs of ch-1. */
const startOrigin = async (
  published: number,
  options: Parameters<typeof RunningOrigin.start>[1] = {},
): Promise<RunningOrigin> => {
  // With a port of its own it comes back there.
  const started = await RunningOrigin.start({}, { ...options, port: await freePort() });
  await started.client.register('ch-1');
  await started.client.own('ch-1', 0, 'a', 0);
  for (let gop = 0; gop < published; gop++) await publish(started, gop);
  return started;
};

const startBefore = async ({ client }: RunningOrigin): Promise<Edge> =>
  startEdge({
    ...{ nginx, host: '127.0.0.1', port: await freePort(), cacheMiB: 64, origins: [client.url] },
    onEvent: ({ text }) => events.push(text),
  });

beforeAll(async () => {
  ({ path: nginx } = await findOrInstallNginx({ env: process.env, progress: () => undefined }));
  gops = await encodeGops(GOPS, '128x72');
  origin = await startOrigin(GOPS - 1);
  edge = await startBefore(origin);
}, SET_UP_LIMIT_MS);
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = get(edge.url + path, { headers, method, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () =>
        resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
  });
const segmentOf = (playlist: Answer, gop: number): string =>
  `/hls/ch-1/144p/${playlist.body.toString().match(new RegExp(`^${gop}\\.ts\\?v=.*$`, 'm'))![0]}`;

test('answers as the origin does, and keeps what may be kept', async () => {
  for (const path of [MASTER, PLAYLIST]) {
    const own = await origin.client.text(path);
    const seen = await ask(path);
    expect([seen.status, seen.body.toString()]).toEqual([200, own.text]);
    expect(seen.headers['access-control-allow-origin']).toBe('*');
  }
  const path = segmentOf(await ask(PLAYLIST), 0);
  const first = await ask(path);
  expect([first.status, first.headers['x-cache']]).toEqual([200, 'MISS']);
  expect(first.body.equals(gops[0]!.segment)).toBe(true);
  const second = await ask(path);
  expect([second.status, second.headers['x-cache']]).toEqual([200, 'HIT']);
  expect(second.body.equals(gops[0]!.segment)).toBe(true);
  const part = await ask(path, { range: 'bytes=188-375' });
  expect([part.status, part.body.equals(gops[0]!.segment.subarray(188, 376))]).toEqual([206, true]);
  expect((await ask(path, { 'if-none-match': first.headers.etag! })).status).toBe(304);
});

test('fragments and manifests go through it, and are kept', async () => {
  const manifest = '/cmaf/ch-1/manifest.mpd';
  const playlist = '/cmaf/ch-1/144p/index.m3u8';
  for (const path of [manifest, playlist, '/cmaf/ch-1/index.m3u8'])
    expect((await ask(path)).body.toString()).toBe((await origin.client.text(path)).text);
  expect((await ask(manifest, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBe('gzip');
  const listed = (await ask(playlist)).body.toString();
  const names = [/URI="(init-.*)"/.exec(listed)![1]!, /^0\.m4s.*$/m.exec(listed)![0]];
  for (const name of names) {
    const path = `/cmaf/ch-1/144p/${name}`;
    const [first, second] = [await ask(path), await ask(path)];
    expect([first.headers['x-cache'], second.headers['x-cache']]).toEqual(['MISS', 'HIT']);
    expect(second.body.equals(first.body)).toBe(true);
    expect(second.headers['access-control-allow-origin']).toBe('*');
  }
  const clock = await ask('/cmaf/time');
  expect([clock.status, clock.headers['cache-control']]).toEqual([200, 'no-store']);
});

test('what many want at once is fetched once', async () => {
  const path = segmentOf(await ask(PLAYLIST), 1);
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(path)));
  expect(answers.every(({ body }) => body.equals(gops[1]!.segment))).toBe(true);
  expect(answers.filter(({ headers }) => headers['x-cache'] === 'MISS')).toHaveLength(1);
});

test('what players tell of themselves makes no copies', async () => {
  const path = segmentOf(await ask(PLAYLIST), 2);
  const of = (sid: string): string => `CMCD=sid%3D%22${sid}%22`;
  const version = path.slice(path.indexOf('?') + 1);
  const file = path.slice(0, path.indexOf('?'));
  const asked = [path, `${path}&${of('a')}`, `${path}&${of('b')}`, `${file}?${of('c')}&${version}`];
  const caches = [];
  for (const one of asked) {
    const answer = await ask(one);
    expect(answer.body.equals(gops[2]!.segment)).toBe(true);
    caches.push(answer.headers['x-cache']);
  }
  expect(caches).toEqual(['MISS', 'HIT', 'HIT', 'HIT']);
});

test('packs playlists for those who can read that', async () => {
  const packed = await ask(`${PLAYLIST}?window_s=900`, { 'accept-encoding': 'gzip' });
  const plain = await ask(`${PLAYLIST}?window_s=900`);
  expect([packed.headers['content-encoding'], plain.headers['content-encoding']]).toEqual([
    'gzip',
    undefined,
  ]);
  expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
});

test('takes nothing but what players ask for', async () => {
  expect((await ask('/channels')).status).toBe(404);
  expect((await ask('/channels/ch-1/own', {}, 'POST')).status).toBe(404);
  expect((await ask(PLAYLIST, {}, 'POST')).status).toBe(405);
  expect((await ask('/hls/../channels')).status).toBe(404);
  const preflight = await ask(PLAYLIST, { origin: 'http://a.example' }, 'OPTIONS');
  expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([204, 'GET, HEAD']);
});

test('a channel that is not there yet is asked for again a second later', async () => {
  const before = await ask('/hls/ch-1/144p/5.ts');
  expect([before.status, before.headers['cache-control']]).toEqual([404, 'public, max-age=1']);
  await publish(origin, 5);
  let after = before;
  while (after.status === 404) after = await ask('/hls/ch-1/144p/5.ts');
  expect(after.body.equals(gops[5]!.segment)).toBe(true);
});

test('players go on while the origin is away, and get the new playlist when it is back', async () => {
  const kept = await ask(PLAYLIST);
  const segment = segmentOf(kept, 2);
  expect((await ask(segment)).status).toBe(200);
  await origin.end();
  // Beyond the second for which the playlist is kept anyway.
  let stale = await ask(PLAYLIST);
  while (stale.headers['x-cache'] !== 'STALE') stale = await ask(PLAYLIST);
  expect(stale.body.equals(kept.body)).toBe(true);
  expect((await ask(segment)).body.equals(gops[2]!.segment)).toBe(true);
  const never = await ask('/hls/ch-1/144p/index.m3u8?window_s=77');
  expect([
    never.status,
    never.headers['access-control-allow-origin'],
    never.headers['cache-control'],
  ]).toEqual([...[503, '*', 'no-store']]);

  await origin.begin();
  let fresh = await ask(PLAYLIST);
  while (fresh.headers['x-cache'] === 'STALE') fresh = await ask(PLAYLIST);
  expect(fresh.body.toString()).toBe((await origin.client.text(PLAYLIST)).text);
  expect(events).toEqual([]);
});

test.each([
  ['ftp://127.0.0.1:7702', 'is not the address of an origin'],
  ['http://127.0.0.1:7702/hls', 'is not the address of an origin'],
  ['7702', 'is not the address of an origin'],
])('%s is refused', async (url, words) => {
  const starting = startEdge({
    ...{ nginx: 'nginx', host: '127.0.0.1', port: 1, cacheMiB: 16, origins: [url], onEvent: () => undefined },
  });
  await expect(starting).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringContaining(words),
  });
});

test('waits for what an origin holds back longer than for anything else', async () => {
  // One with GOPs of ten seconds, of which the next one is asked for.
  const slow = createServer((_, res) => void setTimeout(() => res.end('late'), 11_000)).listen(
    0,
    '127.0.0.1',
  );
  await once(slow, 'listening');
  const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const before = await startEdge({
    ...{ nginx, host: '127.0.0.1', port: await freePort(), cacheMiB: 64, origins: [url] },
    onEvent: ({ text }) => events.push(text),
  });
  try {
    const held = [
      '/hls/ch-1/144p/index.m3u8?_HLS_msn=7',
      '/hls/ch-1/144p/7.p0.ts?t=1',
      '/cmaf/ch-1/sound-1/7.p0.m4s?t=1',
    ];
    const paths = [...held, '/hls/ch-1/index.m3u8', '/hls/ch-1/144p/7.ts'];
    const statuses = await Promise.all(paths.map(async (path) => (await fetch(before.url + path)).status));
    expect(statuses).toEqual([200, 200, 200, 503, 503]);
  } finally {
    await before.stop();
    slow.closeAllConnections();
    slow.close();
  }
});

describe('before an origin whose addresses are signed', () => {
  let keys: string;
  let signed: RunningOrigin;
  let before: Edge;
  beforeAll(async () => {
    keys = await mkdtemp(join(tmpdir(), 'edge-keys-'));
    signed = await startOrigin(1, { playKeysFolder: keys });
    before = await startBefore(signed);
  }, SET_UP_LIMIT_MS);
  afterAll(async () => {
    await before?.stop();
    await signed?.stop();
    await rm(keys, { recursive: true, force: true });
  });

  test('one copy serves all who have a good token, and nobody else, also while the origin is away', async () => {
    const signer = await PlaySigner.of(keys);
    const hourMs = 3_600_000;
    const own = (await signer.sign(signed.playerUrl, 'ch-1', hourMs)).hls;
    const playlist = await (await fetch(new URL('144p/index.m3u8', own))).text();
    const [file] = /^0\.ts\?v=.*$/m.exec(playlist) ?? [];
    const segmentFor = async (lifeMs: number): Promise<string> =>
      new URL(`144p/${file}`, (await signer.sign(before.url, 'ch-1', lifeMs)).hls).href;
    const [first, second] = [await segmentFor(hourMs), await segmentFor(2 * hourMs)];
    const seen = async (url: string): Promise<[number, string | null]> => {
      const answer = await fetch(url);
      await answer.arrayBuffer();
      return [answer.status, answer.headers.get('x-cache')];
    };
    expect(await seen(first)).toEqual([200, 'MISS']);
    expect(await seen(second)).toEqual([200, 'HIT']);
    const bad = [
      `${before.url}/hls/ch-1/144p/0.ts`,
      first.replace(/play\/[^/]+/, 'play/none'),
      first.replace('/ch-1/', '/ch-2/'),
      `${before.url}/play-check`,
    ];
    for (const url of bad) expect([url, (await seen(url))[0] >= 403]).toEqual([url, true]);
    const refused = await fetch(bad[1]!);
    expect([refused.status, refused.headers.get('cache-control')]).toEqual([403, 'no-store']);
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    expect((await fetch(`${before.url}/play/any/cmaf/time`)).status).toBe(200);
    // No fault of the token.
    expect((await fetch(first, { method: 'POST' })).status).toBe(405);

    await signed.end();
    expect((await seen(first))[0]).toBe(200);
    expect((await seen(await segmentFor(3 * hourMs)))[0]).toBe(503);
  });
});
