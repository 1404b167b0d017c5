import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaylistFollower, verifyCollected, verifyPlaylists } from '../../src/verify';
import { FRAMES_PER_GOP, encodeGop, key, playlistText } from './reference';

const GOPS = 8;
const F = FRAMES_PER_GOP;
const check = { key, ffmpegPaths: ['ffmpeg'] };

/** An origin whose playlists a test changes by hand: what is listed, and where its window begins. */
class TestOrigin {
  first = 0;
  end = 0;
  renditions = ['180p'];
  gaps = new Set<number>();
  missing = new Set<number>();
  playlistsFail = false;
  readonly requests: string[] = [];
  private server!: Server;
  base = '';

  constructor(private readonly gops: Record<string, Buffer[]>) {}

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://origin');
      this.requests.push(url.pathname + url.search);
      const body = this.answer(url.pathname);
      response.writeHead(body === null ? 404 : 200).end(body ?? undefined);
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(path: string): string | Buffer | null {
    if (path === '/hls/ch-1/index.m3u8') {
      if (this.playlistsFail) return null;
      const lines = this.renditions.flatMap((name) => [
        '#EXT-X-STREAM-INF:BANDWIDTH=100000',
        `${name}/index.m3u8`,
      ]);
      return ['#EXTM3U', ...lines, ''].join('\n');
    }
    const media = /^\/hls\/ch-1\/(\w+)\/index.m3u8$/.exec(path);
    if (media) {
      if (this.playlistsFail || !this.renditions.includes(media[1]!)) return null;
      const gops = Array.from({ length: this.end - this.first }, (_, i) => this.first + i);
      return playlistText(
        gops.map((gop) => ({ gap: this.gaps.has(gop) })),
        this.first,
        false,
        this.first,
      );
    }
    const segment = /^\/hls\/ch-1\/(\w+)\/(\d+).ts$/.exec(path);
    if (!segment) return null;
    const gop = Number(segment[2]);
    const listed = gop >= this.first && gop < this.end && !this.missing.has(gop);
    return listed ? (this.gops[segment[1]!]?.[gop] ?? null) : null;
  }
}

let gops: Record<string, Buffer[]>;
let origin: TestOrigin;
let follower: PlaylistFollower;

beforeAll(async () => {
  const run = (widthPx: number, heightPx: number): Promise<Buffer[]> =>
    Promise.all(Array.from({ length: GOPS }, (_, gop) => encodeGop({ gop, widthPx, heightPx })));
  gops = { '180p': await run(320, 180), '144p': await run(256, 144) };
});
beforeEach(async () => {
  origin = new TestOrigin(gops);
  follower = new PlaylistFollower();
  await origin.start();
});
afterEach(async () => {
  await follower.dispose();
  await origin.stop();
});

const master = (): string => `${origin.base}/hls/ch-1/index.m3u8`;
const media = (): string => `${origin.base}/hls/ch-1/180p/index.m3u8`;
/** Waits until the follower has asked for a segment, or reloaded a playlist so often again. */
const asked = async (path: string, times = 1): Promise<void> => {
  const count = (): number => origin.requests.filter((r) => r.startsWith(path)).length;
  const enough = count() + times;
  while (count() < enough) await sleep(20);
};

describe('verifying over HTTP', () => {
  it('checks every rendition of a master playlist and asks for the window', async () => {
    origin.renditions = ['180p', '144p'];
    origin.end = 4;
    const progress: string[] = [];
    const report = await verifyPlaylists({
      ...{ ...check, playlists: [master()], windowSeconds: 900 },
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    expect(report).toMatchObject({ ok: true, framesChecked: 2 * 4 * F, framesLost: 0 });
    expect(report.playlists.map(({ rendition, channelId, url }) => ({ rendition, channelId, url }))).toEqual(
      ['180p', '144p'].map((rendition) => ({
        ...{ rendition, channelId: 'ch-1', url: `${origin.base}/hls/ch-1/${rendition}/index.m3u8` },
      })),
    );
    expect(origin.requests).toContain('/hls/ch-1/144p/index.m3u8?window_s=900');
    expect(progress).toEqual(['0/2', '1/2', '2/2']);
  });

  it('refuses a playlist that the origin does not have, and an origin that does not answer', async () => {
    const refused = { code: 'unavailable', hint: expect.any(String) };
    origin.playlistsFail = true;
    await expect(verifyPlaylists({ ...check, playlists: [master()] })).rejects.toMatchObject({
      ...{ ...refused, message: expect.stringContaining('it answered 404') },
    });
    await origin.stop();
    await expect(verifyPlaylists({ ...check, playlists: [master()] })).rejects.toMatchObject({
      ...{ ...refused, message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  it('counts a segment that can not be fetched as lost', async () => {
    origin.end = 4;
    origin.missing.add(2);
    const report = await verifyPlaylists({ ...check, playlists: [media()] });
    expect(report).toMatchObject({ ok: false, framesLost: F });
    expect(report.playlists[0]!.problems[0]).toBe("GOP 2: its segment can't be fetched: it answered 404");
  });

  it('sees what appears while it follows', async () => {
    origin.end = 2;
    const following = verifyPlaylists({ ...check, playlists: [master()], followMs: 1_500 });
    await asked('/hls/ch-1/180p/1.ts');
    origin.end = 4;
    expect(await following).toMatchObject({ ok: true, framesChecked: 4 * F });
  });
});

describe('following a live playlist', () => {
  it('collects the union of a window that slides, and removes its files', async () => {
    origin.end = 2;
    await follower.start(master());
    while (origin.end < GOPS) {
      const newest = `/hls/ch-1/180p/${origin.end}.ts`;
      const arrived = asked(newest);
      origin.end++;
      await arrived;
      origin.first = origin.end - 2;
    }
    const collected = await follower.stop();
    expect(await verifyCollected(collected, { ...check, fromGop: { 'ch-1': 0 } })).toMatchObject({
      ...{ ok: true, framesChecked: GOPS * F },
    });
    const paths = collected.flatMap((playlist) => playlist.segments.map((segment) => segment.path!));
    expect(paths).toHaveLength(GOPS);
    await follower.dispose();
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
  });

  it('misses the GOPs that a playlist skips, with its media sequence adjusted', async () => {
    origin.end = 3;
    await follower.start(media());
    await asked('/hls/ch-1/180p/2.ts');
    [origin.first, origin.end] = [4, 6];
    await asked('/hls/ch-1/180p/5.ts');
    const report = await verifyCollected(await follower.stop(), check);
    expect(report).toMatchObject({ ok: false, framesChecked: 6 * F, framesLost: F });
    expect(report.playlists[0]!.problems).toEqual([`frames ${3 * F}-${4 * F - 1} (GOP 3): missing`]);
  });

  it('follows a rendition while it is listed, and starts anew when it comes back', async () => {
    origin.renditions = ['180p', '144p'];
    origin.end = 2;
    await follower.start(master());
    origin.renditions = ['180p'];
    origin.end = 4;
    await asked('/hls/ch-1/index.m3u8', 2);
    [origin.first, origin.end] = [4, 6];
    origin.renditions = ['180p', '144p'];
    await asked('/hls/ch-1/144p/5.ts');
    const report = await verifyCollected(await follower.stop(), { ...check, fromGop: { 'ch-1': 0 } });
    expect(report.ok).toBe(true);
    expect(report.playlists.map((p) => [p.rendition, p.firstGop, p.lastGop])).toEqual([
      ['180p', 0, 5],
      ['144p', 0, 1],
      ['144p', 4, 5],
    ]);
  });

  it('expects of a rendition that joins later what its playlist held then, and of the others every GOP', async () => {
    origin.end = 2;
    await follower.start(master());
    await asked('/hls/ch-1/180p/1.ts');
    [origin.first, origin.end] = [3, 6];
    origin.renditions = ['180p', '144p'];
    await asked('/hls/ch-1/144p/5.ts');
    const report = await verifyCollected(await follower.stop(), { ...check, fromGop: { 'ch-1': 0 } });
    expect(report.playlists.map((p) => [p.rendition, p.firstGop, p.lastGop, p.problems])).toEqual([
      ['180p', 0, 5, [`frames ${2 * F}-${3 * F - 1} (GOP 2): missing`]],
      ['144p', 3, 5, []],
    ]);
  });

  it('rides over playlists that fail for a while', async () => {
    origin.end = 2;
    await follower.start(master());
    origin.playlistsFail = true;
    await asked('/hls/ch-1/index.m3u8', 2);
    origin.playlistsFail = false;
    origin.end = 5;
    await asked('/hls/ch-1/180p/4.ts');
    expect(await verifyCollected(await follower.stop(), check)).toMatchObject({
      ok: true,
      framesChecked: 5 * F,
    });
  });

  it('reports a GOP that was listed as a gap and later as published', async () => {
    origin.end = 4;
    origin.gaps.add(2);
    await follower.start(media());
    origin.gaps.clear();
    await asked('/hls/ch-1/180p/index.m3u8', 2);
    const report = await verifyCollected(await follower.stop(), check);
    expect(report).toMatchObject({ ok: false, gapsDeclared: 1 });
    expect(report.playlists[0]!.problems).toEqual(['GOP 2 was listed as a gap, later as published']);
  });
});
