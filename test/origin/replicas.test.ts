import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Answer } from './support/origin-client';
import { OriginTrio } from './support/origin-trio';
import { asGop, encodeGops, type EncodedGop } from './support/segments';

/** Three real origins and a real etcd: what one acknowledges, all have; who dies, is missed by nobody. */

const GOPS = 60;
let trio: OriginTrio;
let gops: EncodedGop[];
let channels = 0;
let channel: string;

beforeAll(async () => {
  [trio, gops] = await Promise.all([OriginTrio.start(), encodeGops(4, '160x90')]);
  gops = Array.from({ length: GOPS }, (_, g) => asGop(gops[g % 4]!, g % 4, g));
  for (const [g, { ptsTicks }] of gops.entries()) trio.relay.ptsTicksByGop.set(g, ptsTicks);
}, 60_000);
afterAll(() => trio?.stop());
beforeEach(() => (channel = `ch-${(channels += 1)}`));

const put = (i: number, gop: number, token: number, name: string): Promise<Answer> =>
  trio.client(i).put(channel, gop, token, name, { '90p': gops[gop]!.segment });

const statuses = async (answers: Promise<Answer>[]): Promise<number[]> =>
  (await Promise.all(answers)).map(({ status }) => status);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** On air at origin `i`, owned by `name` with token 1. */
const begin = async (i: number, name = 'a'): Promise<void> => {
  expect((await trio.client(i).register(channel)).status).toBe(200);
  expect(await trio.client(i).own(channel, 0, name, 0)).toMatchObject({ status: 200, body: { token: 1 } });
};

test('a GOP that one origin acknowledged is in the ledger and the playlist of all', async () => {
  await begin(0);
  for (let gop = 0; gop < 3; gop += 1) expect((await put(0, gop, 1, 'a')).status).toBe(201);
  for (const i of [0, 1, 2]) {
    await trio.caughtUp(i, channel, 3);
    const { status, text } = await trio.client(i).text(`/hls/${channel}/90p/index.m3u8`);
    expect([status, [...text.matchAll(/(\d+)\.ts/g)].map(([, gop]) => gop)]).toEqual([200, ['0', '1', '2']]);
    const segment = await fetch(`${trio.client(i).url}/hls/${channel}/90p/2.ts`);
    expect(sha256(Buffer.from(await segment.arrayBuffer()))).toBe(sha256(gops[2]!.segment));
  }
});

test('any origin takes the publisher, and the ledgers stay one', async () => {
  await begin(1);
  for (let gop = 0; gop < 9; gop += 1) expect((await put(gop % 3, gop, 1, 'a')).status).toBe(201);
  for (const i of [0, 1, 2]) await trio.caughtUp(i, channel, 9);
  const ledgers = await Promise.all([0, 1, 2].map((i) => trio.client(i).ledger(channel)));
  expect(ledgers[1]).toEqual(ledgers[0]);
  expect(ledgers[2]).toEqual(ledgers[0]);
});

test('a GOP that is put at two origins at once is published once', async () => {
  await begin(0);
  for (let gop = 0; gop < 6; gop += 1) {
    const answers = await statuses([put(gop % 3, gop, 1, 'a'), put((gop + 1) % 3, gop, 1, 'a')]);
    expect(answers.sort()).toEqual([200, 201]);
  }
  for (const i of [0, 1, 2]) await trio.caughtUp(i, channel, 6);
});

test('who lost the channel is refused by every origin, also one that heard nothing of it', async () => {
  await begin(0);
  expect((await put(0, 0, 1, 'a')).status).toBe(201);
  expect(await trio.client(2).own(channel, 1, 'b', 1)).toMatchObject({
    status: 200,
    body: { token: 2, firstGop: 1 },
  });
  for (const i of [0, 1, 2])
    expect(await put(i, 1, 1, 'a')).toMatchObject({ status: 409, body: { error: { code: 'stale-token' } } });
  expect((await put(1, 1, 2, 'b')).status).toBe(201);
  for (const i of [0, 1, 2]) expect((await trio.client(i).channel(channel)).token).toBe(2);
});

test('of two who ask different origins for the same token, one gets the channel', async () => {
  await begin(0);
  const names = ['b', 'c', 'd'];
  const answers = await Promise.all(names.map((name, i) => trio.client(i).own(channel, 1, name, 0)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  const winner = names[answers.findIndex(({ status }) => status === 200)]!;
  expect((await put(2, 0, 2, winner)).status).toBe(201);
});

test('a declared gap is the same at all origins', async () => {
  await begin(0);
  expect((await put(0, 0, 1, 'a')).status).toBe(201);
  const gap = { token: 1, fromGop: 1, toGop: 4, reason: 'no input' };
  expect((await trio.client(1).call('POST', `/channels/${channel}/gaps`, gap)).status).toBe(200);
  expect((await put(2, 4, 1, 'a')).status).toBe(201);
  for (const i of [0, 1, 2]) {
    await trio.caughtUp(i, channel, 5);
    const ledger = await trio.client(i).ledger(channel);
    expect(ledger.map(({ gapReason }) => gapReason ?? null)).toEqual([
      null,
      ...Array(3).fill('no input'),
      null,
    ]);
  }
});

test('a channel that was removed at one origin is gone at all, and begins anew without its old media', async () => {
  await begin(0);
  expect((await put(0, 0, 1, 'a')).status).toBe(201);
  expect((await trio.client(1).call('DELETE', `/channels/${channel}`)).status).toBe(204);
  expect((await trio.client(2).register(channel)).status).toBe(200);
  const { token, nextGop } = await trio.client(0).channel(channel);
  expect([token, nextGop]).toEqual([2, 0]);
  expect((await trio.client(0).own(channel, 2, 'b', 0)).body).toMatchObject({ token: 3 });
  expect((await put(0, 0, 1, 'a')).status).toBe(409);
  for (let gop = 0; gop < 2; gop += 1) expect((await put(1, gop, 3, 'b')).status).toBe(201);
  for (const i of [0, 1, 2]) {
    await trio.caughtUp(i, channel, 2);
    expect((await trio.client(i).ledger(channel)).map((entry) => entry.token)).toEqual([3, 3]);
  }
});

describe('an origin that dies', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    '%s of the one that leads: publishing goes on at another, and it catches up when it is back',
    async (how) => {
      await begin(0);
      let gop = 0;
      for (; gop < 3; gop += 1) expect((await put(0, gop, 1, 'a')).status).toBe(201);
      const cut = put(0, gop, 1, 'a').catch(() => null);
      if (how === 'SIGKILL') await trio.origins[0]!.end('SIGKILL');
      else await trio.origins[0]!.suspend();
      const stoppedAtMs = performance.now();
      expect([200, 201]).toContain((await put(1, gop, 1, 'a')).status);
      const pauseMs = performance.now() - stoppedAtMs;
      console.info(
        `${how} of the leading origin: the next GOP was acknowledged after ${pauseMs.toFixed(0)} ms`,
      );
      expect(pauseMs).toBeLessThan(4_000);
      for (gop += 1; gop < 6; gop += 1) expect((await put(1, gop, 1, 'a')).status).toBe(201);
      if (how === 'SIGKILL') await trio.origins[0]!.start();
      else trio.origins[0]!.signal('SIGCONT');
      await cut;
      for (const i of [0, 1, 2]) await trio.caughtUp(i, channel, 6);
      const ledgers = await Promise.all([0, 1, 2].map((i) => trio.client(i).ledger(channel)));
      expect(ledgers[0]).toEqual(ledgers[1]);
      expect(ledgers[2]).toEqual(ledgers[1]);
      expect(ledgers[0]!.map((entry) => entry.gop)).toEqual([0, 1, 2, 3, 4, 5]);
    },
    30_000,
  );

  test('comes back with an empty folder: it is filled by the others, and counts again', async () => {
    await begin(0);
    for (let gop = 0; gop < 5; gop += 1) expect((await put(0, gop, 1, 'a')).status).toBe(201);
    await trio.origins[2]!.end('SIGKILL');
    await rm(trio.folderOf(2), { recursive: true });
    await trio.origins[2]!.start();
    await trio.caughtUp(2, channel, 5);
    const segment = await fetch(`${trio.client(2).url}/hls/${channel}/90p/1.ts`);
    expect(sha256(Buffer.from(await segment.arrayBuffer()))).toBe(sha256(gops[1]!.segment));
    await trio.origins[0]!.end('SIGKILL');
    try {
      expect((await put(2, 5, 1, 'a')).status).toBe(201);
    } finally {
      await trio.origins[0]!.start();
    }
  }, 30_000);

  test('an origin that lost its disk does not vote for a shorter past', async () => {
    await begin(0);
    await trio.origins[2]!.suspend();
    for (let gop = 0; gop < 2; gop += 1) expect((await put(0, gop, 1, 'a')).status).toBe(201);
    // Of the two that have both GOPs one dies, and the other loses its disk.
    await trio.origins[0]!.end('SIGKILL');
    await trio.origins[1]!.end('SIGKILL');
    await rm(trio.folderOf(1), { recursive: true });
    await trio.origins[1]!.start();
    trio.origins[2]!.signal('SIGCONT');
    for (const i of [1, 2])
      expect(await put(i, 0, 1, 'a')).toMatchObject({
        status: 503,
        body: { error: { code: 'unavailable' } },
      });
    await trio.origins[0]!.start();
    expect((await put(1, 2, 1, 'a')).status).toBe(201);
    for (const i of [0, 1, 2]) await trio.caughtUp(i, channel, 3);
  }, 30_000);
});
