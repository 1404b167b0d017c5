import { setTimeout as sleep } from 'node:timers/promises';
import { FRAME_TICKS, partOf } from '../origin/support/gop-parts';
import type { Answer } from '../origin/support/origin-client';
import { RunningOrigin } from '../origin/support/running-origin';
import { encodeGops, type EncodedGop } from '../origin/support/segments';
import { until } from '../support/until';
import { readPlaylist } from './low-latency-player';
import { putPartOf, type PutPart } from './put-part';

/** Who may publish parts of a GOP, and what becomes of them. */

jest.setTimeout(60_000);

let origin: RunningOrigin;
let gops: EncodedGop[];
let otherGops: EncodedGop[];
beforeAll(async () => {
  const extra = ['-bf', '0'];
  gops = await encodeGops(3, '64x48', { extra });
  otherGops = await encodeGops(3, '64x48', { extra, crf: 40 });
  origin = await RunningOrigin.start({ maxPlayerWaits: 4 }, { partialMs: 480 });
  gops.forEach(({ ptsTicks }, gop) => origin.relay.ptsTicksByGop.set(gop, ptsTicks));
});
afterAll(() => origin.stop());

let channel = 0;
let id: string;
/** A channel that A owns, with its first GOP. */
beforeEach(async () => {
  id = `ch-${(channel += 1)}`;
  await origin.client.register(id);
  await origin.client.own(id, 0, 'a', 0);
  expect((await origin.client.put(id, 0, 1, 'a', { r: gops[0]!.segment })).status).toBe(201);
});

const putPart = (index: number, options: PutPart = {}): Promise<Answer> =>
  putPartOf({ origin, id, gops }, index, options);

const refusal = async (answer: Promise<Answer>): Promise<string | undefined> =>
  (await answer).body.error?.code;
const playlist = async (query = ''): Promise<Response> =>
  fetch(`${origin.playerUrl}/hls/${id}/r/index.m3u8${query}`);
const read = async (): Promise<ReturnType<typeof readPlaylist>> =>
  readPlaylist(await (await playlist()).text());

test('takes the parts of a GOP in order, and lists each at once', async () => {
  expect((await putPart(0)).status).toBe(201);
  expect((await putPart(0)).status).toBe(200);
  expect(await refusal(putPart(2))).toBe('out-of-order');
  expect((await putPart(1)).status).toBe(201);
  const { open, hint } = await read();
  expect(open.map(({ uri }) => uri)).toEqual(['1.p0.ts?t=1', '1.p1.ts?t=1']);
  expect(hint).toBe('1.p2.ts?t=1');
  const part = await fetch(new URL(open[1]!.uri, `${origin.playerUrl}/hls/${id}/r/`));
  expect(Buffer.from(await part.arrayBuffer()).equals(partOf(gops[1]!, 1))).toBe(true);
});

test('refuses what is no continuation: a hole, other pictures, another encode, a wrong length', async () => {
  expect(await refusal(putPart(0, { bytes: partOf(gops[1]!, 1) }))).toBe('malformed-segment');
  expect(await refusal(putPart(0, { untilTicks: 180_000 + 11 * FRAME_TICKS }))).toBe('ledger-mismatch');
  expect(await refusal(putPart(0, { untilTicks: 180_000 + 13 * FRAME_TICKS }))).toBe('conflict');
  expect(await refusal(putPart(0, { gop: 2 }))).toBe('out-of-order');
  await putPart(0);
  expect(await refusal(putPart(0, { run: 'run-2' }))).toBe('conflict');
  expect(await refusal(putPart(1, { run: 'run-2' }))).toBe('malformed-segment');
  expect(await refusal(putPart(1, { bytes: partOf(gops[1]!, 2) }))).toMatch(
    /malformed-segment|ledger-mismatch/,
  );
  expect((await read()).open).toHaveLength(1);
});

test('a fenced owner gets no part in, and the next one only with a picture that stands by itself', async () => {
  await putPart(0);
  // As in a recovery: nobody waits for the one who is lost.
  const lost = { ownerSecretSha256: '0'.repeat(64) };
  await origin.client.own(id, 1, 'b', 1, lost);
  await origin.client.own(id, 2, 'b', 1);
  expect(await refusal(putPart(1))).toBe('stale-token');
  const { token } = await origin.client.channel(id);
  expect(await refusal(putPart(1, { token, name: 'b', run: 'run-b' }))).toBe('malformed-segment');
  expect(await refusal(putPart(0, { token, name: 'b', run: 'run-b' }))).toBe('conflict');
  expect((await read()).open).toHaveLength(1);
});

test('parts of a GOP that is encoded anew are taken back, and that is declared', async () => {
  await putPart(0);
  expect((await origin.client.put(id, 1, 1, 'a', { r: otherGops[1]!.segment })).status).toBe(201);
  const { segments, open } = await read();
  expect(open).toEqual([]);
  expect(segments.map(({ parts, discontinuity }) => [parts.length, discontinuity])).toEqual([
    [0, false],
    [0, true],
  ]);
  expect((await fetch(`${origin.playerUrl}/hls/${id}/r/1.p0.ts?t=1`)).status).toBe(404);
});

test('the whole GOP brings its last part', async () => {
  for (const index of [0, 1, 2]) expect((await putPart(index)).status).toBe(201);
  // The last one would be two pictures long: it comes with the GOP.
  expect((await putPart(3)).status).toBe(201);
  expect((await origin.client.put(id, 1, 1, 'a', { r: gops[1]!.segment })).status).toBe(201);
  const [, last] = (await read()).segments;
  expect(last!.parts.map(({ durationSeconds }) => durationSeconds)).toEqual([0.48, 0.48, 0.48, 0.48, 0.08]);
});

test('a move waits until the owner has ended his GOP', async () => {
  await putPart(0);
  let answered = false;
  const moved = origin.client.own(id, 1, 'b', 1).finally(() => (answered = true));
  await putPart(1);
  expect(answered).toBe(false);
  await origin.client.put(id, 1, 1, 'a', { r: gops[1]!.segment });
  expect((await moved).body).toMatchObject({ token: 2, firstGop: 2 });
});

test('holds a playlist back until it has what is asked for, and refuses what is far ahead', async () => {
  await putPart(0);
  let answered = false;
  const next = playlist('?_HLS_msn=1&_HLS_part=1').finally(() => (answered = true));
  const hinted = fetch(`${origin.playerUrl}/hls/${id}/r/1.p1.ts?t=1`);
  expect((await playlist('?_HLS_msn=1&_HLS_part=0')).status).toBe(200);
  expect(answered).toBe(false);
  await putPart(1);
  expect(readPlaylist(await (await next).text()).open).toHaveLength(2);
  expect((await hinted).status).toBe(200);
  for (const query of ['?_HLS_part=1', '?_HLS_msn=9', '?_HLS_msn=1&_HLS_part=99', '?_HLS_msn=x'])
    expect((await playlist(query)).status).toBe(400);
});

test('no cache keeps that a part is not there yet, so that nobody can keep it from others', async () => {
  const kept = async (path: string): Promise<string | null> => {
    const { status, headers } = await fetch(`${origin.playerUrl}/${path}`);
    expect([path, status]).toEqual([path, 404]);
    return headers.get('cache-control');
  };
  const toCome = ['1.p1.ts?t=1', '1.p0.ts?t=2', '2.p0.ts?t=1'].map((name) => `hls/${id}/r/${name}`);
  for (const path of [...toCome, `cmaf/${id}/r/1.p1.m4s?t=1`]) expect(await kept(path)).toBe('no-store');
  await origin.client.put(id, 1, 1, 'a', { r: gops[1]!.segment });
  // Those that never come may be asked for by many at once.
  for (const path of [`hls/${id}/r/1.p1.ts?t=1`, `hls/${id}/r/2.p0.ts?t=0`, `cmaf/${id}/r/1.p1.m4s?t=1`])
    expect(await kept(path)).toBe('public, max-age=1');
});

test('who waits for a part of a GOP that comes whole is told at once', async () => {
  for (const index of [0, 1, 2, 3]) await putPart(index);
  await origin.client.put(id, 1, 1, 'a', { r: gops[1]!.segment });
  expect((await read()).hint).toBe('2.p0.ts?t=1');
  const hinted = fetch(`${origin.playerUrl}/hls/${id}/r/2.p0.ts?t=1`);
  await sleep(100);
  const beganAtMs = performance.now();
  await origin.client.put(id, 2, 1, 'a', { r: gops[2]!.segment });
  expect((await hinted).status).toBe(404);
  expect(performance.now() - beganAtMs).toBeLessThan(1_000);
});

test('there are so many places to wait, and who holds the most gives way', async () => {
  await putPart(0);
  const waits = Array.from({ length: 5 }, () => playlist('?_HLS_msn=1&_HLS_part=1'));
  const first = await Promise.race(waits);
  expect(first.status).toBe(503);
  await putPart(1);
  const statuses = (await Promise.all(waits)).map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 200, 200, 200, 503]);
});

test('an origin that has no parts takes none, and a restart forgets those of the open GOP', async () => {
  await putPart(0);
  await origin.restart();
  await until('it is back', async () => (await fetch(`${origin.playerUrl}/healthz`)).status === 200);
  expect((await read()).open).toEqual([]);
  expect((await putPart(0)).status).toBe(201);
  const whole = await RunningOrigin.start();
  try {
    await whole.client.register(id);
    await whole.client.own(id, 0, 'a', 0);
    whole.relay.ptsTicksByGop.set(0, gops[0]!.ptsTicks);
    await whole.client.put(id, 0, 1, 'a', { r: gops[0]!.segment });
    const text = await (await fetch(`${whole.playerUrl}/hls/${id}/r/index.m3u8?_HLS_msn=7`)).text();
    expect(text).not.toMatch(/EXT-X-(PART|SERVER-CONTROL|PRELOAD)/);
    expect((await whole.client.channel(id)).lowLatency).toBeUndefined();
  } finally {
    await whole.stop();
  }
});

// The last one: channels that are added later begin with a higher token.
test('who waits is told at once when the channel is removed', async () => {
  await putPart(0);
  const waits = [
    playlist('?_HLS_msn=1&_HLS_part=1'),
    fetch(`${origin.playerUrl}/hls/${id}/r/1.p1.ts?t=1`),
    fetch(`${origin.playerUrl}/cmaf/${id}/r/1.p1.m4s?t=1`),
  ];
  await sleep(100);
  const beganAtMs = performance.now();
  await origin.client.call('DELETE', `/channels/${id}`);
  expect((await Promise.all(waits)).map(({ status }) => status)).toEqual([404, 404, 404]);
  expect(performance.now() - beganAtMs).toBeLessThan(2_000);
});
