import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PrepareSession } from '../../src/contracts/encoder/requests';
import { SwarmError } from '../../src/domain';
import { startEncoder } from '../../src/media/encoder/host';
import { until } from '../support/until';
import { makeContribution } from './support/contribution';
import { FeedServer } from './support/feed-server';
import { GOP_TICKS, LADDER, quietLog, sessionRequest, startHost } from './support/test-host';

const ORIGIN = 'http://127.0.0.1:9';
let feed: FeedServer;
let swarm: Awaited<ReturnType<typeof startHost>>;
let request: PrepareSession;

beforeAll(async () => {
  feed = new FeedServer(makeContribution(20), GOP_TICKS, 6.5 * GOP_TICKS);
  await feed.listen();
});

beforeEach(async () => {
  feed.refusal = null;
  feed.oldestGop = 0;
  swarm = await startHost({ capacityUnits: 1, maxSessions: 3 });
  request = sessionRequest(feed.url, ORIGIN);
});

afterEach(() => {
  jest.restoreAllMocks();
  return swarm.stop();
});
afterAll(() => feed.close());

const expectUnchanged = async (): Promise<void> => {
  expect(await swarm.client.telemetry()).toMatchObject({ unitsUsed: 0, sessions: [] });
};

test('says who it is', async () => {
  const { host, client } = swarm;
  expect(await client.describe()).toEqual({
    id: 'enc-1',
    grpcAddress: host.address,
    region: 'eu',
    zone: 'a',
    version: '0.1.0',
    ffmpegVersion: expect.stringMatching(/^\S+/) as string,
    capacityUnits: 1,
    maxSessions: 3,
    codecs: ['libx264', 'libx265'].map((codec) => ({ codec, pixelFormats: ['yuv420p', 'yuv420p10le'] })),
    hardware: [],
    hasSessionSecrets: true,
    passedTracks: ['audio', 'data'],
    buildDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
});

test.each<[string, Partial<PrepareSession>, RegExp]>([
  ['a channel id with blanks', { channelId: 'a channel' }, /channelId/],
  ['no renditions', { renditions: [] }, /renditions/],
  ['the same rendition twice', { renditions: [LADDER[0]!, LADDER[0]!] }, /names must differ/],
  ['an odd width', { renditions: [{ ...LADDER[0]!, widthPx: 161 }] }, /widthPx/],
  ['a GOP below 0', { fromGop: -1 }, /fromGop/],
  ['a GOP of no duration', { gopDurationTicks: 0 }, /gopDurationTicks/],
  ['a feed that is no URL', { feedUrl: 'feed' }, /feedUrl/],
  ['an origin in another protocol', { originUrl: 'ftp://127.0.0.1/' }, /originUrl/],
])('refuses %s', async (_, fault, message) => {
  await expect(swarm.client.prepare({ ...request, ...fault })).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringMatching(message) as string,
  });
  await expectUnchanged();
});

test('refuses a session id that no header could carry', async () => {
  await expect(swarm.client.prepare({ ...request, sessionId: 'a\r\nb' })).rejects.toMatchObject({
    code: 'bad-request',
  });
  await expectUnchanged();
});

test('refuses what is over its capacity in units, and takes it again after a release', async () => {
  const { client } = swarm;
  // 160x90 is a quarter of a unit, 256x144 is 0.64.
  const first = { ...request, renditions: [LADDER[0]!, LADDER[2]!] };
  expect(await client.prepare(first)).toMatchObject({ units: 0.89 });
  const second = sessionRequest(feed.url, ORIGIN, { channelId: 'ch-other' });
  await expect(client.prepare(second)).rejects.toMatchObject({
    code: 'encoder-full',
    details: { capacityUnits: 1, unitsAsked: 0.25 },
  });
  expect((await client.telemetry()).sessions).toHaveLength(1);
  expect(await client.release(first.sessionId)).toMatchObject({ state: 'released' });
  await client.prepare(second);
});

test('a change of ladder has room for its two sessions of one channel, as large as the larger one', async () => {
  const { client } = swarm;
  await client.prepare({ ...request, renditions: [LADDER[0]!, LADDER[2]!] });
  expect(await client.prepare(sessionRequest(feed.url, ORIGIN))).toMatchObject({ units: 0.25 });
  const other = { channelId: 'ch-other' };
  await expect(client.prepare(sessionRequest(feed.url, ORIGIN, other))).rejects.toMatchObject({
    code: 'encoder-full',
  });
  const tiny = [{ ...LADDER[0]!, widthPx: 64, heightPx: 36 }];
  await client.prepare(sessionRequest(feed.url, ORIGIN, { ...other, renditions: tiny }));
});

test('refuses more sessions than it may have', async () => {
  const { client } = swarm;
  const small = [{ ...LADDER[0]!, widthPx: 64, heightPx: 36 }];
  const ask = () => client.prepare(sessionRequest(feed.url, ORIGIN, { renditions: small }));
  await Promise.all([ask(), ask(), ask()]);
  await expect(ask()).rejects.toMatchObject({
    code: 'encoder-full',
    message: expect.stringMatching(/3 of 3/) as string,
  });
});

test('refuses a picture beyond every H.264 level', async () => {
  const huge = { ...LADDER[0]!, widthPx: 7680, heightPx: 4320 };
  await expect(swarm.client.prepare({ ...request, renditions: [huge] })).rejects.toMatchObject({
    code: 'encoder-incompatible',
  });
  await expectUnchanged();
});

test('refuses everything with an ffmpeg that has no libx264', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ffmpeg-without-x264-'));
  const path = join(folder, 'ffmpeg');
  writeFileSync(path, '#!/bin/sh\nprintf "ffmpeg version 7.0 Copyright\\nlibavcodec     61.  3.100\\n"\n');
  chmodSync(path, 0o755);
  const without = await startHost({ ffmpegPath: path });
  try {
    expect(await without.client.describe()).toMatchObject({ ffmpegVersion: '7.0' });
    await expect(without.client.prepare(request)).rejects.toMatchObject({
      code: 'encoder-incompatible',
      message: expect.stringMatching(/ffmpeg 7\.0, has no libx264, which 90p is encoded with/) as string,
    });
    expect((await without.client.describe()).codecs).toEqual([]);
  } finally {
    await without.stop();
    rmSync(folder, { recursive: true });
  }
});

test('hands on what the relay refuses', async () => {
  const { client } = swarm;
  feed.refusal = new SwarmError('unknown-channel', 'There is no channel ch-1.');
  await expect(client.prepare(request)).rejects.toMatchObject({ code: 'unknown-channel' });
  feed.refusal = null;
  feed.oldestGop = 5;
  await expect(client.prepare(request)).rejects.toMatchObject({
    code: 'gop-left-ring',
    details: { oldestGop: 5 },
  });
  await expectUnchanged();
});

test('goes on asking a relay that can not be reached', async () => {
  const nobody = sessionRequest('http://127.0.0.1:9/channels/ch-1/feed', ORIGIN);
  expect(await swarm.client.prepare(nobody)).toMatchObject({ state: 'starting', ready: false });
  expect(await swarm.client.awaitReady(nobody.sessionId, 300)).toMatchObject({
    state: 'starting',
    ready: false,
    lastEncodedGop: -1,
  });
});

test('takes the same preparation twice for one, and refuses the id with other content', async () => {
  const { client } = swarm;
  await Promise.all([client.prepare(request), client.prepare(request)]);
  await client.prepare(request);
  expect((await client.telemetry()).sessions).toHaveLength(1);
  await expect(client.prepare({ ...request, fromGop: 4 })).rejects.toMatchObject({ code: 'conflict' });
});

test('knows no session that it never had, and counts it as released', async () => {
  const { client } = swarm;
  await expect(client.session('nobody')).rejects.toMatchObject({ code: 'unknown-session' });
  await expect(client.commit('nobody', 1, 1)).rejects.toMatchObject({ code: 'unknown-session' });
  expect(await client.release('nobody')).toMatchObject({ sessionId: 'nobody', state: 'released' });
});

test('measures itself and its ffmpeg', async () => {
  const { client } = swarm;
  await client.prepare(request);
  await client.telemetry();
  await until('a measurement with CPU in it', async () => {
    const { cpuCores, memoryMiB, unitsUsed, sessions } = await client.telemetry();
    const ofSession = sessions[0]?.cpuCores ?? 0;
    const plausible = ofSession > 0 && ofSession < cpuCores && cpuCores < 8;
    return plausible && memoryMiB > 20 && unitsUsed === 0.25;
  });
});

test('does not start without an ffmpeg, nor on a port that is taken', async () => {
  const options = { id: 'enc-2', region: 'eu', zone: 'a', capacityUnits: 1, maxSessions: 1, log: quietLog };
  const start = (ffmpegPath: string, port: number) =>
    startEncoder({ ...options, host: '127.0.0.1', port, ffmpegPath });
  await expect(start('/nowhere/ffmpeg', 0)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(start('echo', 0)).rejects.toMatchObject({ code: 'unavailable' });
  // grpc-js says on the console what the error says as well.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  await expect(start('ffmpeg', swarm.host.port)).rejects.toMatchObject({ code: 'unavailable' });
});
