import { readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { mediaHealthSchema } from '../../src/contracts/health';
import { startRelay } from '../../src/media/relay';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { untilAnswer } from '../support/until';
import { RelayUnderTest } from './relay-under-test';

const gopTicks = 90_000;

describe('the channels of a relay', () => {
  let relay: RelayUnderTest;
  beforeEach(async () => {
    relay = await RelayUnderTest.start();
  });
  afterEach(() => relay.stop());

  it('are added once, listed, restored and removed', async () => {
    const added = await relay.put('ch-1', gopTicks);
    expect(added).toEqual({
      id: 'ch-1',
      gopDurationTicks: gopTicks,
      oldestGop: null,
      openGop: null,
      lastSealedGop: null,
      nextGop: 0,
      resumeSourceTicks: null,
      unsavedGops: 0,
      ingestConnected: false,
      lastIngestAtMs: null,
      framesIn: 0,
      splices: { taken: 0, setAside: 0 },
    });
    expect(await relay.put('ch-1', gopTicks)).toEqual(added);
    await expect(relay.put('ch-1', 2 * gopTicks)).rejects.toMatchObject({ code: 'conflict' });
    await relay.restart();
    expect(await callJson(`${relay.url}/channels`, anyAnswer)).toEqual([added]);
    const remove = () => callJson(`${relay.url}/channels/ch-1`, anyAnswer, { method: 'DELETE' });
    await remove();
    await remove();
    await expect(relay.info('ch-1')).rejects.toMatchObject({ code: 'unknown-channel' });
    await relay.restart();
    expect(await callJson(`${relay.url}/channels`, anyAnswer)).toEqual([]);
  });

  it('answer health', async () => {
    expect(await callJson(`${relay.url}/healthz`, anyAnswer)).toMatchObject({ status: 'ok' });
  });

  it.each([
    ['PUT', '/channels/UPPER', { gopDurationTicks: gopTicks }, 'bad-request'],
    ['PUT', '/channels/ch-1', { gopDurationTicks: 1 }, 'bad-request'],
    ['PUT', '/channels/ch-1', undefined, 'bad-request'],
    ['GET', '/channels/ch-9', undefined, 'unknown-channel'],
    ['GET', '/channels/ch-9/feed?from_gop=0', undefined, 'unknown-channel'],
    ['GET', '/channels/ch-9/feed', undefined, 'bad-request'],
    ['GET', '/channels/ch-9/feed?from_gop=-1', undefined, 'bad-request'],
    ['GET', '/channels/ch-9/ledger/0', undefined, 'unknown-channel'],
    ['GET', '/channels/ch-9/ledger/0?wait_ms=99999', undefined, 'bad-request'],
    ['GET', '/channels/ch-9/ledger?from=3&to=2', undefined, 'bad-request'],
    ['POST', '/channels/ch-9/ingest', undefined, 'unknown-channel'],
  ])('refuse %s %s', async (method, path, json, code) => {
    await expect(callJson(relay.url + path, anyAnswer, { method, json })).rejects.toMatchObject({ code });
    expect(await callJson(`${relay.url}/channels`, anyAnswer)).toEqual([]);
  });

  it('end their feeds, their contribution and those who wait when removed', async () => {
    await relay.put('ch-1', gopTicks);
    const clip = makeClip('ffmpeg', { seconds: 2 });
    const ingest = relay.ingest('ch-1');
    ingest.write(clip);
    await relay.ledger('ch-1', 0);
    const feed = relay.readFeed('ch-1', 0);
    const waiting = relay.ledger('ch-1', 7, 10_000);
    const refusal = expect(waiting).rejects.toMatchObject({ code: 'unknown-channel' });
    await callJson(`${relay.url}/channels/ch-1`, anyAnswer, { method: 'DELETE' });
    expect((await feed).length).toBeGreaterThan(0);
    await refusal;
    ingest.write(clip);
    expect(await ingest.answer).toMatchObject({ status: 404, body: { error: { code: 'unknown-channel' } } });
  });

  it('make ledgers wait until the GOP is sealed, and no longer than asked', async () => {
    await relay.put('ch-1', gopTicks);
    await expect(relay.ledger('ch-1', 0, 0)).rejects.toMatchObject({ code: 'timeout' });
    await expect(relay.ledger('ch-1', 0, 50)).rejects.toMatchObject({ code: 'timeout' });
    const waiting = relay.ledger('ch-1', 1, 10_000);
    await relay.contribute('ch-1', makeClip('ffmpeg', { seconds: 3 }));
    expect(await waiting).toMatchObject({ gop: 1 });
  });

  it('refuse GOPs that have left the ring, naming the oldest left', async () => {
    const small = await RelayUnderTest.start({ ringSeconds: 2 });
    try {
      await small.put('ch-1', gopTicks);
      const clip = makeClip('ffmpeg', { seconds: 14 });
      await small.contribute('ch-1', clip);
      const { oldestGop, nextGop } = await small.info('ch-1');
      expect(nextGop).toBe(13);
      expect(oldestGop).toBe(11);
      await expect(small.readFeed('ch-1', 10)).rejects.toThrow(/410.*gop-left-ring.*"oldestGop":11/);
      await expect(callJson(small.feedUrl('ch-1', 3), anyAnswer)).rejects.toMatchObject({
        code: 'gop-left-ring',
        details: { oldestGop: 11 },
      });
      // Ledgers are kept four times as long as the media.
      expect(await small.ledger('ch-1', 5)).toMatchObject({ gop: 5 });
      await expect(small.ledger('ch-1', 4)).rejects.toMatchObject({ code: 'gop-left-ring' });
      await small.restart();
      expect(await small.ledger('ch-1', 12)).toMatchObject({ gop: 12 });
      await expect(callJson(small.feedUrl('ch-1', 10), anyAnswer)).rejects.toMatchObject({
        code: 'gop-left-ring',
        details: { oldestGop: 11 },
      });
    } finally {
      await small.stop();
    }
  });

  it('keep within their bytes and cut off a reader that does not read', async () => {
    const small = await RelayUnderTest.start({ ringMaxBytes: 6 * 1024 * 1024 });
    try {
      await small.put('ch-1', gopTicks);
      const rich = makeClip('ffmpeg', {
        seconds: 8,
        video: [
          '-c:v',
          'mpeg2video',
          '-g',
          '25',
          '-b:v',
          '20M',
          '-minrate',
          '20M',
          '-maxrate',
          '20M',
          '-bufsize',
          '2M',
        ],
      });
      expect(rich.length).toBeGreaterThan(12 * 1024 * 1024);
      const ingest = small.ingest('ch-1');
      ingest.write(rich.subarray(0, 3_000_000));
      await small.ledger('ch-1', 0);
      const socket = connect(Number(new URL(small.url).port), '127.0.0.1');
      const cut = new Promise<void>((resolve) => socket.on('close', () => resolve()));
      socket.on('error', () => undefined);
      socket.write('GET /channels/ch-1/feed?from_gop=0 HTTP/1.1\r\nhost: relay\r\n\r\n');
      await new Promise((resolve) => socket.once('readable', resolve));
      for (let pass = 0; pass < 3; pass++) ingest.write(rich);
      ingest.end();
      await ingest.answer;
      socket.resume();
      await cut;
      expect(socket.bytesRead).toBeLessThan(3 * rich.length);
      expect((await small.info('ch-1')).oldestGop).toBeGreaterThan(15);
    } finally {
      await small.stop();
    }
  });

  it('go on without one whose record is damaged, and take it back on its GOP numbers', async () => {
    const own = await RelayUnderTest.start();
    for (const id of ['ch-1', 'ch-2']) await own.put(id, gopTicks);
    await own.contribute('ch-1', makeClip('ffmpeg', { seconds: 4 }));
    const { nextGop } = await own.info('ch-1');
    expect(nextGop).toBeGreaterThan(1);
    await own.pause();
    const folder = join(own.stateDir, 'relay');
    const file = join(folder, 'ch-1.json');
    await writeFile(file, '{"nextGop":');
    await own.resume();
    expect(await own.info('ch-2')).toMatchObject({ nextGop: 0 });
    const health = await callJson(`${own.url}/healthz`, mediaHealthSchema);
    expect(health.damaged).toMatchObject([{ what: 'ch-1', message: expect.stringContaining(file) }]);
    expect((await readdir(folder)).some((name) => name.startsWith('ch-1.json.aside-'))).toBe(true);
    await own.put('ch-1', gopTicks);
    expect(await own.info('ch-1')).toMatchObject({ nextGop, oldestGop: 0 });
    expect((await callJson(`${own.url}/healthz`, mediaHealthSchema)).damaged).toEqual([]);
    await own.stop();
  });

  it('are not touched by a second relay on the same folder', async () => {
    await relay.put('ch-1', gopTicks);
    await relay.contribute('ch-1', makeClip('ffmpeg', { seconds: 2 }));
    const before = await relay.info('ch-1');
    const second = startRelay({ host: '127.0.0.1', port: 0, stateDir: relay.stateDir });
    await expect(second).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`in use by the relay of process ${process.pid}`),
    });
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: before.nextGop, oldestGop: before.oldestGop });
  });

  it('give a feed that asks for a GOP not yet begun its units once it begins', async () => {
    await relay.put('ch-1', gopTicks);
    const feed = relay.readFeed('ch-1', 2);
    await untilAnswer(
      'the relay has the channel',
      () => relay.info('ch-1'),
      (info) => info.id === 'ch-1',
    );
    await relay.contribute('ch-1', makeClip('ffmpeg', { seconds: 4 }));
    expect((await feed).length).toBeGreaterThan(188 * 10);
  });
});
