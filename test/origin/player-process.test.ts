import { setTimeout as sleep } from 'node:timers/promises';
import { mediaHealthSchema, type PlayerProcessHealth } from '../../src/contracts/health';
import { freePort } from '../support/ports';
import { suspend } from '../support/suspend';
import { until } from '../support/until';
import { FRAME_TICKS, PART_FRAMES, partOf } from './support/gop-parts';
import { ownerNamed } from './support/origin-client';
import { OriginProcess } from './support/origin-process';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

/** An origin whose players are answered by a process of its own. */

const GOPS = 8;
const id = 'ch-1';
let gops: EncodedGop[];
/** Without B-frames and sound: they can be cut anywhere. */
let plain: EncodedGop[];
let origin: RunningOrigin;

beforeAll(async () => {
  gops = await encodeGops(GOPS, '128x72', { audio: true });
  plain = await encodeGops(2, '64x48', { extra: ['-bf', '0'] });
});
beforeEach(async () => {
  origin = await RunningOrigin.start({}, { players: 'own-process' });
  gops.forEach((gop, number) => origin.relay.ptsTicksByGop.set(number, gop.ptsTicks));
  await origin.client.register(id);
  await origin.client.own(id, 0, 'a', 0);
});
afterEach(() => origin.stop());

const put = async (gop: number, token = 1): Promise<void> => {
  const answer = await origin.client.put(id, gop, token, 'a', { '144p': gops[gop]!.segment });
  expect(answer.status).toBe(201);
};

const process_ = async (): Promise<PlayerProcessHealth> => {
  const answer = await fetch(`${origin.client.url}/healthz`);
  return mediaHealthSchema.parse(await answer.json()).players!;
};
const pid = async (): Promise<number> => (await process_()).pid!;

const listed = async (): Promise<string[]> => {
  const answer = await fetch(`${origin.playerUrl}/hls/${id}/144p/index.m3u8`).catch(() => null);
  const text = answer?.ok ? await answer.text() : '';
  return text.split('\n').flatMap((line) => /^(\d+)\.ts/.exec(line)?.[1] ?? []);
};
const untilListed = (last: number): Promise<void> =>
  until(`GOP ${last} is listed`, async () => (await listed()).at(-1) === String(last));

const isRunning = (which: number): boolean => {
  try {
    return process.kill(which, 0);
  } catch {
    return false;
  }
};

/** What differs from answer to answer. */
const PASSING = new Set(['date']);

const answerOf = async (base: string, path: string, init: RequestInit): Promise<unknown> => {
  const answer = await fetch(base + path, init);
  const headers = [...answer.headers].filter(([name]) => !PASSING.has(name));
  const body = Buffer.from(await answer.arrayBuffer()).toString('base64');
  return { path, status: answer.status, headers: Object.fromEntries(headers), body };
};

test('every route of players is answered there as by the origin itself', async () => {
  for (let gop = 0; gop < 3; gop += 1) await put(gop);
  await origin.client.own(id, 1, 'a', 4, { gapReason: 'lost' });
  for (let gop = 4; gop < 6; gop += 1) await put(gop, 2);
  await untilListed(5);

  const media = await (await fetch(`${origin.playerUrl}/hls/${id}/144p/index.m3u8`)).text();
  const segment = media.split('\n').findLast((line) => line.includes('.ts'))!;
  const fragments = await (await fetch(`${origin.playerUrl}/cmaf/${id}/144p/index.m3u8`)).text();
  const fragment = fragments.split('\n').findLast((line) => line.includes('.m4s'))!;
  const header = /URI="(init-[^"]+)"/.exec(fragments)![1]!;
  const etag = (await fetch(`${origin.playerUrl}/hls/${id}/144p/${segment}`)).headers.get('etag')!;
  const asked: [string, RequestInit][] = [
    ...[
      ...['/healthz', `/hls/${id}/index.m3u8`, `/hls/${id}/index.m3u8?cues=1`],
      ...[`/hls/${id}/144p/index.m3u8`, `/hls/${id}/144p/index.m3u8?window_s=4&cues=1`],
      ...[
        `/hls/${id}/144p/${segment}`,
        `/hls/${id}/144p/5.ts`,
        `/hls/${id}/144p/3.ts`,
        `/hls/${id}/144p/6.ts`,
      ],
      ...[`/hls/${id}/90p/index.m3u8`, `/hls/${id}/144p/index.m3u8?window_s=none`, '/hls/none/index.m3u8'],
      ...[`/hls/${id}/144p/6.p0.ts?t=2`, `/hls/${id}/144p/index.m3u8?_HLS_part=1`],
      ...[`/cmaf/${id}/index.m3u8`, `/cmaf/${id}/manifest.mpd`, `/cmaf/${id}/sound-1/index.m3u8`],
      ...[`/cmaf/${id}/144p/${fragment}`, `/cmaf/${id}/144p/${header}`, `/cmaf/${id}/144p/99.m4s`],
      ...[`/cmaf/${id}/144p/1080000.m4s`, `/play/token/hls/${id}/index.m3u8`, `/play/token/check/${id}`],
      ...['/nothing', '/hls/../../etc/passwd'],
    ].map((path): [string, RequestInit] => [path, {}]),
    [`/hls/${id}/144p/${segment}`, { headers: { range: 'bytes=100-299' } }],
    [`/hls/${id}/144p/${segment}`, { headers: { range: 'bytes=99999999-' } }],
    [`/hls/${id}/144p/${segment}`, { headers: { 'if-none-match': etag } }],
    [`/hls/${id}/144p/${segment}`, { method: 'HEAD' }],
    [`/hls/${id}/144p/${segment}`, { method: 'OPTIONS' }],
    [`/hls/${id}/144p/${segment}`, { method: 'DELETE' }],
    [`/hls/${id}/144p/index.m3u8`, { headers: { 'accept-encoding': 'identity' } }],
  ];
  for (const [path, init] of asked) {
    const [there, here] = await Promise.all([
      answerOf(origin.playerUrl, path, init),
      answerOf(origin.client.url, path, init),
    ]);
    expect(there).toEqual(here);
  }
  // What is not of players is not there.
  expect((await fetch(`${origin.playerUrl}/channels`)).status).toBe(404);
});

test('who watches is counted, by whichever listener', async () => {
  await put(0);
  await untilListed(0);
  const watch = (base: string, viewer: string): Promise<Response> =>
    fetch(`${base}/hls/${id}/144p/0.ts?CMCD=sid%3D%22${viewer}%22`, { headers: { 'user-agent': 'player' } });
  await Promise.all([watch(origin.playerUrl, 'one'), watch(origin.playerUrl, 'two')]);
  await watch(origin.client.url, 'three');
  await until('all are counted', async () => {
    const { viewers } = (await (await fetch(`${origin.client.url}/audience`)).json()) as {
      viewers: { viewers: number }[];
    };
    return viewers.some((count) => count.viewers >= 3);
  });
});

test('a process that does nothing for a while holds up nothing that is published', async () => {
  await put(0);
  await untilListed(0);
  const stopped = await pid();
  await suspend(stopped);
  try {
    const unanswered = new AbortController();
    const asking = fetch(`${origin.playerUrl}/hls/${id}/index.m3u8`, { signal: unanswered.signal });
    asking.catch(() => undefined);
    for (let gop = 1; gop < 4; gop += 1) await put(gop);
    await origin.client.own(id, 1, 'a', 4);
    const waiting = origin.client.call('GET', `/channels/${id}/wait?gop=4&timeout_ms=10000`);
    for (let gop = 4; gop < 7; gop += 1) await put(gop, 2);
    expect((await waiting).body).toMatchObject({ gop: 4, token: 2 });
    expect((await fetch(`${origin.client.url}/audience`)).status).toBe(200);
    expect(await Promise.race([asking.then(() => 'answered'), sleep(50, 'waits')])).toBe('waits');
    unanswered.abort();
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  await untilListed(6);
  expect(await process_()).toEqual({ state: 'up', pid: stopped, restarts: 0 });
});

test('its end is seen, leaves what is published alone, and is mended', async () => {
  await put(0);
  await untilListed(0);
  const first = await pid();
  process.kill(first, 'SIGKILL');
  await put(1);
  await until('it is missed', async () => (await process_()).restarts === 1);
  await put(2);
  await untilListed(2);
  const { pid: second, ...health } = await process_();
  expect(health).toEqual({ state: 'up', restarts: 1 });
  expect(second).not.toBe(first);
  // What comes after is told as before.
  await put(3);
  await untilListed(3);
  expect(origin.logged.some((line) => line.includes('the process for players has ended'))).toBe(true);
});

test('a channel that goes, and comes again, does so for players too', async () => {
  await put(0);
  await untilListed(0);
  await origin.client.call('DELETE', `/channels/${id}`);
  const status = async (): Promise<number> =>
    (await fetch(`${origin.playerUrl}/hls/${id}/144p/index.m3u8`)).status;
  await until('it is gone', async () => (await status()) === 404);
  await origin.client.register(id);
  const { token } = await origin.client.channel(id);
  await origin.client.own(id, token, 'a', 1);
  await put(1, token + 1);
  await untilListed(1);
  expect(await listed()).toEqual(['1']);
});

/** Puts a partial segment of GOP 1. */
const putPart = async (at: RunningOrigin, index: number): Promise<void> => {
  const bytes = partOf(plain[1]!, index);
  const { encoderId, sessionId } = ownerNamed('a');
  const untilTicks = 180_000 + (index + 1) * PART_FRAMES * FRAME_TICKS;
  const { status } = await fetch(`${at.client.url}/channels/${id}/gops/1/partials/${index}`, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: {
      ...{ 'x-fencing-token': '1', 'x-renditions': `r=${bytes.length}`, 'x-encode-run': 'run-1' },
      ...{ 'x-encoder-id': encoderId, 'x-session-id': sessionId, 'x-until-ticks': String(untilTicks) },
    },
  });
  expect(status).toBe(201);
};

test('partial segments are there as soon as they are public, and who waits is told', async () => {
  const early = await RunningOrigin.start({}, { players: 'own-process', partialMs: 480 });
  try {
    plain.forEach((gop, number) => early.relay.ptsTicksByGop.set(number, gop.ptsTicks));
    await early.client.register(id);
    await early.client.own(id, 0, 'a', 0);
    await early.client.put(id, 0, 1, 'a', { r: plain[0]!.segment });
    const ask = (path: string): Promise<Response> => fetch(`${early.playerUrl}${path}`);
    const playlist = `/hls/${id}/r/index.m3u8`;
    await until('it is played', async () => (await ask(playlist)).status === 200);

    await putPart(early, 0);
    const reload = ask(`${playlist}?_HLS_msn=1&_HLS_part=1`);
    await until('the first is listed', async () =>
      (await (await ask(playlist)).text()).includes('1.p0.ts?t=1'),
    );
    const hinted = ask(`/hls/${id}/r/1.p1.ts?t=1`);
    await putPart(early, 1);
    expect(await (await reload).text()).toContain('URI="1.p1.ts?t=1"');
    expect(Buffer.from(await (await hinted).arrayBuffer()).equals(partOf(plain[1]!, 1))).toBe(true);
    const fragment = await ask(`/cmaf/${id}/r/1.p0.m4s?t=1`);
    expect([fragment.status, fragment.headers.get('content-type')]).toEqual([200, 'video/mp4']);

    const waits = [`${playlist}?_HLS_msn=1&_HLS_part=2`, `/hls/${id}/r/1.p2.ts?t=1`].map(ask);
    await sleep(100);
    await early.client.call('DELETE', `/channels/${id}`);
    expect((await Promise.all(waits)).map(({ status }) => status)).toEqual([404, 404]);
  } finally {
    await early.stop();
  }
});

test('a signal to its group ends no process for players before the origin ends', async () => {
  const { pid: players } = await process_();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(players!, signal);
  await put(0);
  await untilListed(0);
  expect(await process_()).toEqual({ state: 'up', pid: players, restarts: 0 });
  const beganAtMs = performance.now();
  await origin.end();
  expect(performance.now() - beganAtMs).toBeLessThan(5_000);
  expect(isRunning(players!)).toBe(false);
});

test('it ends with an origin that is killed, and the next one listens where that did', async () => {
  const playerPort = await freePort();
  const killed = await OriginProcess.create(origin.stateDir, origin.relay.url, {
    SWARM_PLAYER_PORT: String(playerPort),
  });
  await origin.end();
  await killed.start();
  const healthOf = async (): Promise<PlayerProcessHealth> =>
    mediaHealthSchema.parse((await killed.client.call('GET', '/healthz')).body).players!;
  await until('it is there', async () => (await healthOf()).state === 'up');
  const { pid: first } = await healthOf();
  process.kill(killed.pid, 'SIGKILL');
  await until('it has ended too', () => !isRunning(first!));
  await killed.end('SIGKILL');
  await killed.start();
  await until('players are answered', async () => {
    const answer = await fetch(`http://127.0.0.1:${playerPort}/healthz`).catch(() => null);
    return answer?.status === 200;
  });
  const { pid: second } = await healthOf();
  await killed.end('SIGTERM');
  expect(isRunning(second!)).toBe(false);
});
