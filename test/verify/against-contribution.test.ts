import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { OriginClient } from '../../src/contracts/origin';
import { PACKET_BYTES, pidOf, retimePackets, parseTables } from '../../src/media/mpegts';
import { verifyPlaylists, type PlaylistReport } from '../../src/verify';
import { startDataPlane } from '../support/data-plane';

/** GOPs of 1 s, on air when the tests begin. */
const GOPS = 8;
/** The GOP that is altered on the way to the verifier, counted back from the last one. */
const ALTERED_BACK = 4;
/** Less than the relay keeps. */
const WINDOW_SECONDS = 20;
const FRAMES_PER_GOP = 25;

let folder: string;
let plane: DataPlane;
let stop: () => Promise<void>;
let proxy: Server;
let alteredGop: number;
let alter: (segment: Buffer) => Promise<Buffer> | Buffer = (segment) => segment;

/** Real source, relay, encoder host and origin; between origin and verifier, one segment can be exchanged. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'against-contribution-'));
  const input = join(folder, 'input.ts');
  execFileSync('ffmpeg', [
    // Not of the rendition's shape, which has bars therefore.
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=240x180:r=25:d=20'],
    ...['-f', 'lavfi', '-i', 'aevalsrc=sin(2*PI*t*(300+40*t)):s=48000:d=20'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac', input],
  ]);
  ({ plane, stop } = await startDataPlane());
  await plane.putOnAir(cheapChannel('real', { kind: 'url', url: input }), 'enc-1');
  await plane.published('real', GOPS);
  const origin = new OriginClient(plane.originUrl);
  proxy = createServer((request, response) => {
    void (async () => {
      const [, gop] = /\/180p\/(\d+)\.ts\b/.exec(request.url ?? '') ?? [];
      if (gop === undefined) {
        const answer = await fetch(`${plane.originUrl}${request.url}`);
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
        return;
      }
      const segment = await origin.segment('real', '180p', Number(gop), AbortSignal.timeout(5_000));
      response.end(Number(gop) === alteredGop ? await alter(segment) : segment);
    })().catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
}, 60_000);
afterAll(async () => {
  proxy?.closeAllConnections();
  await new Promise((resolve) => proxy?.close(resolve));
  await stop?.();
  await rm(folder, { recursive: true, force: true });
});

const verify = async (change: typeof alter): Promise<PlaylistReport> => {
  alter = change;
  alteredGop = (await plane.channel('real')).nextGop - ALTERED_BACK;
  const { port } = proxy.address() as AddressInfo;
  const { playlists } = await verifyPlaylists({
    ...{ playlists: [`http://127.0.0.1:${port}/hls/real/index.m3u8`], windowSeconds: WINDOW_SECONDS },
    ...{ key: null, ffmpegPaths: ['ffmpeg'], relayUrl: plane.relayUrl },
  });
  expect(playlists).toHaveLength(1);
  return playlists[0]!;
};

/** Encodes a segment's pictures anew through a filter, at the same times; sound stays as it is. */
const filtered =
  (filter: string) =>
  (segment: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const args = [
        ...['-v', 'error', '-copyts', '-f', 'mpegts', '-i', 'pipe:0', '-filter_complex', `[0:v]${filter}[v]`],
        ...['-map', '[v]', '-map', '0:a', '-c:a', 'copy', '-c:v', 'libx264', '-crf', '18', '-bf', '0'],
        ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-x264-params', 'force-cfr=0'],
        ...['-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts', 'pipe:1'],
      ];
      const child = execFile('ffmpeg', args, { encoding: 'buffer', maxBuffer: 1 << 26 }, (error, stdout) =>
        error ? reject(new Error(error.message)) : resolve(stdout),
      );
      child.stdin!.end(segment);
    });

test('what was published as it was sent passes: every picture by its content, every packet of sound', async () => {
  const report = await verify((segment) => segment);
  expect(report).toMatchObject({ framesLost: 0, framesRepeated: 0, framesInvalid: 0, problems: [] });
  const compared = report.contribution!;
  expect(compared.framesCompared).toBe(report.framesChecked);
  expect(compared.framesCompared).toBeGreaterThanOrEqual(GOPS * FRAMES_PER_GOP);
  expect(compared).toMatchObject({ framesAlike: 0, soundPacketsLost: 0, soundPacketsForeign: 0 });
  expect(compared.soundPacketsCompared).toBeGreaterThan(0);
  expect(compared.soundOffsetChangeMs).toBeLessThan(0.1);
});

test('an encode of the same pictures by somebody else passes too', async () => {
  expect((await verify(filtered('null'))).problems).toEqual([]);
});

test('a frozen picture is found, though its time is right', async () => {
  const report = await verify(filtered('split[a][b];[a][b]freezeframes=first=10:last=14:replace=9'));
  expect(report).toMatchObject({ framesLost: 5, framesRepeated: 5 });
  expect(report.problems.join()).toContain('[contribution]');
});

test('a foreign picture is found', async () => {
  const report = await verify(filtered(`drawbox=t=fill:color=gray:enable='eq(n,7)'`));
  expect(report).toMatchObject({ framesLost: 1, framesInvalid: 1 });
  expect(report.problems.join()).toContain('not a picture of the contribution');
});

test('a GOP of old pictures with new times is found', async () => {
  const origin = new OriginClient(plane.originUrl);
  const report = await verify(async () => {
    const old = await origin.segment('real', '180p', alteredGop - 1, AbortSignal.timeout(5_000));
    retimePackets(old, 90_000);
    return old;
  });
  expect(report).toMatchObject({ framesLost: FRAMES_PER_GOP, framesRepeated: FRAMES_PER_GOP });
  expect(report.contribution!.soundPacketsLost).toBeGreaterThan(0);
});

test('a packet of sound that is missing is found', async () => {
  const withoutOnePacket = (segment: Buffer): Buffer => {
    const packets = Array.from({ length: segment.length / PACKET_BYTES }, (_, i) =>
      segment.subarray(i * PACKET_BYTES, (i + 1) * PACKET_BYTES),
    );
    const pid = parseTables(segment).streams.find(({ kind }) => kind === 'audio')!.pid;
    const starts = packets.flatMap((packet, i) => (pidOf(packet, 0) === pid && packet[1]! & 0x40 ? [i] : []));
    const [from, to] = [starts[2]!, starts[3]!];
    return Buffer.concat(packets.filter((packet, i) => i < from || i >= to || pidOf(packet, 0) !== pid));
  };
  const report = await verify(withoutOnePacket);
  expect(report.contribution).toMatchObject({ soundPacketsLost: 1, soundPacketsForeign: 0 });
  expect(report.problems).toContain('sound: 1 packets of the contribution are missing [contribution]');
});

test('a relay that is away is named', async () => {
  const options = { key: null, ffmpegPaths: ['ffmpeg'] };
  const playlists = [`${plane.originUrl}/hls/real/index.m3u8`];
  const away = verifyPlaylists({ ...options, playlists, relayUrl: 'http://127.0.0.1:9' });
  await expect(away).rejects.toMatchObject({ code: 'unavailable', hint: expect.stringContaining('--relay') });
});
