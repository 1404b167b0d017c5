import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { HiddenAddresses } from '../../src/media/source/hidden-addresses';
import { RelayUnderTest } from '../relay/relay-under-test';
import { until } from '../support/until';
import { InputFiles, picture, specOf } from './inputs';
import { SourceUnderTest } from './source-under-test';

/** A password and a key that no other account of the machine may read in the list of processes. */
const CANARY = 'c4n4ry-of-ps';
const AUTHORIZATION = `Basic ${Buffer.from(`viewer:${CANARY}`).toString('base64')}`;

describe('inputs that ask for a password and a key', () => {
  let files: InputFiles;
  let server: Server;
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  const refused: string[] = [];

  beforeAll(async () => {
    files = await InputFiles.create();
    await files.make('in.ts', ...picture('160x90', 25, 8), '-c:v', 'libx264', '-g', '25');
    const segments = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'];
    await files.make('in.m3u8', ...picture('160x90', 25, 8), '-c:v', 'libx264', '-g', '25', ...segments);
    server = createServer((req, res) => {
      const { pathname, searchParams } = new URL(req.url ?? '', 'http://server');
      // As with most servers, the key is wanted of what is asked for first.
      const isFirst = pathname === '/live/in.ts' || pathname === '/live/in.m3u8';
      const isAllowed =
        !isFirst || (req.headers.authorization === AUTHORIZATION && searchParams.get('key') === CANARY);
      if (!isAllowed) {
        refused.push(req.url ?? '');
        res.writeHead(401, { 'www-authenticate': 'Basic realm="live"' }).end();
        return;
      }
      const isList = pathname.endsWith('.m3u8');
      res.writeHead(200, { 'content-type': isList ? 'application/vnd.apple.mpegurl' : 'video/mp2t' });
      res.end(readFileSync(join(files.directory, pathname.replace('/live/', ''))));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(async () => {
    relay = await RelayUnderTest.start();
    source = await SourceUnderTest.start(relay.url);
  });
  afterEach(async () => {
    await source.stop();
    await relay.stop();
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await files.remove();
  });

  test.each(['in.ts', 'in.m3u8'])(
    '%s comes on air, and ps shows neither',
    async (name) => {
      const { port } = server.address() as AddressInfo;
      const url = `http://viewer:${CANARY}@127.0.0.1:${port}/live/${name}?key=${CANARY}`;
      let watching = true;
      const seen = new Set<string>();
      const look = async (): Promise<void> => {
        while (watching) {
          const lines = execFileSync('ps', ['-ww', '-o', 'args=', '--ppid', String(process.pid)]).toString();
          for (const line of lines.split('\n')) if (/ffmpeg|ffprobe/.test(line)) seen.add(line);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const looking = look();
      await relay.put('cam', specOf(url).gopDurationTicks);
      await source.put('cam', specOf(url));
      await until(
        'a GOP is sealed',
        async () => ((await relay.info('cam')).lastSealedGop ?? -1) >= 1,
        20_000,
      );
      watching = false;
      await looking;
      const all = [...seen].join('\n');
      expect(all).toMatch(
        new RegExp(`-i http://127\\.0\\.0\\.1:\\d+/[A-Za-z0-9_-]{22}/${name.replace('.', '\\.')}`),
      );
      expect(all).not.toContain(CANARY);
      expect(all).not.toContain(String(port));
    },
    30_000,
  );
});

describe('a hidden address', () => {
  let hidden: HiddenAddresses;
  beforeEach(async () => {
    hidden = await HiddenAddresses.start(pino({ level: 'silent' }));
  });
  afterEach(() => hidden.stop());

  test('leads to its input once', async () => {
    const url = `https://viewer:${CANARY}@live.example/a/master.m3u8?token=${CANARY}&q=1`;
    const [, address] = hidden.hide(['-i', url]) as [string, string];
    expect(address).toMatch(/\/master\.m3u8$/);
    const first = await fetch(address, { redirect: 'manual' });
    expect([first.status, first.headers.get('location')]).toEqual([302, url]);
    const again = await fetch(address, { redirect: 'manual' });
    expect(again.status).toBe(404);
    expect(await again.text()).not.toContain(CANARY);
    expect((await fetch(address.replace(/[\w-]{22}/, 'a'.repeat(22)), { redirect: 'manual' })).status).toBe(
      404,
    );
  });

  test.each([
    ['without a secret', ['-i', 'http://live.example/a.ts']],
    ['of a scheme without redirects', ['-i', `srt://live.example:9000?passphrase=${CANARY}`]],
    ['that is a file', ['-i', '/media/in.ts']],
    ['that is no input', ['-metadata', `http://u:${CANARY}@live.example/a.ts`]],
  ])('is made of no address %s', (_, args) => {
    expect(hidden.hide(args)).toEqual(args);
  });
});
