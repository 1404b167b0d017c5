import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaySigner } from '../../src/playback';
import { RunningOrigin } from './support/running-origin';
import { encodeGops } from './support/segments';

/** Addresses that expire, at a real origin. */

const HOUR_MS = 3_600_000;
let folder: string;
let origin: RunningOrigin;
let signer: PlaySigner;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'play-gate-'));
  origin = await RunningOrigin.start({}, { playKeysFolder: join(folder, 'keys') });
  signer = await PlaySigner.of(join(folder, 'keys'));
  const [gop] = await encodeGops(1, '128x72');
  for (const id of ['news', 'sport']) {
    await origin.client.register(id);
    await origin.client.own(id, 0, 'a', 0);
    origin.relay.ptsTicksByGop.set(0, gop!.ptsTicks);
    expect((await origin.client.put(id, 0, 1, 'a', { '144p': gop!.segment })).status).toBe(201);
  }
});
afterAll(async () => {
  await origin?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Follows the relative addresses of playlists, as a player does. */
const followed = async (url: string): Promise<Response> => {
  let at = url;
  for (;;) {
    const answer = await fetch(at);
    const next = (await answer.clone().text())
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('#'));
    if (!answer.ok || !at.split('?', 1)[0]!.endsWith('.m3u8')) return answer;
    at = new URL(next!, at).href;
  }
};

test('a player gets from the signed playlist to the segment by relative addresses alone', async () => {
  const urls = await signer.sign(origin.playerUrl, 'news', HOUR_MS);
  for (const url of [urls.hls, urls.cmaf]) {
    const media = await followed(url);
    expect([media.status, media.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(media.headers.get('content-type')).toMatch(/^video\//);
    expect(media.url).toContain('/play/');
  }
  const manifest = await fetch(urls.dash);
  expect([manifest.status, manifest.headers.get('content-type')]).toEqual([200, 'application/dash+xml']);
  expect((await fetch(new URL('../time', urls.dash))).status).toBe(200);
});

test('without a good token nothing is played, on either port, and no cache keeps the refusal', async () => {
  const [news, sport, expired] = await Promise.all([
    signer.sign('', 'news', HOUR_MS),
    signer.sign('', 'sport', HOUR_MS),
    signer.sign('', 'news', 1),
  ]);
  const plain = ['/hls/news/index.m3u8', '/hls/news/144p/index.m3u8', '/hls/news/144p/0.ts'];
  const cmaf = ['/cmaf/news/index.m3u8', '/cmaf/news/manifest.mpd', '/cmaf/news/144p/init-1.mp4'];
  const wrong = [
    sport.hls.replace('/hls/sport', '/hls/news'),
    sport.hls.replace('/hls/sport', '/hls/%6eews'),
    expired.hls,
    news.hls.replace(/play\/[^/]+/, 'play/none'),
    news.hls.replace(/\/hls\/.*/, '/check/sport'),
  ];
  for (const base of [origin.playerUrl, origin.client.url]) {
    for (const path of [...plain, ...cmaf, ...wrong]) {
      const answer = await fetch(base + path);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(await answer.json()).toMatchObject({ error: { code: 'forbidden' } });
    }
  }
  expect((await fetch(`${origin.playerUrl}/cmaf/time`)).status).toBe(200);
  expect(origin.logged.join('')).not.toContain(/play\/([^/]+)/.exec(sport.hls)![1]);
});

test('a cache is told whether an address is good, and for how long it may believe that', async () => {
  const { hls } = await signer.sign(origin.playerUrl, 'news', HOUR_MS);
  const answer = await fetch(hls.replace(/\/hls\/.*/, '/check/news'));
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([
    204,
    'public, max-age=10, stale-if-error=60',
  ]);
});

test('where nothing is signed, both kinds of addresses work', async () => {
  const open = await RunningOrigin.start();
  try {
    await open.client.register('news');
    const bases = [open.playerUrl, `${open.playerUrl}/play/whatever`];
    for (const base of bases) expect((await fetch(`${base}/hls/news/index.m3u8`)).status).not.toBe(403);
  } finally {
    await open.stop();
  }
});
