import type { RequestListener, ServerResponse } from 'node:http';
import { OriginClient } from '../../src/contracts/origin';
import { leaderAway } from '../../src/contracts/replica-refusals';
import { GopPublisher } from '../../src/media/encoder/gop-publisher';
import { HeldGops } from '../../src/media/encoder/held-gops';
import { servedUntilEachEnd } from '../support/served';
import { until } from '../support/until';

/** Publishers and the clients of the parts on several origins: who does not answer is left for the next one. */

const serve = servedUntilEachEnd();

const away = 'http://127.0.0.1:9';
const refusing =
  (status: number, code: string): RequestListener =>
  (req, res) => {
    req.resume();
    const body = JSON.stringify({ error: { code, message: 'no.', details: { nextGop: 0 } } });
    res.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };

describe('a publisher', () => {
  const publishing = (originUrl: string, otherOriginUrls: string[]) => {
    const held = new HeldGops();
    const events: string[] = [];
    for (let gop = 0; gop < 3; gop += 1)
      held.put({ gop, segments: [{ name: 'r', segment: Buffer.from('x') }] });
    const publisher = new GopPublisher({
      to: { originUrl, otherOriginUrls, channelId: 'ch-1', encoderId: 'enc-1', sessionId: 's-1' },
      held,
      nextEncodedGop: () => 3,
      onPublished: (gop) => events.push(`published ${gop}`),
      onFenced: (gop) => events.push(`fenced ${gop}`),
      onMissing: (gop) => events.push(`missing ${gop}`),
      onFailure: ({ code }) => events.push(`failed ${code}`),
    });
    publisher.begin(1, 0);
    return { events, publisher };
  };
  const stored: string[] = [];
  const storing: RequestListener = (req, res) => {
    stored.push(req.url!);
    req.resume().on('end', () => res.writeHead(201).end('{}'));
  };
  beforeEach(() => stored.splice(0));

  test.each([
    ['can not be reached', undefined],
    ['has no majority', refusing(503, 'unavailable')],
    ['has a full disk', refusing(507, 'storage-full')],
    ['has no room for the channel', refusing(409, 'at-capacity-limit')],
  ])('goes on at the next origin where one %s, and stays there', async (_what, listener) => {
    let asked = 0;
    const first = listener
      ? await serve((req, res) => {
          asked += 1;
          listener(req, res);
        })
      : away;
    const { events, publisher } = publishing(first, [await serve(storing)]);
    await until('all is published', () => events.length === 3);
    publisher.stop();
    expect(events).toEqual(['published 0', 'published 1', 'published 2']);
    expect(stored).toEqual([0, 1, 2].map((gop) => `/channels/ch-1/gops/${gop}`));
    expect(asked).toBeLessThanOrEqual(1);
  });

  test('puts the same GOP at the next one soon where one is silent', async () => {
    const silent = await serve((req) => void req.resume());
    const beganAtMs = performance.now();
    const { events, publisher } = publishing(silent, [await serve(storing)]);
    await until('all is published', () => events.length === 3);
    publisher.stop();
    expect(stored).toHaveLength(3);
    expect(performance.now() - beganAtMs).toBeLessThan(3_000);
  });

  test('waits for one that is slow, as long as it says that it is there', async () => {
    const asked: string[] = [];
    const slow = await serve((req, res) => {
      if (req.url === '/healthz') {
        res.end('{}');
        return;
      }
      asked.push(req.url!);
      req.resume();
      if (asked.length === 1) setTimeout(() => res.writeHead(201).end('{}'), 2_500);
    });
    const { events, publisher } = publishing(slow, [await serve(storing)]);
    await until('one is published', () => events.length === 1);
    publisher.stop();
    expect([asked.filter((url) => url.endsWith('/gops/0')).length, stored]).toEqual([1, []]);
  });

  const leaderIsAway = (res: ServerResponse): void => {
    const body = JSON.stringify(leaderAway('origin-2', 'no answer').toBody());
    res.writeHead(503, { 'content-type': 'application/json' }).end(body);
  };

  test('asks the same origin again, at once, where that says that the leader is away', async () => {
    let asked = 0;
    const forwarding = await serve((req, res) => {
      asked += 1;
      if (asked === 1) leaderIsAway(res);
      else storing(req, res);
    });
    let others = 0;
    const { events, publisher } = publishing(forwarding, [await serve(() => void (others += 1))]);
    await until('all is published', () => events.length === 3);
    publisher.stop();
    expect([asked, others]).toEqual([4, 0]);
  });

  test('goes on at the next one where it says so again', async () => {
    const forwarding = await serve((req, res) => {
      req.resume();
      leaderIsAway(res);
    });
    const { events, publisher } = publishing(forwarding, [await serve(storing)]);
    await until('all is published', () => events.length === 3);
    publisher.stop();
    expect(stored).toHaveLength(3);
  });

  test('stops at a refusal, which is one of all origins', async () => {
    const { events } = publishing(await serve(refusing(409, 'stale-token')), [await serve(storing)]);
    await until('it is told', () => events.length === 1);
    expect([events, stored]).toEqual([['fenced 0'], []]);
  });
});

describe('a client of several origins', () => {
  const entry = { gop: 4, token: 1, encoderId: null, sessionId: null, publishedAtMs: 1, sealedAtMs: null };
  const answering: RequestListener = (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ ...entry, delayMs: null, renditions: [], token: 2, firstGop: 4 }));
  };
  const request = { channelId: 'ch-1', requestId: 'r', expectToken: 1, owner: null, fromGop: 0 };

  test('asks the next one where one is away, and that one first from then on', async () => {
    const next = await serve(answering);
    const client = new OriginClient([away, next]);
    expect(await client.own(request)).toEqual({ token: 2, firstGop: 4 });
    expect(client.url).toBe(next);
  });

  test('a refusal is no reason to ask another one', async () => {
    for (const code of ['stale-token', 'out-of-order', 'unknown-channel', 'conflict', 'ledger-unavailable']) {
      const client = new OriginClient([await serve(refusing(409, code)), await serve(answering)]);
      await expect(client.own(request)).rejects.toMatchObject({ code });
    }
  });

  test.each([
    [507, 'storage-full'],
    [409, 'at-capacity-limit'],
    [500, 'internal'],
  ])('%d %s of one is; where all say so, it is passed on', async (status, code) => {
    const full = await serve(refusing(status, code));
    expect(await new OriginClient([full, await serve(answering)]).own(request)).toMatchObject({ token: 2 });
    expect(await new OriginClient([full, await serve(answering)]).wait('ch-1', 4, 500)).toMatchObject({
      gop: 4,
    });
    const client = new OriginClient([full, await serve(refusing(status, code))]);
    await expect(client.own(request)).rejects.toMatchObject({ code });
  });

  test('does not wait for one alone that hangs, where it only looks', async () => {
    const next = await serve((_req, res) => void res.end('[]'));
    const client = new OriginClient([await serve(() => undefined), next]);
    const beganMs = performance.now();
    expect(await client.channels()).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(2_500);
    expect(client.url).toBe(next);
  });

  test('takes a refusal for the answer, also where it only looks', async () => {
    let asked = 0;
    const next = await serve((_req, res) => {
      asked += 1;
      res.end('[]');
    });
    const client = new OriginClient([await serve(refusing(403, 'forbidden')), next]);
    await expect(client.channels()).rejects.toMatchObject({ code: 'forbidden' });
    expect(asked).toBe(0);
  });

  test('asks the same one again where that says that the leader is away', async () => {
    let asked = 0;
    const forwarding = await serve((req, res) => {
      asked += 1;
      if (asked > 1) answering(req, res);
      else res.writeHead(503).end(JSON.stringify(leaderAway('origin-2', 'no answer').toBody()));
    });
    const client = new OriginClient([forwarding, away]);
    expect(await client.own(request)).toMatchObject({ token: 2 });
    expect(client.url).toBe(forwarding);
  });

  test('where all are away, the last failure is told; one alone is asked once', async () => {
    for (const urls of [[away, 'http://127.0.0.1:10'], [away]])
      await expect(new OriginClient(urls).own(request)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a wait goes round the origins, as one may have been stopped before the GOP came', async () => {
    const client = new OriginClient([await serve(refusing(408, 'timeout')), away, await serve(answering)]);
    expect((await client.wait('ch-1', 4, 10_000)).gop).toBe(4);
  });

  test('a short wait, too, leaves an origin that is away, and ends in its time where all are', async () => {
    const client = new OriginClient([
      away,
      await serve(refusing(503, 'unavailable')),
      await serve(answering),
    ]);
    expect((await client.wait('ch-1', 4, 1_000)).gop).toBe(4);
    const none = new OriginClient([away, await serve(refusing(503, 'unavailable'))]);
    const beganAtMs = performance.now();
    await expect(none.wait('ch-1', 4, 300)).rejects.toMatchObject({ code: 'unavailable' });
    const tookMs = performance.now() - beganAtMs;
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(2_500);
  });
});
