import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { putEndlessly, withoutFirstPicture } from './support/hostile-puts';
import { LedgerServer } from './support/ledger-server';
import { ownerNamed, type Answer } from './support/origin-client';
import { RunningOrigin } from './support/running-origin';
import {
  FRAMES_PER_SECOND,
  GOP_DURATION_TICKS,
  asGop,
  encodeGops,
  type EncodedGop,
} from './support/segments';

let small: EncodedGop[];
let large: EncodedGop[];
let origin: RunningOrigin;
let next = 0;
let id: string;

/** Both renditions of a GOP. */
const both = (gop: number) => ({ '144p': small[gop]!.segment, '240p': large[gop]!.segment });
const codeOf = (answer: Answer<unknown>) => [answer.status, answer.body.error?.code];

beforeAll(async () => {
  [small, large] = await Promise.all([encodeGops(4, '128x72'), encodeGops(4, '160x90')]);
  origin = await RunningOrigin.start();
  small.forEach(({ ptsTicks }, gop) => origin.relay.ptsTicksByGop.set(gop, ptsTicks));
});
afterAll(() => origin.stop());
beforeEach(async () => {
  id = `ch-${next++}`;
  origin.relay.failure = 'none';
  expect((await origin.client.register(id)).status).toBe(200);
});

describe('publishing', () => {
  test('a GOP in two renditions: stored, counted, in the ledger, waited for', async () => {
    const { client } = origin;
    expect((await client.own(id, 0, 'a', 0)).body).toEqual({ token: 1, firstGop: 0 });
    const waiting = client.call('GET', `/channels/${id}/wait?gop=1&timeout_ms=20000`);
    expect(await client.put(id, 0, 1, 'a', both(0))).toEqual({ status: 201, body: { gop: 0 } });
    expect(await client.put(id, 1, 1, 'a', both(1))).toEqual({ status: 201, body: { gop: 1 } });
    const entry = {
      gop: 1,
      token: 1,
      ...ownerNamed('a'),
      renditions: [
        { name: '144p', bytes: small[1]!.segment.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { name: '240p', bytes: large[1]!.segment.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    };
    expect((await waiting).body).toMatchObject(entry);
    const [, second] = await client.ledger(id);
    expect(second).toMatchObject(entry);
    expect(second!.delayMs).toBe(second!.publishedAtMs - second!.sealedAtMs!);
    expect(await client.channel(id)).toMatchObject({
      id,
      gopDurationTicks: GOP_DURATION_TICKS,
      framesPerSecond: FRAMES_PER_SECOND,
      token: 1,
      owner: ownerNamed('a'),
      nextGop: 2,
      hasPublished: true,
      lastPublishedAtMs: second!.publishedAtMs,
      oldestGop: 0,
      gapsDeclared: 0,
      refusals: {},
    });
    expect((await client.call<unknown[]>('GET', `/channels/${id}/ledger?from=1&to=2`)).body).toHaveLength(1);
  });

  test('PTS that wrap around 2^33 are the channel time they stand for', async () => {
    const wrapGop = Math.floor(2 ** 33 / GOP_DURATION_TICKS);
    const gop = asGop(small[0]!, 0, wrapGop);
    expect(gop.ptsTicks.some((pts) => pts >= 2 ** 33)).toBe(true);
    expect(gop.ptsTicks[0]).toBeLessThan(2 ** 33);
    origin.relay.ptsTicksByGop.set(wrapGop, gop.ptsTicks);
    await origin.client.own(id, 0, 'a', wrapGop);
    expect((await origin.client.put(id, wrapGop, 1, 'a', { '144p': gop.segment })).status).toBe(201);
  });
});

describe('refusals', () => {
  beforeEach(async () => {
    await origin.client.own(id, 0, 'a', 0);
    expect((await origin.client.put(id, 0, 1, 'a', both(0))).status).toBe(201);
  });
  /** Each refusal leaves the channel as it was and is counted. */
  const expectRefused = async (
    put: () => Promise<Answer<unknown>>,
    status: number,
    code: string,
    counted = code,
  ) => {
    const before = await origin.client.channel(id);
    const ledger = await origin.client.ledger(id);
    const answer = await put();
    expect(codeOf(answer)).toEqual([status, code]);
    const after = await origin.client.channel(id);
    expect(after).toEqual({ ...before, refusals: { ...before.refusals, [counted]: 1 } });
    expect(await origin.client.ledger(id)).toEqual(ledger);
    return answer.body.error!;
  };
  const put = (gop: number, token: number, segments: Record<string, Buffer>, headers = {}) =>
    expectRefused.bind(null, () => origin.client.put(id, gop, token, 'a', segments, headers));

  test('a stale token, also with bytes published before', async () => {
    await origin.client.own(id, 1, 'b', 1);
    const { details } = await put(0, 1, both(0))(409, 'stale-token');
    expect(details).toEqual({ token: 2, owner: ownerNamed('b') });
    expect(codeOf(await origin.client.put(id, 1, 1, 'a', both(1)))).toEqual([409, 'stale-token']);
    expect(codeOf(await origin.client.put(id, 1, 3, 'a', both(1)))).toEqual([409, 'stale-token']);
    expect(codeOf(await origin.client.put(id, 1, 2, 'a', both(1)))).toEqual([409, 'stale-token']);
    expect(codeOf(await origin.client.put(id, 99, 1, 'a', both(1)))).toEqual([409, 'stale-token']);
    expect((await origin.client.put(id, 1, 2, 'b', both(1))).status).toBe(201);
  });

  test('a GOP again: the same bytes are a repetition, others are refused', async () => {
    expect(await origin.client.put(id, 0, 1, 'a', both(0))).toEqual({
      status: 200,
      body: { gop: 0, duplicate: true },
    });
    await put(0, 1, both(1))(409, 'gop-exists');
    expect(codeOf(await origin.client.put(id, 0, 1, 'a', { '144p': small[0]!.segment }))).toEqual([
      409,
      'gop-exists',
    ]);
    await origin.client.own(id, 1, 'a', 1);
    expect(codeOf(await origin.client.put(id, 0, 2, 'a', both(0)))).toEqual([409, 'gop-exists']);
  });

  test('a GOP before its turn', async () => {
    expect((await put(2, 1, both(2))(409, 'out-of-order')).details).toEqual({ nextGop: 1 });
  });

  test.each([
    ['announced', { 'content-length': String(16 * 2 ** 20 + 1) }],
    ['found while it streams', {}],
  ])('a body over 16 MiB, %s', async (_how, headers) => {
    const before = process.memoryUsage().rss;
    const error = await expectRefused(
      () => putEndlessly(origin.client.url, id, 1, headers),
      413,
      'segment-too-large',
    );
    expect(error.hint).toBeDefined();
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  test('segments that are malformed', async () => {
    const { segment } = small[1]!;
    const cases: [string, Buffer, string?][] = [
      ['not a transport stream', Buffer.alloc(188 * 20, 'x')],
      ['cut amid a packet', segment.subarray(0, -100)],
      [
        'packets missing in the middle',
        Buffer.concat([segment.subarray(0, 188 * 20), segment.subarray(188 * 25)]),
      ],
      ['no IDR at the start', withoutFirstPicture(segment)],
      ['tables without pictures', segment.subarray(0, 376)],
      ['lengths that differ', segment, `144p=${segment.length - 188}`],
      ['lengths that differ by a rendition', segment, `144p=${segment.length},240p=188`],
    ];
    for (const [, bytes, announced] of cases) {
      const headers: Record<string, string> = announced ? { 'x-renditions': announced } : {};
      const answer = await origin.client.put(id, 1, 1, 'a', { '144p': bytes }, headers);
      expect(codeOf(answer)).toEqual([422, 'malformed-segment']);
      expect(answer.body.error!.hint).toBeDefined();
    }
    expect(await origin.client.channel(id)).toMatchObject({
      nextGop: 1,
      refusals: { 'malformed-segment': cases.length },
    });
  });

  test('pictures that are not those which the relay received', async () => {
    const error = await put(1, 1, { '144p': small[2]!.segment })(422, 'ledger-mismatch');
    expect(error.details).toMatchObject({ rendition: '144p', differsAt: 0 });
    const shifted = asGop(small[1]!, 0, 0).segment;
    expect(
      codeOf(await origin.client.put(id, 1, 1, 'a', { '144p': shifted, '240p': large[2]!.segment })),
    ).toEqual([422, 'ledger-mismatch']);
    const lacking = origin.relay.ptsTicksByGop.get(1)!;
    origin.relay.ptsTicksByGop.set(1, [...lacking, lacking.at(-1)! + 3600]);
    expect((await origin.client.put(id, 1, 1, 'a', both(1))).body.error?.details).toMatchObject({
      differsAt: 50,
    });
    origin.relay.ptsTicksByGop.set(1, lacking.slice(0, -1));
    expect((await origin.client.put(id, 1, 1, 'a', both(1))).body.error?.details).toMatchObject({
      differsAt: 49,
    });
    origin.relay.ptsTicksByGop.set(1, lacking);
    expect((await origin.client.put(id, 1, 1, 'a', both(1))).status).toBe(201);
  });

  test.each(['garbage', 'left-ring', 'silent'] as const)(
    'a relay whose ledger fails: %s',
    async (failure) => {
      origin.relay.failure = failure;
      await put(1, 1, both(1))(503, 'ledger-unavailable');
      origin.relay.failure = 'none';
      expect((await origin.client.put(id, 1, 1, 'a', both(1))).status).toBe(201);
    },
  );

  test.each([
    ['no token', { 'x-fencing-token': '' }],
    ['a token that is no number', { 'x-fencing-token': '1e3' }],
    ['no renditions', { 'x-renditions': '' }],
    ['a rendition twice', { 'x-renditions': '144p=188,144p=188' }],
    ['a rendition named like a path', { 'x-renditions': '../x=188' }],
    ['a rendition without bytes', { 'x-renditions': '144p=-1' }],
    ['no encoder', { 'x-encoder-id': '' }],
  ])('headers: %s', async (_what, headers) => {
    await put(1, 1, both(1), headers)(400, 'bad-request');
  });

  test('unknown channels and bad parameters', async () => {
    const { client } = origin;
    expect(codeOf(await client.put('nowhere', 0, 1, 'a', both(0)))).toEqual([404, 'unknown-channel']);
    expect(codeOf(await client.own('nowhere', 0, 'a', 0))).toEqual([404, 'unknown-channel']);
    for (const path of ['', '/ledger', '/wait?gop=0']) {
      expect(codeOf(await client.call('GET', `/channels/nowhere${path}`))).toEqual([404, 'unknown-channel']);
    }
    for (const path of [
      `/channels/${id}/wait`,
      `/channels/${id}/wait?gop=-1`,
      `/channels/${id}/ledger?from=x`,
    ]) {
      expect(codeOf(await client.call('GET', path))).toEqual([400, 'bad-request']);
    }
    expect(codeOf(await client.call('GET', '/channels/Bad_Name'))).toEqual([400, 'bad-request']);
    expect(codeOf(await client.call('PUT', `/channels/${id}`, { gopDurationTicks: 1 }))).toEqual([
      400,
      'bad-request',
    ]);
    expect(codeOf(await client.call('POST', `/channels/${id}/own`, { requestId: 'r' }))).toEqual([
      400,
      'bad-request',
    ]);
    expect(codeOf(await client.call('GET', '/elsewhere'))).toEqual([404, 'not-found']);
    expect(codeOf(await client.put(id, 1.5, 1, 'a', both(1)))).toEqual([400, 'bad-request']);
  });

  test('a wait that is too long', async () => {
    const answer = await origin.client.call('GET', `/channels/${id}/wait?gop=1&timeout_ms=20`);
    expect(codeOf(answer)).toEqual([408, 'timeout']);
  });
});

describe('ownership over HTTP', () => {
  test('compare and set; the same request again gets the same answer, also after a restart', async () => {
    const { client } = origin;
    const first = await client.own(id, 0, 'a', 7);
    expect(first.body).toEqual({ token: 1, firstGop: 7 });
    expect(await client.own(id, 0, 'a', 7)).toEqual(first);
    const stale = await client.own(id, 0, 'b', 7);
    expect(codeOf(stale)).toEqual([409, 'stale-token']);
    expect(stale.body.error!.details).toEqual({ token: 1, owner: ownerNamed('a') });
    expect(codeOf(await client.own(id, 1, 'b', 7, { requestId: 'own-0-a-7' }))).toEqual([409, 'conflict']);
    expect((await client.own(id, 1, null, 0)).body).toEqual({ token: 2, firstGop: 7 });
    await origin.restart();
    expect(await origin.client.own(id, 0, 'a', 7)).toEqual(first);
    expect(await origin.client.channel(id)).toMatchObject({ token: 2, owner: null, nextGop: 7 });
  });

  test('of many at once for one token, one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => origin.client.own(id, 0, `n${i}`, 0)),
    );
    expect(answers.filter((a) => a.status === 200).map((a) => a.body)).toEqual([{ token: 1, firstGop: 0 }]);
    const { owner } = await origin.client.channel(id);
    expect(owner!.encoderId).toBe(ownerNamed(`n${answers.findIndex((a) => a.status === 200)}`).encoderId);
  });

  test('gaps: with a change of hands, and on their own', async () => {
    const { client } = origin;
    await client.own(id, 0, 'a', 0);
    await client.put(id, 0, 1, 'a', both(0));
    expect(codeOf(await client.own(id, 1, 'b', 2))).toEqual([400, 'bad-request']);
    expect((await client.own(id, 1, 'b', 2, { requestId: 'skip', gapReason: 'left the ring' })).body).toEqual(
      {
        token: 2,
        firstGop: 2,
      },
    );
    const gap = { token: 2, fromGop: 2, toGop: 3, reason: 'broken input' };
    const post = (body: object) => client.call('POST', `/channels/${id}/gaps`, body);
    expect(codeOf(await post({ ...gap, token: 1 }))).toEqual([409, 'stale-token']);
    expect(codeOf(await post({ ...gap, fromGop: 1 }))).toEqual([409, 'out-of-order']);
    expect((await post(gap)).body).toMatchObject({ nextGop: 3, gapsDeclared: 2 });
    expect((await post(gap)).body).toMatchObject({ nextGop: 3, gapsDeclared: 2 });
    expect((await client.put(id, 3, 2, 'b', both(3))).status).toBe(201);
    const reasons = (await client.ledger(id)).map((e) => e.gapReason);
    expect(reasons).toEqual([undefined, 'left the ring', 'broken input', undefined]);
    expect((await client.call('GET', `/channels/${id}/wait?gop=1`)).body).toMatchObject({ renditions: [] });
    await origin.restart();
    expect((await origin.client.ledger(id)).map((e) => e.gapReason)).toEqual(reasons);
  });

  test('a rate that is no whole number is kept over a restart, and is one rate however it is written', async () => {
    const own = await RunningOrigin.start();
    const format = { gopDurationTicks: 180_180, framesPerSecond: '30000/1001' };
    const register = (framesPerSecond: unknown) =>
      own.client.call('PUT', `/channels/${id}`, { ...format, framesPerSecond });
    expect((await register('60000/2002')).body).toMatchObject(format);
    await own.restart();
    expect((await own.client.call('GET', `/channels/${id}`)).body).toMatchObject(format);
    expect((await register('30000/1001')).status).toBe(200);
    const refused = await register(30);
    expect(codeOf(refused)).toEqual([409, 'conflict']);
    expect(refused.body.error?.message).toContain('180180 ticks at 29.97 frames/s');
    expect(codeOf(await register(29.97))).toEqual([400, 'bad-request']);
    await own.stop();
  });

  test('a channel keeps its values, and its token for ever', async () => {
    const own = await RunningOrigin.start();
    for (const [gop, pts] of origin.relay.ptsTicksByGop) own.relay.ptsTicksByGop.set(gop, pts);
    const { client } = own;
    await client.register(id);
    await client.own(id, 0, 'a', 0);
    await client.put(id, 0, 1, 'a', both(0));
    const other = { gopDurationTicks: 90_000, framesPerSecond: FRAMES_PER_SECOND };
    expect(codeOf(await client.call('PUT', `/channels/${id}`, other))).toEqual([409, 'conflict']);
    expect((await client.register(id)).body).toMatchObject({ token: 1, nextGop: 1 });
    const waiting = client.call('GET', `/channels/${id}/wait?gop=5`);
    await client.call('GET', `/channels/${id}`);
    expect((await client.call('DELETE', `/channels/${id}`)).status).toBe(204);
    expect((await client.call('DELETE', `/channels/${id}`)).status).toBe(204);
    expect(codeOf(await waiting)).toEqual([404, 'unknown-channel']);
    expect(codeOf(await client.put(id, 1, 1, 'a', both(1)))).toEqual([404, 'unknown-channel']);
    expect(await readdir(join(own.stateDir, 'origin'))).not.toContain(id);
    await own.restart();
    expect((await own.client.call('GET', `/channels/${id}`)).status).toBe(404);
    const again = (await own.client.register(id)).body;
    expect(again).toMatchObject({ nextGop: 0, hasPublished: false, owner: null });
    expect(again.token).toBeGreaterThanOrEqual(1);
    expect(codeOf(await own.client.put(id, 0, 1, 'a', both(0)))).toEqual([409, 'stale-token']);
    expect(await own.client.ledger(id)).toEqual([]);
    // One number is remembered for all names: another channel begins there too.
    expect((await own.client.register('other')).body).toMatchObject({ token: again.token });
    await own.stop();
  });
});

describe('callers who race', () => {
  test('two puts of one GOP at once: one is stored, the other is a repetition or refused', async () => {
    await origin.client.own(id, 0, 'a', 0);
    const same = await Promise.all([both(0), both(0)].map((s) => origin.client.put(id, 0, 1, 'a', s)));
    expect(same.map((a) => a.status).sort()).toEqual([200, 201]);
    const other = { '144p': small[1]!.segment };
    const different = await Promise.all([both(1), other].map((s) => origin.client.put(id, 1, 1, 'a', s)));
    expect(different.map((a) => a.status).sort()).toEqual([201, 409]);
    expect(different.find((a) => a.status === 409)!.body.error!.code).toBe('gop-exists');
    expect((await origin.client.ledger(id)).map((e) => e.gop)).toEqual([0, 1]);
  });

  test('a put that was checked before the fence moved does not get in after it', async () => {
    await origin.client.own(id, 0, 'a', 0);
    let open = (): void => undefined;
    origin.relay.gate = new Promise((resolve) => (open = resolve));
    const arrived = origin.relay.nextRequest();
    const slow = origin.client.put(id, 0, 1, 'a', both(0));
    // The put holds a token in force until the relay answers; meanwhile the channel changes hands.
    await arrived;
    expect((await origin.client.own(id, 1, 'b', 0)).body).toEqual({ token: 2, firstGop: 0 });
    open();
    expect(codeOf(await slow)).toEqual([409, 'stale-token']);
    expect(await origin.client.channel(id)).toMatchObject({
      nextGop: 0,
      hasPublished: false,
      oldestGop: null,
    });
    expect((await origin.client.put(id, 0, 2, 'b', both(0))).status).toBe(201);
  });

  test('puts of two owners and changes of hands, all at once: each GOP once, by its owner, in order', async () => {
    const { client } = origin;
    const fates: string[] = [];
    const owners = ['a', 'b'];
    const work = owners.map(async (name) => {
      for (let turn = 0; turn < 12; turn++) {
        const { token, nextGop } = await client.channel(id);
        if (nextGop > 3) return;
        const owned = await client.own(id, token, name, 0, { requestId: `${name}-${turn}` });
        if (owned.status !== 200) continue;
        const gop = owned.body.firstGop;
        if (gop > 3) return;
        const put = await client.put(id, gop, owned.body.token, name, both(gop));
        if (put.status === 201) fates.push(`${gop} ${owned.body.token} enc-${name}`);
      }
    });
    await Promise.all(work);
    const ledger = await client.ledger(id);
    expect(ledger.map((e) => `${e.gop} ${e.token} ${e.encoderId}`).sort()).toEqual(fates.sort());
    expect(ledger.map((e) => e.gop)).toEqual(ledger.map((_, i) => i));
    const tokens = ledger.map((e) => e.token);
    expect(tokens).toEqual([...tokens].sort((x, y) => x - y));
  });
});

describe('the disk', () => {
  test('a GOP that can not be written is refused, changes nothing, and can be put again', async () => {
    await origin.client.own(id, 0, 'a', 0);
    const gops = join(origin.stateDir, 'origin', id, 'gops');
    await rm(gops, { recursive: true });
    await writeFile(gops, 'a file where the directory was');
    const refused = await origin.client.put(id, 0, 1, 'a', both(0));
    expect(codeOf(refused)).toEqual([503, 'unavailable']);
    expect(await origin.client.channel(id)).toMatchObject({ nextGop: 0, hasPublished: false });
    await rm(gops);
    await mkdir(gops);
    expect((await origin.client.put(id, 0, 1, 'a', both(0))).status).toBe(201);
  });

  test('segments past their retention are deleted, by age and by bytes', async () => {
    const tight = await RunningOrigin.start({ retentionBytes: 2.5 * small[0]!.segment.length });
    const relay = tight.relay;
    for (let gop = 0; gop < 4; gop++) relay.ptsTicksByGop.set(gop, asGop(small[0]!, 0, gop).ptsTicks);
    await tight.client.register('ch-1');
    await tight.client.own('ch-1', 0, 'a', 0);
    for (let gop = 0; gop < 4; gop++) {
      await tight.client.put('ch-1', gop, 1, 'a', { '144p': asGop(small[0]!, 0, gop).segment });
    }
    await tight.restart();
    expect(await tight.client.channel('ch-1')).toMatchObject({ nextGop: 4, oldestGop: 2 });
    expect(await tight.client.ledger('ch-1')).toHaveLength(4);
    expect((await tight.client.text('/hls/ch-1/144p/1.ts')).status).toBe(404);
    expect((await readdir(join(tight.stateDir, 'origin', 'ch-1', 'gops'))).sort()).toEqual(['2.ts', '3.ts']);
    await tight.stop();
  });
});

describe('bounds', () => {
  test('channels, waits and puts have a limit each', async () => {
    const tiny = await RunningOrigin.start({ openFiles: 5, maxWaits: 1, maxUploads: 0 });
    const { client } = tiny;
    await client.register('ch-1');
    expect(codeOf(await client.register('ch-2'))).toEqual([409, 'at-capacity-limit']);
    await client.own('ch-1', 0, 'a', 0);
    expect(codeOf(await client.put('ch-1', 0, 1, 'a', both(0)))).toEqual([503, 'unavailable']);
    // A newcomer is let in, in place of the one that waits for the longest.
    const first = client.call('GET', '/channels/ch-1/wait?gop=0&timeout_ms=30000');
    const second = async (): Promise<Answer<unknown>> =>
      client.call('GET', '/channels/ch-1/wait?gop=0&timeout_ms=1');
    let isOver = false;
    void first.then(() => (isOver = true));
    while (!isOver) expect(codeOf(await second())).toEqual([408, 'timeout']);
    expect(codeOf(await first)).toEqual([408, 'timeout']);
    await tiny.stop();
  });

  test('a relay that is down refuses each GOP quickly', async () => {
    const relay = await new LedgerServer().start();
    await relay.stop();
    const alone = await RunningOrigin.start();
    await alone.relay.stop();
    await alone.client.register('ch-1');
    await alone.client.own('ch-1', 0, 'a', 0);
    expect(codeOf(await alone.client.put('ch-1', 0, 1, 'a', both(0)))).toEqual([503, 'ledger-unavailable']);
    await alone.stop();
  });
});
