import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as HLS from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { parse as parseMpd, parseUTCTiming } from 'mpd-parser';
import { readFragment, readHeader } from './support/boxes';
import { RunningOrigin } from './support/running-origin';
import { FRAMES_PER_SECOND, GOP_DURATION_TICKS, encodeGops, type EncodedGop } from './support/segments';

const run = promisify(execFile);

const GOPS = 8;
const FRAMES_PER_GOP = (GOP_DURATION_TICKS / 90_000) * FRAMES_PER_SECOND;
/** Declared lost, at a recovery. */
const GAP = 3;
/** From here on another encoder makes other pictures, as after a handoff between classes. */
const CHANGED_FROM = 5;
const SOUND = [
  ...['-map', '0:v', '-map', '1:a', '-map', '1:a'],
  ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'],
];

let origin: RunningOrigin;
let small: EncodedGop[];
let large: EncodedGop[];

const base = (): string => `${origin.client.url}/cmaf/ch-1`;
const text = async (path: string): Promise<string> => (await origin.client.text(`/cmaf/ch-1${path}`)).text;
const bytes = async (url: string): Promise<Buffer> => {
  const response = await fetch(url);
  expect([url, response.status]).toEqual([url, 200]);
  return Buffer.from(await response.arrayBuffer());
};

beforeAll(async () => {
  const encode = (size: string, more: string[] = []) =>
    encodeGops(GOPS, size, { audio: true, profile: 'high', extra: [...SOUND, ...more] });
  const other = ['-x264-params', 'open-gop=0:8x8dct=1'];
  const [smallMain, largeMain, smallHigh, largeHigh] = await Promise.all([
    ...[encode('128x72'), encode('160x90')],
    ...[encode('128x72', other), encode('160x90', other)],
  ]);
  const changed = (before: EncodedGop[], after: EncodedGop[]) =>
    before.map((gop, g) => (g < CHANGED_FROM ? gop : after[g]!));
  small = changed(smallMain!, smallHigh!);
  large = changed(largeMain!, largeHigh!);
  origin = await RunningOrigin.start();
  const { client, relay } = origin;
  const beganAtMs = Date.now() - GOPS * 2_000;
  relay.sealedAtMs = (gop) => beganAtMs + (gop + 1) * 2_000;
  await client.register('ch-1');
  await client.own('ch-1', 0, 'a', 0);
  let token = 1;
  for (let gop = 0; gop < GOPS; gop++) {
    if (gop === GAP) {
      await client.own('ch-1', token++, 'b', gop + 1, { gapReason: 'lost' });
      continue;
    }
    if (gop === CHANGED_FROM) await client.own('ch-1', token++, 'c', gop);
    relay.ptsTicksByGop.set(gop, small[gop]!.ptsTicks);
    const segments = { '72p': small[gop]!.segment, '90p': large[gop]!.segment };
    const answer = await client.put('ch-1', gop, token, ['a', 'b', 'c'][token - 1]!, segments);
    expect(answer).toMatchObject({ status: 201 });
  }
});
afterAll(() => origin.stop());

const parseM3u8 = (content: string) => {
  const parser = new Parser();
  parser.addParser({ expression: /^#EXT-X-GAP/, customType: 'gap', segment: true });
  parser.push(content);
  parser.end();
  return parser.manifest;
};

test('two parsers read the same of the multivariant playlist', async () => {
  const content = await text('/index.m3u8');
  const one = parseM3u8(content);
  const other = HLS.parse(content) as HLS.types.MasterPlaylist;
  expect(one.playlists!.map(({ uri }) => uri)).toEqual(['72p/index.m3u8', '90p/index.m3u8']);
  expect(other.variants.map(({ uri }) => uri)).toEqual(['72p/index.m3u8', '90p/index.m3u8']);
  expect(one.playlists!.map(({ attributes }) => attributes.CODECS)).toEqual([
    'avc1.64001e,mp4a.40.2',
    'avc1.64001e,mp4a.40.2',
  ]);
  const sound = other.variants[0]!.audio.map((a) => [a.language, a.uri, a.isDefault, a.channels]);
  expect(sound).toEqual([
    ['de', 'sound-1/index.m3u8', true, '1'],
    ['en', 'sound-2/index.m3u8', false, '1'],
  ]);
  const group = one.mediaGroups!.AUDIO!.sound! as Record<string, { language: string; default: boolean }>;
  expect(Object.values(group).map((a) => [a.language, a.default])).toEqual([
    ['de', true],
    ['en', false],
  ]);
  expect(other.variants[1]).toMatchObject({ resolution: { width: 160, height: 90 }, frameRate: 25 });
});

test('BANDWIDTH is what the fragments of pictures and sound need, and little more', async () => {
  const { playlists } = parseM3u8(await text('/index.m3u8'));
  const sizesOf = async (track: string) => {
    const { segments } = parseM3u8(await text(`/${track}/index.m3u8?window_s=900`));
    const listed = segments.filter(({ uri }) => !uri.endsWith('.m4s'));
    return Promise.all(listed.map(async ({ uri }) => (await bytes(`${base()}/${track}/${uri}`)).length));
  };
  const sound = await sizesOf('sound-1');
  for (const { uri, attributes } of playlists!) {
    const pictures = await sizesOf(uri.split('/')[0]!);
    const peak = (Math.max(...pictures) + Math.max(...sound)) * 4;
    const both = [...pictures, ...sound].reduce((a, b) => a + b, 0);
    const average = (both / pictures.length) * 4;
    expect(attributes.BANDWIDTH).toBeGreaterThanOrEqual(peak);
    expect(attributes.BANDWIDTH!).toBeLessThan(peak * 1.1);
    expect(Number(attributes['AVERAGE-BANDWIDTH'])).toBeGreaterThanOrEqual(average);
    expect(Number(attributes['AVERAGE-BANDWIDTH'])).toBeLessThan(average * 1.1);
  }
});

test.each(['90p', 'sound-2'])(
  'two parsers read the same of %s: a gap, one change of header',
  async (track) => {
    const content = await text(`/${track}/index.m3u8?window_s=900`);
    const one = parseM3u8(content);
    const other = HLS.parse(content) as HLS.types.MediaPlaylist;
    expect([one.mediaSequence, other.mediaSequenceBase]).toEqual([0, 0]);
    expect(one.segments).toHaveLength(GOPS);
    const gaps = one.segments.map((s) => (s as { custom?: { gap?: string } }).custom?.gap !== undefined);
    expect(gaps).toEqual(Array.from({ length: GOPS }, (_, gop) => gop === GAP));
    expect(other.segments.map(({ gap }) => gap === true)).toEqual(gaps);
    expect(one.discontinuityStarts).toEqual([CHANGED_FROM]);
    expect(other.segments.map(({ discontinuity }) => discontinuity === true)).toEqual(
      Array.from({ length: GOPS }, (_, gop) => gop === CHANGED_FROM),
    );
    const headers = one.segments.filter((_, gop) => gop !== GAP).map((s) => s.map?.uri);
    // Of sound nothing has changed.
    expect(new Set(headers).size).toBe(track === '90p' ? 2 : 1);
    expect(headers[0]).toBe(headers[3]);
    expect(one.segments.map((s) => s.uri.replace(/\?.*/, ''))).toEqual(
      Array.from({ length: GOPS }, (_, gop) => `${gop * GOP_DURATION_TICKS}.m4s`),
    );
  },
);

test('ffmpeg plays the playlist over gap, recovery and change: each picture once, at its time', async () => {
  const url = `${base()}/90p/index.m3u8?window_s=900`;
  const frames = (GOPS - 2) * FRAMES_PER_GOP;
  const input = ['-live_start_index', '0', '-i', url, '-frames:v', String(frames)];
  const played = await run('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-copyts', ...input, '-map', '0:v'],
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-f', 'framehash', '-'],
  ]);
  const times = played.stdout
    .split('\n')
    .flatMap((line) => (line.startsWith('0,') ? [Number(line.split(',')[2])] : []));
  const expected = large.flatMap(({ ptsTicks }, gop) => (gop === GAP ? [] : ptsTicks));
  // ffmpeg shows reordered pictures a frame late: see decodedFragments.
  const step = times[0]! - expected[0]!;
  expect(Math.abs(step)).toBeLessThanOrEqual(3_600);
  expect(times).toEqual(expected.slice(0, frames).map((pts) => pts + step));
});

const dash = async (query = '?window_s=900') => {
  const content = await text(`/manifest.mpd${query}`);
  return { content, manifest: parseMpd(content, { manifestUri: `${base()}/manifest.mpd` }) };
};

test('DASH: the same fragments, a period for each header, a hole for the gap', async () => {
  const { content, manifest } = await dash();
  const hls = parseM3u8(await text('/90p/index.m3u8?window_s=900'));
  const pictures = manifest.playlists.filter(({ attributes }) => attributes.NAME === '90p');
  const listed = pictures.flatMap(({ segments }) => segments);
  expect(listed.map(({ resolvedUri }) => resolvedUri)).toEqual(
    hls.segments.filter((_, gop) => gop !== GAP).map(({ uri }) => `${base()}/90p/${uri}`),
  );
  expect(listed.map(({ map }) => map.resolvedUri)).toEqual(
    hls.segments.filter((_, gop) => gop !== GAP).map((s) => `${base()}/90p/${s.map!.uri}`),
  );
  expect(content.match(/<Period /g)).toHaveLength(2);
  const times = listed.map(({ presentationTime }) => presentationTime - listed[0]!.presentationTime);
  expect(times.map((t) => Math.round(t * 1_000))).toEqual([0, 1, 2, 4, 5, 6, 7].map((gop) => gop * 2_000));
  const languages = Object.values(manifest.mediaGroups.AUDIO.audio!).map(({ language }) => language);
  expect(languages).toEqual(['de', 'en']);
  // Numbers, the same ones in each period: the schema has no others.
  const ids = content.split('<Period ').map((period) => period.match(/<AdaptationSet id="[^"]*"/g));
  expect(ids.slice(1)).toEqual(
    [0, 1].map(() => ['1', '101', '102'].map((setId) => `<AdaptationSet id="${setId}"`)),
  );
  const timing = parseUTCTiming(content, `${base()}/manifest.mpd`)!;
  expect(timing.method).toBe('GET');
  expect(new URL(String(timing.value), `${base()}/manifest.mpd`).pathname).toBe('/cmaf/time');
  const clock = Date.parse((await origin.client.text('/cmaf/time')).text);
  expect(Math.abs(clock - Date.now())).toBeLessThan(5_000);
});

test('DASH: times are those of the wall clock', async () => {
  const first = parseM3u8(await text('/90p/index.m3u8?window_s=900')).segments[0]!;
  const start = Number(/start="PT([\d.]+)S"/.exec((await dash()).content)![1]);
  expect(start * 1_000).toBeCloseTo(first.dateTimeObject!.getTime(), -1);
});

test('DASH: ffprobe reads every representation', async () => {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-show_entries', 'stream=index,codec_name,width', '-of', 'csv=p=0'],
    `${base()}/manifest.mpd?window_s=900`,
  ]);
  const streams = [...new Set(stdout.trim().split('\n'))].map((line) => line.split(','));
  expect(streams.flatMap(([, codec, width]) => (codec === 'h264' ? [width] : []))).toEqual(['128', '160']);
  expect(streams.filter(([, codec]) => codec === 'aac')).toHaveLength(2);
});

test('every fragment begins where the one before it ended, through the recovery', async () => {
  for (const track of ['72p', '90p', 'sound-1', 'sound-2']) {
    const { segments } = parseM3u8(await text(`/${track}/index.m3u8?window_s=900`));
    const there = segments.filter((_, gop) => gop !== GAP);
    const media = await Promise.all(there.map(({ uri }) => bytes(`${base()}/${track}/${uri}`)));
    const boxes = media.map(readFragment);
    const scale = track.startsWith('sound') ? 44_100 : 90_000;
    // Each has the number after that of the one before: strict players count.
    const gops = boxes.map((_, i) => (i < GAP ? i : i + 1));
    expect(boxes.map(({ sequenceNumber }) => sequenceNumber)).toEqual(gops.map((gop) => gop + 1));
    for (const [i, box] of boxes.entries()) {
      const before = boxes[i - 1];
      if (!before) continue;
      const ended = before.decodeTime + before.durations.reduce((a, b) => a + b, 0);
      const gapSeconds = (box.decodeTime - ended) / scale;
      const isAfterGap = i === GAP;
      expect(gapSeconds).toBeCloseTo(isAfterGap ? 2 : 0, isAfterGap ? 1 : 6);
    }
    const header = await bytes(`${base()}/${track}/${there[0]!.map!.uri}`);
    expect(readHeader(header).timescale).toBe(scale);
    // Of the test picture nothing but the range of its colours is known.
    expect(header.includes('colr')).toBe(false);
  }
});

test('caches keep fragments and headers for good, and playlists as those of the transport stream', async () => {
  const { client } = origin;
  const { segments } = parseM3u8(await text('/90p/index.m3u8'));
  const last = segments.at(-1)!;
  const fragment = `/cmaf/ch-1/90p/${last.uri}`;
  const header = `/cmaf/ch-1/90p/${last.map!.uri}`;
  for (const path of [fragment, header]) {
    const { headers } = await client.text(path);
    expect(headers.get('cache-control')).toBe('public, max-age=3600, immutable');
    expect(headers.get('content-type')).toBe('video/mp4');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    const head = await client.text(path, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(headers.get('content-length'));
    const part = await fetch(client.url + path, { headers: { range: 'bytes=4-7' } });
    expect([part.status, await part.text()]).toEqual([206, path === header ? 'ftyp' : 'styp']);
    const again = await fetch(client.url + path, {
      headers: { 'if-none-match': headers.get('etag')!, 'cache-control': 'max-age=0' },
    });
    expect(again.status).toBe(304);
  }
  // Without what names the life of the channel it may be one of another life.
  const unversioned = await client.text(fragment.replace(/\?.*/, ''));
  expect([unversioned.status, unversioned.headers.get('cache-control')]).toEqual([200, 'no-cache']);
  for (const [path, type] of [
    ['index.m3u8', 'application/vnd.apple.mpegurl'],
    ['90p/index.m3u8', 'application/vnd.apple.mpegurl'],
    ['manifest.mpd', 'application/dash+xml'],
  ]) {
    const { headers } = await client.text(`/cmaf/ch-1/${path}`);
    expect(headers.get('content-type')).toContain(type);
    expect(headers.get('cache-control')).toBe('public, max-age=0, s-maxage=1, stale-if-error=60');
    expect(headers.get('content-encoding')).toBe('gzip');
  }
  expect((await client.text('/cmaf/time')).headers.get('cache-control')).toBe('no-store');
});

const COMING = `/cmaf/ch-1/90p/${99 * GOP_DURATION_TICKS}.m4s`;
test.each([
  ['/cmaf/nowhere/index.m3u8', 404],
  ['/cmaf/nowhere/manifest.mpd', 404],
  ['/cmaf/ch-1/999p/index.m3u8', 404],
  ['/cmaf/ch-1/sound-9/index.m3u8', 404],
  ['/cmaf/ch-1/90p/7.m4s', 404],
  [`/cmaf/ch-1/90p/${GAP * GOP_DURATION_TICKS}.m4s`, 404],
  ['/cmaf/ch-1/90p/init-0123456789abcdef.mp4', 404],
  // One that is still to come: its name can be foretold.
  [COMING, 404],
  ['/cmaf/ch-1/90p/init-x.mp4', 400],
  ['/cmaf/ch-1/90p/x.m4s', 400],
  ['/cmaf/ch-1/SOUND/index.m3u8', 400],
  ['/cmaf/ch-1/manifest.mpd?window_s=0', 400],
])('refuses %s', async (path, status) => {
  const answer = await origin.client.text(path);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('cache-control')).toBe(
    status === 404 && path !== COMING ? 'public, max-age=1' : 'no-store',
  );
});

test('players have it at their own listener, too, and the origin after a restart', async () => {
  const path = '/cmaf/ch-1/90p/index.m3u8?window_s=900';
  const before = await origin.client.text(path);
  const { uri } = parseM3u8(before.text).segments[0]!;
  const fragment = await bytes(`${base()}/90p/${uri}`);
  await origin.restart();
  const after = await fetch(`${origin.playerUrl}${path}`);
  expect(await after.text()).toBe(before.text);
  expect((await bytes(`${origin.playerUrl}/cmaf/ch-1/90p/${uri}`)).equals(fragment)).toBe(true);
});
