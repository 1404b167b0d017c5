import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { OriginClient } from '../../src/contracts/origin';
import { ownerNamed } from './support/origin-client';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

/**
 * What a crowd keeps from the owner of a channel and from those who move it: nothing. A tenth of the bounds, and of the
 * crowd, that there are otherwise.
 */

const MOST_CONNECTIONS = 400;
const VIEWERS = 500;
const WAITS = 51;
const HALF_PUTS = 6;

const secret = randomBytes(32).toString('base64url');
const ownerSecretSha256 = createHash('sha256').update(secret).digest('hex');

let origin: RunningOrigin;
let gops: EncodedGop[];
const sockets: Socket[] = [];

beforeAll(async () => {
  gops = await encodeGops(3, '128x72');
});
beforeEach(async () => {
  origin = await RunningOrigin.start(
    { maxWaits: WAITS, maxUploads: HALF_PUTS },
    { serverLimits: { maxConnections: MOST_CONNECTIONS } },
  );
  gops.forEach((gop, number) => origin.relay.ptsTicksByGop.set(number, gop.ptsTicks));
  await origin.client.register('ch-1');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await origin.stop();
});

/** Connections that say this; resolves when each is connected, and answered where something is said. */
const crowd = async (url: string, count: number, say: string): Promise<Socket[]> => {
  const { port } = new URL(url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    if (say !== '') {
      const settled = Promise.race([once(socket, 'data'), once(socket, 'close')]);
      socket.write(say);
      await settled;
    } else socket.resume();
    return socket;
  };
  return Promise.all(Array.from({ length: count }, open));
};
const ask = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\r\n`;

/** A GOP as its owner puts it: on a connection that it keeps. */
const putBy = (agent: Agent, gop: number, token: number, headers: OutgoingHttpHeaders): Promise<number> =>
  new Promise((resolve, reject) => {
    const { segment } = gops[gop]!;
    const { encoderId, sessionId } = ownerNamed('a');
    const put = request(`${origin.client.url}/channels/ch-1/gops/${gop}`, {
      agent,
      method: 'PUT',
      headers: {
        ...{ 'content-type': 'video/mp2t', 'content-length': segment.length, 'x-fencing-token': token },
        ...{ 'x-renditions': `144p=${segment.length}`, 'x-encoder-id': encoderId, 'x-session-id': sessionId },
        ...headers,
      },
    });
    put.on('error', reject).on('response', (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode!));
    });
    put.end(segment);
  });

test('viewers, idle waits and half-sent GOPs of strangers keep out neither publisher nor handoff', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await origin.client.own('ch-1', 0, 'a', 0, { ownerSecretSha256 });
    expect(await putBy(agent, 0, 1, { 'x-session-secret': secret })).toBe(201);
    const [kept] = Object.values(agent.freeSockets).flat();

    // All places of either listener are taken, more than once.
    await crowd(origin.playerUrl, VIEWERS, '');
    await crowd(origin.client.url, VIEWERS, '');
    await crowd(origin.client.url, MOST_CONNECTIONS / 2, ask('/hls/ch-1/144p/index.m3u8'));
    await crowd(origin.client.url, 2 * WAITS, ask('/channels/ch-1/wait?gop=999&timeout_ms=60000'));
    const { encoderId, sessionId } = ownerNamed('a');
    const halfPut = [
      ...['PUT /channels/ch-1/gops/1 HTTP/1.1', 'host: localhost', 'expect: 100-continue'],
      ...['content-type: video/mp2t', 'content-length: 188000', 'x-renditions: 144p=188000'],
      ...['x-fencing-token: 1', `x-encoder-id: ${encoderId}`, `x-session-id: ${sessionId}`, '', 'G'],
    ].join('\r\n');
    await crowd(origin.client.url, 2 * HALF_PUTS, halfPut);

    const orchestrator = new OriginClient(origin.client.url);
    expect(await putBy(agent, 1, 1, { 'x-session-secret': secret })).toBe(201);
    for (let token = 1; token < 6; token += 1) {
      const handoff = { channelId: 'ch-1', requestId: `move-${token}`, expectToken: token, fromGop: 2 };
      expect(await orchestrator.own({ ...handoff, owner: ownerNamed('a'), ownerSecretSha256 })).toEqual({
        token: token + 1,
        firstGop: 2,
      });
    }
    const waiting = orchestrator.wait('ch-1', 2, 10_000);
    expect(await putBy(agent, 2, 6, { 'x-session-secret': secret })).toBe(201);
    expect(await waiting).toMatchObject({ gop: 2, token: 6 });
    // It published all the time on the connection that it had.
    expect(Object.values(agent.freeSockets).flat()).toEqual([kept]);
  } finally {
    agent.destroy();
  }
});

test('players have a listener of their own, which answers nothing else', async () => {
  await origin.client.own('ch-1', 0, 'a', 0);
  await origin.client.put('ch-1', 0, 1, 'a', { '144p': gops[0]!.segment });
  for (const path of [
    '/hls/ch-1/index.m3u8',
    '/hls/ch-1/144p/index.m3u8',
    '/hls/ch-1/144p/0.ts',
    '/healthz',
  ]) {
    const [there, here] = await Promise.all([
      fetch(origin.playerUrl + path),
      fetch(origin.client.url + path),
    ]);
    expect([path, there.status, here.status]).toEqual([path, 200, 200]);
    expect(await there.text()).toBe(await here.text());
  }
  for (const path of ['/channels', '/channels/ch-1', '/channels/ch-1/ledger'])
    expect([path, (await fetch(origin.playerUrl + path)).status]).toEqual([path, 404]);
  const own = await fetch(`${origin.playerUrl}/channels/ch-1/own`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requestId: 'r', expectToken: 1, owner: null, fromGop: 1 }),
  });
  expect(own.status).toBe(404);
  expect(await origin.client.channel('ch-1')).toMatchObject({ token: 1 });
});
