import { connect, type Socket } from 'node:net';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RunningOrigin } from '../origin/support/running-origin';
import { encodeGops } from '../origin/support/segments';
import { RelayUnderTest } from '../relay/relay-under-test';

const SLOW_CLIENTS = 60;
/** The defaults, a tenth as long. */
const serverLimits = {
  maxConnections: 100,
  headersTimeoutMs: 1_000,
  requestTimeoutMs: 2_000,
  idleTimeoutMs: 3_000,
};
/** Connections are looked through once a second. */
const CUT_WITHIN_MS = 6_000;

const open = (url: string, say: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => undefined);
    if (say) socket.write(say);
  });

const allClosed = (sockets: Socket[]): Promise<unknown> =>
  Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          if (socket.destroyed) resolve();
          socket.on('close', () => resolve()).resume();
        }),
    ),
  );

/** Ways never to finish a request. */
const slowlorises: [string, string][] = [
  ['says nothing', ''],
  ['stops amid the first line', 'GET /hls/ch-1/18'],
  ['stops amid the headers', 'GET /channels HTTP/1.1\r\nhost: localhost\r\nx-a: 1\r\n'],
  [
    'stops amid a body',
    'PUT /channels/ch-9 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{',
  ],
];

const expectCutOff = async (url: string, say: string): Promise<void> => {
  const beganAtMs = Date.now();
  const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open(url, say)));
  // Dripping on does not help: what counts is the whole.
  const drip = setInterval(() => {
    if (say) for (const socket of slow) if (socket.writable) socket.write('x');
  }, 200);
  expect(await callJson(`${url}/healthz`, anyAnswer)).toMatchObject({ status: 'ok' });
  await allClosed(slow);
  clearInterval(drip);
  expect(Date.now() - beganAtMs).toBeLessThan(CUT_WITHIN_MS);
  expect(await callJson(`${url}/channels`, anyAnswer)).toEqual([]);
};

describe('clients that never finish a request', () => {
  let origin: RunningOrigin;
  let relay: RelayUnderTest;
  beforeAll(async () => {
    origin = await RunningOrigin.start({}, { serverLimits });
    relay = await RelayUnderTest.start({ limits: serverLimits });
  });
  afterAll(() => Promise.all([origin.stop(), relay.stop()]));

  it.each(slowlorises)('are cut off by the origin, and others are served: %s', (_what, say) =>
    expectCutOff(origin.client.url, say),
  );
  it.each(slowlorises)('are cut off by the relay, and others are served: %s', (_what, say) =>
    expectCutOff(relay.url, say),
  );
});

test('players that do not read hold up nobody, and are cut off', async () => {
  const origin = await RunningOrigin.start({}, { serverLimits });
  try {
    const { client } = origin;
    const [gop] = await encodeGops(1, '1280x720', {
      crf: 30,
      extra: ['-vf', 'noise=alls=30:allf=t:all_seed=1'],
    });
    origin.relay.ptsTicksByGop.set(0, gop!.ptsTicks);
    await client.register('ch-1');
    await client.own('ch-1', 0, 'a', 0);
    expect((await client.put('ch-1', 0, 1, 'a', { '720p': gop!.segment })).status).toBe(201);
    // More than the sockets of the system buffer for a reader that does not read.
    expect(gop!.segment.length).toBeGreaterThan(6 * 2 ** 20);
    const beganAtMs = Date.now();
    const ask = 'GET /hls/ch-1/720p/0.ts HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open(client.url, ask)));
    for (const socket of slow) socket.pause();
    const read = await (await fetch(`${client.url}/hls/ch-1/720p/0.ts`)).arrayBuffer();
    expect(read.byteLength).toBe(gop!.segment.length);
    // Node looks twice whether anything of an answer has left.
    await new Promise((resolve) => setTimeout(resolve, 2 * serverLimits.idleTimeoutMs + 1_500));
    await allClosed(slow);
    for (const socket of slow) expect(socket.bytesRead).toBeLessThan(gop!.segment.length);
    expect(Date.now() - beganAtMs).toBeLessThan(3 * CUT_WITHIN_MS);
  } finally {
    await origin.stop();
  }
});

test('more connections than a part takes: those there are go on, and new ones are taken when some have gone', async () => {
  const relay = await RelayUnderTest.start({ limits: { ...serverLimits, maxConnections: 20 } });
  try {
    await relay.put('ch-1', 90_000);
    const clip = makeClip('ffmpeg', { seconds: 4 });
    const ingest = relay.ingest('ch-1');
    ingest.write(clip.subarray(0, clip.length / 2));
    const feed = relay.readFeed('ch-1', 0);
    await relay.ledger('ch-1', 0);
    const flood = await Promise.all(Array.from({ length: 200 }, () => open(relay.url, '').catch(() => null)));
    ingest.write(clip.subarray(clip.length / 2));
    ingest.end();
    expect((await ingest.answer).status).toBe(200);
    expect((await feed).length).toBeGreaterThan(clip.length / 2);
    await allClosed(flood.filter((socket) => socket !== null));
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 3 });
  } finally {
    await relay.stop();
  }
});

test('a relay refuses more channels than it can hold', async () => {
  const relay = await RelayUnderTest.start({ openFiles: 15 });
  try {
    const ids = Array.from({ length: 30 }, (_, i) => `ch-${i}`);
    const answers = await Promise.allSettled(ids.map((id) => relay.put(id, 90_000)));
    expect(answers.filter((a) => a.status === 'fulfilled')).toHaveLength(3);
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({ code: 'at-capacity-limit', hint: expect.any(String) });
    expect(await callJson(`${relay.url}/channels`, anyAnswer)).toHaveLength(3);
  } finally {
    await relay.stop();
  }
});
