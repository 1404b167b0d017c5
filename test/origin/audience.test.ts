import { request } from 'node:http';
import { ViewerRegions } from '../../src/audience';
import { audienceSeenSchema, type AudienceSeen } from '../../src/domain';
import { linkFetch } from '../../src/platform/links/client';
import { RunningOrigin } from './support/running-origin';
import { encodeGops } from './support/segments';

let origin: RunningOrigin;
let nowMs = 1_000_000;

beforeAll(async () => {
  const [gop] = await encodeGops(1, '128x72');
  origin = await RunningOrigin.start(
    {},
    {
      audience: {
        regions: ViewerRegions.parse('203.0.113.0/24=us,127.0.0.0/8=eu'),
        proxies: ['127.0.0.1'],
        now: () => nowMs,
      },
    },
  );
  await origin.client.register('ch-1');
  await origin.client.own('ch-1', 0, 'a', 0);
  origin.relay.ptsTicksByGop.set(0, gop!.ptsTicks);
  await origin.client.put('ch-1', 0, 1, 'a', { '144p': gop!.segment });
});
afterAll(() => origin.stop());
// Each test has an audience of its own.
beforeEach(() => {
  nowMs += 60_000;
});

/** A request as a player makes it. */
const play = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(
      origin.playerUrl + path,
      { method, headers: { 'user-agent': 'player', ...headers } },
      (res) => {
        res.resume().on('end', () => resolve(res.statusCode!));
      },
    );
    sent.on('error', reject).end();
  });

const seen = async (): Promise<AudienceSeen['viewers']> =>
  audienceSeenSchema.parse((await origin.client.call('GET', '/audience')).body).viewers;

const PLAYLIST = '/hls/ch-1/144p/index.m3u8';
const of = (region: string, viewers: number) => ({
  ...{ channelId: 'ch-1', rendition: '144p', region, viewers },
});

test('players count by session id, else by address and agent, in the region of their address', async () => {
  for (let again = 0; again < 3; again++) {
    expect(await play(PLAYLIST)).toBe(200);
    expect(await play(`${PLAYLIST}?CMCD=sid%3D%22one%22`)).toBe(200);
    expect(await play('/hls/ch-1/144p/0.ts', { 'cmcd-session': 'sid="two"' })).toBe(200);
    expect(await play(PLAYLIST, { 'x-forwarded-for': '203.0.113.9' })).toBe(200);
    expect(await play(PLAYLIST, { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'other' })).toBe(200);
  }
  expect(await seen()).toEqual([of('eu', 3), of('us', 2)]);
  nowMs += 20_000;
  expect(await seen()).toEqual([]);
});

test('who comes by a proxy that is not trusted can not choose an address', async () => {
  await play(PLAYLIST, { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' });
  expect(await seen()).toEqual([of('', 1)]);
});

test('a player of fragments counts like one of segments', async () => {
  expect(await play('/cmaf/ch-1/144p/index.m3u8')).toBe(200);
  expect(await seen()).toEqual([of('eu', 1)]);
});

test('neither parts of the swarm count, nor who looks once, nor who got nothing', async () => {
  expect((await linkFetch(origin.client.url + PLAYLIST)).status).toBe(200);
  await play('/hls/ch-1/index.m3u8');
  await play(PLAYLIST, {}, 'HEAD');
  expect(await play('/hls/ch-1/144p/999.ts')).toBe(404);
  expect(await play('/hls/nosuch/144p/index.m3u8')).toBe(404);
  expect(await seen()).toEqual([]);
});

test('players are not told who else watches', async () => {
  expect(await play('/audience')).toBeGreaterThanOrEqual(400);
});
