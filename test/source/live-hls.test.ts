import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GopLedger } from '../../src/contracts/relay';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { framesOf, makeInputFiles, picture, specOf, tone, type InputFiles } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const SEGMENT_SECONDS = 4;
const SEGMENTS = 8;
const LISTED = 3;
const GOPS = 11;
/** A GOP, and a machine that is busy. */
const LONGEST_WAIT_MS = 1_000 + 1_200;

let files: InputFiles;
makeInputFiles((made) => (files = made));

describe('live HLS in segments that are longer than a GOP', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const folder = files.directory;
    const seconds = SEGMENT_SECONDS * SEGMENTS;
    const frames = String(25 * SEGMENT_SECONDS);
    await promisify(execFile)('ffmpeg', [
      ...['-v', 'error', ...picture('160x90', 25, seconds), ...tone(seconds), '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '2', '-g', frames, '-keyint_min', frames],
      ...['-sc_threshold', '0', '-c:a', 'aac', '-f', 'hls', '-hls_time', String(SEGMENT_SECONDS)],
      ...[
        '-hls_list_size',
        '0',
        '-hls_segment_filename',
        join(folder, 'part%d.ts'),
        join(folder, 'all.m3u8'),
      ],
    ]);
    let beganAtMs = 0;
    server = createServer((req, res) => {
      const name = (req.url ?? '').slice(1);
      if (name === 'live.m3u8') {
        beganAtMs ||= Date.now();
        // A window that moves on by a segment each time that one has passed, all of it at once.
        const passed = Math.floor((Date.now() - beganAtMs) / (1_000 * SEGMENT_SECONDS));
        const listed = Array.from({ length: LISTED }, (_, i) => passed + i).filter((n) => n < SEGMENTS);
        res.end(
          [
            ...['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`],
            `#EXT-X-MEDIA-SEQUENCE:${passed}`,
            ...listed.flatMap((n) => [`#EXTINF:${SEGMENT_SECONDS}.0,`, `part${n}.ts`]),
            '',
          ].join('\n'),
        );
      } else if (existsSync(join(folder, name))) createReadStream(join(folder, name)).pipe(res);
      else res.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.m3u8`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('brings a GOP each second, whole, without a break', async () => {
    await source.put('pulled', specOf(url));
    const ledgers: GopLedger[] = [];
    for (let gop = 0; gop < GOPS; gop++) ledgers.push(await relay.ledger('pulled', gop, 10_000));
    expect(await source.list()).toMatchObject([{ state: 'running', notes: [] }]);
    await source.remove('pulled');
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map((_l, gop) => framesOf(gop)));
    const waits = ledgers.slice(1).map((l, i) => l.sealedAtMs - ledgers[i]!.sealedAtMs);
    expect(Math.max(...waits)).toBeLessThan(LONGEST_WAIT_MS);
    // Not all that was listed at once, either.
    expect(ledgers.at(-1)!.sealedAtMs - ledgers[0]!.sealedAtMs).toBeGreaterThan((GOPS - 4) * 1_000);
  });
});
