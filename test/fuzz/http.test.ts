import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { z } from 'zod';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { relayChannelSchema } from '../../src/contracts/relay';
import { startFleetAgent } from '../../src/fleet/agent';
import type { LocalFleet } from '../../src/fleet/local-fleet';
import { inspectSegment } from '../../src/media/mpegts';
import { startSource, type Source } from '../../src/media/source';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RunningOrigin } from '../origin/support/running-origin';
import { asGop, encodeGops, type EncodedGop } from '../origin/support/segments';
import { RelayUnderTest } from '../relay/relay-under-test';
import fc from '../support/fast-check';
import { fuzz, spoiler, spoilt } from './fuzz';
import { ask, requests } from './http-requests';

const log = pino({ level: 'silent' });

describe('the origin', () => {
  let origin: RunningOrigin;
  let pattern: EncodedGop;
  beforeAll(async () => {
    origin = await RunningOrigin.start();
    [pattern] = (await encodeGops(1, '128x72', { audio: true })) as [EncodedGop];
    origin.relay.ptsTicksByGop.set(0, pattern.ptsTicks);
    const { client } = origin;
    await client.register('ch-1');
    await client.own('ch-1', 0, 'a', 0);
    await client.put('ch-1', 0, 1, 'a', { '144p': pattern.segment });
  });
  afterAll(() => origin.stop());
  const state = async (): Promise<unknown> => {
    const { refusals, ...channel } = await origin.client.channel('ch-1');
    return { channel, ledger: await origin.client.ledger('ch-1'), counted: typeof refusals };
  };

  it('answers strange requests clearly, and a refusal changes nothing', () =>
    fuzz(
      requests({
        routes: [
          ...[
            '/channels',
            '/channels/{}',
            '/channels/ch-1/own',
            '/channels/ch-1/gaps',
            '/channels/ch-1/gops/{}',
          ],
          ...['/channels/{}/{}/{}', '/channels/ch-1/ledger', '/hls/ch-1/{}/{}', '/{}', '/hls/{}'],
        ],
        methods: ['GET', 'PUT', 'POST', 'PATCH', 'OPTIONS'],
        query: ['gop', 'timeout_ms', 'from', 'to', 'window_s', 'v'],
        body: {
          gopDurationTicks: 180_000,
          framesPerSecond: 25,
          requestId: 'r',
          expectToken: 0,
          owner: { encoderId: 'enc-a', sessionId: 's' },
          fromGop: 0,
          token: 0,
          toGop: 2,
          reason: 'x',
        },
      }),
      async (asked) => {
        const before = await state();
        if (!(await ask(origin.client.url, asked))) expect(await state()).toEqual(before);
      },
    ));

  it('takes a GOP that is whole, and refuses one that is spoilt without a trace', () =>
    fuzz(fc.tuple(spoiler, fc.constantFrom('body', 'header')), async ([spoilIt, where]) => {
      const before = await state();
      const { nextGop } = await origin.client.channel('ch-1');
      const gop = asGop(pattern, 0, nextGop);
      origin.relay.ptsTicksByGop.set(nextGop, gop.ptsTicks);
      const announced = spoilIt(Buffer.from(`144p=${gop.segment.length}`)).toString('latin1');
      const headers: Record<string, string> =
        where === 'header' ? { 'x-renditions': announced.replace(/[^\x20-\x7e]/g, '') } : {};
      const segment = where === 'header' ? gop.segment : spoilIt(gop.segment);
      const put = await origin.client.put('ch-1', nextGop, 1, 'a', { '144p': segment }, headers);
      if (put.status === 201) {
        expect(inspectSegment(segment).videoPtsTicks).toHaveLength(gop.ptsTicks.length);
        return;
      }
      expect([400, 413, 422]).toContain(put.status);
      expect(put.body.error?.code).toBeDefined();
      expect(await state()).toEqual(before);
    }));
});

describe('the relay', () => {
  let relay: RelayUnderTest;
  const clip = makeClip('ffmpeg', { seconds: 3, audio: ['-c:a', 'aac'] });
  beforeAll(async () => {
    relay = await RelayUnderTest.start({ ringSeconds: 10, ingestIdleMs: 3_000 });
    await relay.put('ch-1', 90_000);
    await relay.contribute('ch-1', clip);
  });
  afterAll(() => relay.stop());
  const state = async (): Promise<unknown> => {
    const all = await callJson(`${relay.url}/channels`, z.array(relayChannelSchema));
    return all.map((channel) => ({ ...channel, lastIngestAtMs: null }));
  };

  it('answers strange requests clearly, and a refusal changes nothing', () =>
    fuzz(
      requests({
        // An ingest is tried below; a feed has no end.
        routes: ['/channels', '/channels/{}', '/channels/ch-1/ledger', '/channels/{}/ledger/{}', '/{}/{}'],
        methods: ['GET', 'PUT', 'POST', 'PATCH'],
        query: ['from', 'to', 'from_gop', 'expect_gop'],
        body: { gopDurationTicks: 90_000 },
      }),
      async (asked) => {
        const before = await state();
        if (!(await ask(relay.url, asked))) expect(await state()).toEqual(before);
      },
    ));

  it('takes what is whole of a spoilt contribution, goes on in order, and keeps what it had', () =>
    fuzz(
      spoiler,
      async (spoilIt) => {
        const before = await relay.info('ch-1');
        const ingest = relay.ingest('ch-1');
        ingest.write(spoilIt(clip));
        ingest.end();
        const { status, body } = await ingest.answer;
        expect([200, 422]).toContain(status);
        const after = await relay.info('ch-1');
        expect(after.ingestConnected).toBe(false);
        expect(after.nextGop).toBeGreaterThanOrEqual(before.nextGop);
        if (status === 200) expect(after.nextGop).toBe(before.nextGop + body.gops!);
        for (const { gop, ptsTicks } of await relay.ledgers('ch-1', before.nextGop, after.nextGop)) {
          expect(ptsTicks.length).toBeGreaterThan(0);
          for (const pts of ptsTicks) expect(Math.floor(pts / 90_000)).toBe(gop);
        }
      },
      { share: 0.5 },
    ));

  it('can be read and restarted after all that', async () => {
    const { nextGop } = await relay.info('ch-1');
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop });
    await relay.contribute('ch-1', clip);
    expect((await relay.ledger('ch-1', nextGop)).ptsTicks).toHaveLength(25);
  });
});

describe('the source', () => {
  let source: Source;
  let stateDir: string;
  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'fuzz-source-'));
    // Nobody listens there: a request that is accepted by chance starts nothing that lasts.
    const relayUrl = 'http://127.0.0.1:9';
    const tools = { ffmpeg: '/no/such/ffmpeg', ffprobe: '/no/such/ffprobe' };
    source = await startSource({ host: '127.0.0.1', port: 0, stateDir, relayUrl, ...tools, log });
  });
  afterAll(async () => {
    await source.stop();
    await rm(stateDir, { recursive: true });
  });

  it('answers strange requests clearly, and a refusal changes nothing', () => {
    const url = `http://127.0.0.1:${source.port}`;
    return fuzz(
      requests({
        routes: ['/channels', '/channels/{}', '/{}'],
        methods: ['GET', 'PUT', 'POST', 'DELETE'],
        query: ['x'],
        // No such input: it is never sound, or each run would wait for its first media.
        body: { input: { kind: 'none' }, framesPerSecond: 25, gopDurationTicks: 90_000 },
      }),
      async (asked) => {
        await ask(url, asked);
        expect(await callJson(`${url}/channels`, anyAnswer)).toEqual([]);
      },
    );
  });
});

describe('the fleet agent', () => {
  it('answers strange requests clearly, and hands only sound ones on', async () => {
    const asks: unknown[][] = [];
    const fleet = {
      list: () => [],
      provision: (...args: unknown[]) => (asks.push(args), Promise.resolve({})),
      deprovision: () => Promise.resolve(),
    } as unknown as LocalFleet;
    const agent = await startFleetAgent({ fleet, port: 0, host: '127.0.0.1', log });
    try {
      await fuzz(
        requests({
          routes: ['/encoders', '/encoders/{}', '/{}'],
          methods: ['GET', 'POST', 'DELETE', 'PUT'],
          query: ['x'],
          body: { requestId: 'r-1', zone: 'a' },
        }),
        async (asked) => {
          await ask(`http://127.0.0.1:${agent.port}`, asked);
        },
      );
      for (const [requestId, zone] of asks) {
        expect(requestId).toEqual(expect.stringMatching(/^[^]{1,200}$/));
        if (zone !== undefined) expect(zone).toEqual(expect.stringMatching(/^[^]{1,41}$/));
      }
    } finally {
      await agent.close();
    }
  });
});

it('bytes that are no HTTP are answered with an end of the connection, and others are served', async () => {
  const relay = await RelayUnderTest.start();
  const sound =
    'PUT /channels/ch-1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n{"gopDurationTicks":9000}';
  try {
    await fuzz(
      spoilt(Buffer.from(sound)),
      async (bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(Number(new URL(relay.url).port), '127.0.0.1', () => socket.end(bytes));
          socket
            .on('error', () => resolve())
            .on('close', () => resolve())
            .resume();
        });
        expect(await callJson(`${relay.url}/healthz`, anyAnswer)).toMatchObject({ status: 'ok' });
      },
      { share: 0.5 },
    );
  } finally {
    await relay.stop();
  }
});
