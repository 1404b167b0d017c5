import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { mediaHealthSchema } from '../../src/contracts/health';
import type { GopLedger, RelayChannel } from '../../src/contracts/relay';
import { gopLedgerSchema, relayChannelSchema } from '../../src/contracts/relay';
import { TransportStreamReader } from '../../src/media/mpegts';
import { makeClip } from '../mpegts/ffmpeg-clips';
import fc from '../support/fast-check';
import { SmallDisk } from '../support/small-disk';
import { untilAnswer } from '../support/until';
import { RelayProcess } from './relay-process';
import { RelayUnderTest } from './relay-under-test';

const gopTicks = 90_000;
const framesOf = (gop: number): number[] => Array.from({ length: 25 }, (_, i) => (gop * 25 + i) * 3600);
const mediaFiles = async (stateDir: string): Promise<string[]> => {
  const directory = join(stateDir, 'relay', 'ch-1', 'media');
  return (await readdir(directory)).sort().map((name) => join(directory, name));
};
const bytesOf = async (paths: string[]): Promise<number> =>
  (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);

/** Presentation times of the pictures of a feed that began at GOP `gop`, in channel time. */
const picturesOf = (feed: Buffer, gop: number): number[] => {
  const found: number[] = [];
  const reader = new TransportStreamReader({
    onUnit: ({ kind, ptsTicks }) => {
      if (kind === 'video') found.push(ptsTicks - 9_000_000 + gop * gopTicks);
    },
  });
  reader.push(feed);
  reader.flush();
  return found.sort((a, b) => a - b);
};

const openGopVideo = ['-c:v', 'libx264', '-bf', '2', '-g', '24', '-x264-params'];
const clips: [string, Buffer][] = [
  ['closed GOPs and audio', makeClip('ffmpeg', { seconds: 5, audio: ['-c:a', 'aac'] })],
  [
    'open GOPs, whose pictures are decoded across the ends of GOPs',
    makeClip('ffmpeg', {
      seconds: 5,
      video: [...openGopVideo, 'open-gop=1:scenecut=0:b-adapt=0:keyint=24'],
    }),
  ],
];

describe("a relay's ring", () => {
  it.each(clips)('is the same after a restart: %s', async (_what, clip) => {
    const relay = await RelayUnderTest.start();
    try {
      await relay.put('ch-1', gopTicks);
      await relay.contribute('ch-1', clip);
      const { nextGop, oldestGop } = await relay.info('ch-1');
      const read = async (gop: number): Promise<Buffer> => {
        const feed = relay.readFeed('ch-1', gop);
        await untilAnswer(
          'the relay has the channel',
          () => relay.info('ch-1'),
          (info) => info.id === 'ch-1',
        );
        await relay.contribute('ch-1', Buffer.alloc(0)).catch(() => undefined);
        return feed;
      };
      const ledgers = await relay.ledgers('ch-1', 0, nextGop);
      const before = await Promise.all([0, 1, 3].map(read));
      await relay.restart();
      expect(await relay.info('ch-1')).toMatchObject({ nextGop, oldestGop, lastSealedGop: nextGop - 1 });
      expect(await relay.ledgers('ch-1', 0, nextGop)).toEqual(ledgers);
      const after = await Promise.all([0, 1, 3].map(read));
      expect(after.map((feed) => feed.length)).toEqual(before.map((feed) => feed.length));
      for (const [i, feed] of after.entries()) expect(feed.equals(before[i]!)).toBe(true);
      await relay.contribute('ch-1', clip);
      expect((await relay.ledger('ch-1', nextGop)).ptsTicks).toEqual(framesOf(nextGop));
    } finally {
      await relay.stop();
    }
  });

  it('keeps no more bytes than the ring may have, in memory and on disk, however long its time is', async () => {
    const clip = makeClip('ffmpeg', { seconds: 3 });
    const ringMaxBytes = 3 * clip.length;
    const relay = await RelayUnderTest.start({ ringSeconds: 3_600, ringMaxBytes });
    try {
      await relay.put('ch-1', gopTicks);
      for (let pass = 0; pass < 9; pass++) {
        await relay.contribute('ch-1', clip);
        expect(await bytesOf(await mediaFiles(relay.stateDir))).toBeLessThanOrEqual(ringMaxBytes);
      }
      const { nextGop, oldestGop } = await relay.info('ch-1');
      expect(nextGop).toBe(18);
      // By its time the ring would have kept them all.
      expect(oldestGop).toBeGreaterThanOrEqual(4);
      expect(oldestGop).toBeLessThan(nextGop);
      await relay.restart();
      const after = await relay.info('ch-1');
      expect(after.oldestGop).toBeGreaterThanOrEqual(oldestGop!);
      expect(after.oldestGop).toBeLessThan(nextGop);
    } finally {
      await relay.stop();
    }
  });

  it('remembers ledgers of GOPs that left the ring, on disk too, and stays within its bounds', async () => {
    const relay = await RelayUnderTest.start({ ringSeconds: 6, ringMaxBytes: 512 * 1024 });
    try {
      await relay.put('ch-1', gopTicks);
      const clip = makeClip('ffmpeg', { seconds: 3 });
      let most = 0;
      for (let pass = 0; pass < 12; pass++) {
        await relay.contribute('ch-1', clip);
        most = Math.max(most, await bytesOf(await mediaFiles(relay.stateDir)));
      }
      const { nextGop, oldestGop } = await relay.info('ch-1');
      expect(nextGop).toBe(24);
      expect(oldestGop).toBeGreaterThanOrEqual(17);
      const kept = await relay.ledgers('ch-1', 0, nextGop);
      expect(kept[0]!.gop).toBeLessThanOrEqual(1);
      expect(most).toBeGreaterThan(20_000);
      expect(most).toBeLessThanOrEqual(512 * 1024);
      // 6 GOPs of a ring, one file more than those, and the GOP that begins it.
      expect((await mediaFiles(relay.stateDir)).length).toBeLessThanOrEqual(9);
      await relay.restart();
      expect(await relay.info('ch-1')).toMatchObject({ nextGop, oldestGop });
      expect(await relay.ledgers('ch-1', 0, nextGop)).toEqual(kept);
    } finally {
      await relay.stop();
    }
  });

  it('is cut at its last whole GOP, wherever a power cut tore or spoilt the file', async () => {
    const relay = await RelayUnderTest.start();
    const pristine = await mkdtemp(join(tmpdir(), 'ring-pristine-'));
    try {
      await relay.put('ch-1', gopTicks);
      const clip = makeClip('ffmpeg', { seconds: 6 });
      await relay.contribute('ch-1', clip);
      await relay.pause();
      // As if the number had never been written apart from the GOPs.
      const record = join(relay.stateDir, 'relay', 'ch-1.json');
      await writeFile(record, JSON.stringify({ gopDurationTicks: gopTicks, nextGop: 0 }));
      await cp(relay.stateDir, pristine, { recursive: true });
      const [file] = (await mediaFiles(relay.stateDir)) as [string];
      const whole = await readFile(file);
      const starts: number[] = [];
      for (let at = whole.indexOf('ESR1'); at >= 0; at = whole.indexOf('ESR1', at + 1)) starts.push(at);
      expect(starts).toHaveLength(5);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: whole.length - 1 }),
          fc.constantFrom('cut', 'flip', 'zeros'),
          async (at, how) => {
            await rm(relay.stateDir, { recursive: true });
            await cp(pristine, relay.stateDir, { recursive: true });
            const spoilt = Buffer.from(whole);
            if (how === 'flip') spoilt[at]! ^= 0x10;
            if (how === 'zeros') spoilt.fill(0, at);
            await writeFile(file, spoilt);
            if (how === 'cut') await truncate(file, at);
            const changed = how === 'cut' || !spoilt.equals(whole);
            const sound = changed ? starts.filter((start) => start <= at).length - 1 : 5;
            await relay.resume();
            const { nextGop, oldestGop } = await relay.info('ch-1');
            // The last GOP may only be missed by zeros that were zeros before.
            expect(nextGop).toBe(sound);
            expect(oldestGop).toBe(sound > 0 ? 0 : null);
            expect((await relay.ledgers('ch-1', 0, 9)).map((l) => l.ptsTicks)).toEqual(
              Array.from({ length: sound }, (_, gop) => framesOf(gop)),
            );
            await relay.contribute('ch-1', clip);
            expect(await relay.info('ch-1')).toMatchObject({ nextGop: sound + 5, oldestGop: 0 });
            await relay.restart();
            expect(await relay.info('ch-1')).toMatchObject({ nextGop: sound + 5, oldestGop: 0 });
            await relay.pause();
          },
        ),
        { numRuns: 40, seed: 7 },
      );
      await relay.resume();
    } finally {
      await relay.stop();
      await rm(pristine, { recursive: true });
    }
  });
});

describe('kill -9 of the relay', () => {
  it('loses nothing that it acknowledged, again and again while a contribution comes in', async () => {
    const relay = await RelayProcess.create();
    const info = (): Promise<RelayChannel> => callJson(`${relay.url}/channels/ch-1`, relayChannelSchema);
    const clip = makeClip('ffmpeg', { seconds: 4, audio: ['-c:a', 'aac'] });
    const acknowledged = new Map<number, GopLedger>();
    try {
      await relay.start();
      await callJson(`${relay.url}/channels/ch-1`, anyAnswer, {
        method: 'PUT',
        json: { gopDurationTicks: gopTicks },
      });
      for (let kill = 0; kill < 6; kill++) {
        const { nextGop } = await info();
        const post = request(`${relay.url}/channels/ch-1/ingest?expect_gop=${nextGop}`, { method: 'POST' });
        post.on('error', () => undefined);
        const wanted = nextGop + (kill % 3);
        const ledger = callJson(`${relay.url}/channels/ch-1/ledger/${wanted}?wait_ms=9000`, gopLedgerSchema, {
          timeoutMs: 10_000,
        });
        for (let at = 0; at < clip.length; at += 8_192) post.write(clip.subarray(at, at + 8_192));
        const last = await ledger;
        // In the middle of what follows: the next GOPs are being written now.
        process.kill(relay.pid, 'SIGKILL');
        acknowledged.set(last.gop, last);
        post.destroy();
        await relay.end();
        await relay.start();
        const after = await info();
        expect(after.nextGop).toBeGreaterThan(wanted);
        expect(after.oldestGop).toBe(0);
        for (const [gop, known] of acknowledged)
          expect(await callJson(`${relay.url}/channels/ch-1/ledger/${gop}`, anyAnswer)).toEqual(known);
      }
      const { nextGop } = await info();
      const controller = new AbortController();
      const response = await fetch(`${relay.url}/channels/ch-1/feed?from_gop=0`, {
        signal: controller.signal,
      });
      const chunks: Buffer[] = [];
      const reading = (async () => {
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
          chunks.push(Buffer.from(chunk));
      })().catch(() => undefined);
      await untilAnswer(
        'the feed has every picture',
        async () => picturesOf(Buffer.concat(chunks), 0).length,
        (count) => count >= nextGop * 25 - 1,
      );
      controller.abort();
      await reading;
      const all = Array.from({ length: nextGop }, (_, gop) => framesOf(gop)).flat();
      expect(picturesOf(Buffer.concat(chunks), 0)).toEqual(all);
    } finally {
      await relay.end();
      await rm(relay.stateDir, { recursive: true, force: true });
    }
  });
});

describe('a full disk', () => {
  const clip = makeClip('ffmpeg', { seconds: 4 });
  let disk: SmallDisk | undefined;
  let relay: RelayUnderTest;
  const storage = async (): Promise<{ state: string; affected: string[]; message: string | null }> =>
    (await callJson(`${relay.url}/healthz`, mediaHealthSchema)).storage;

  beforeEach(async () => {
    disk = SmallDisk.mount(40 * 2 ** 20);
    if (disk) relay = await RelayUnderTest.start({ stateDir: join(disk.path, 'state') });
  });
  afterEach(async () => {
    if (!disk) return;
    await relay.stop();
    disk.unmount();
  });

  it('stops no contribution and no feed, is reported, and heals by itself', async () => {
    if (!disk) return;
    await relay.put('ch-1', gopTicks);
    await relay.contribute('ch-1', clip);
    expect(await storage()).toMatchObject({ state: 'ok', affected: [] });
    disk.fill();
    await relay.contribute('ch-1', clip);
    expect((await relay.ledger('ch-1', 5)).ptsTicks).toEqual(framesOf(5));
    expect(await storage()).toMatchObject({
      state: 'full',
      affected: ['ch-1'],
      message: expect.stringContaining('ENOSPC'),
    });
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 6, unsavedGops: 3, oldestGop: 0 });
    await expect(relay.put('ch-2', gopTicks)).rejects.toMatchObject({ code: 'storage-full' });
    disk.free();
    await untilAnswer('the storage is in order', storage, ({ state }) => state === 'ok');
    expect(await relay.info('ch-1')).toMatchObject({ unsavedGops: 0 });
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 6, oldestGop: 0 });
    await relay.put('ch-2', gopTicks);
  });

  it('and then a restart: numbers are not given twice, and GOPs that were not written are not made up', async () => {
    if (!disk) return;
    await relay.put('ch-1', gopTicks);
    await relay.contribute('ch-1', clip);
    // Room for a part of a GOP: what is written of it must never be read back.
    disk.fill(8_192);
    await relay.contribute('ch-1', clip);
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 6, oldestGop: null, unsavedGops: 0 });
    await expect(callJson(relay.feedUrl('ch-1', 3), anyAnswer)).rejects.toMatchObject({
      code: 'gop-left-ring',
      details: { oldestGop: 6 },
    });
    expect((await relay.ledgers('ch-1', 0, 9)).map((l) => l.gop)).toEqual([0, 1, 2]);
    disk.free();
    await relay.contribute('ch-1', clip);
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 9, oldestGop: 6 });
  });
});
