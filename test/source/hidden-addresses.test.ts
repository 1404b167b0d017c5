import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { HiddenAddresses, inItsOwnWords } from '../../src/media/source/hidden-addresses';
import { RelayUnderTest } from '../relay/relay-under-test';
import { freePort } from '../support/ports';
import { until } from '../support/until';
import { InputFiles, picture, specOf } from './inputs';
import { SourceUnderTest } from './source-under-test';

/** A password and a key that no other account of the machine may read in the list of processes. */
const CANARY = 'c4n4ry-of-ps';
const AUTHORIZATION = `Basic ${Buffer.from(`viewer:${CANARY}`).toString('base64')}`;

/** Less than any program takes to start. */
const LOOK_EVERY_MS = 3;

/** The command lines of the programs of this process, as every account of the machine sees them. */
const watchCommandLines = () => {
  let watching = true;
  const seen = new Set<string>();
  const looking = (async () => {
    while (watching) {
      const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
      for (const pid of children.split(' ').filter(Boolean)) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          if (/ffmpeg|ffprobe/.test(line) && !line.includes('-re ')) seen.add(line);
        } catch {
          // It has ended.
        }
      }
      await sleep(LOOK_EVERY_MS);
    }
  })();
  return {
    /** What was seen, once something like this was among it. */
    stop: async (expected: RegExp): Promise<string> => {
      await until('the program is seen', () => expected.test([...seen].join('\n')));
      watching = false;
      await looking;
      return [...seen].join('\n');
    },
  };
};

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
      const watched = watchCommandLines();
      await relay.put('cam', specOf(url).gopDurationTicks);
      await source.put('cam', specOf(url));
      await relay.untilSealed('cam', 1);
      const all = await watched.stop(/-i http/);
      expect(all).toMatch(
        new RegExp(`-i http://127\\.0\\.0\\.1:\\d+/[A-Za-z0-9_-]{22}/${name.replace('.', '\\.')}`),
      );
      expect(all).not.toContain(CANARY);
      expect(all).not.toContain(String(port));
    },
    30_000,
  );
});

describe('live inputs by protocols without redirects', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  const senders: ChildProcess[] = [];
  let sending: boolean;
  beforeEach(async () => {
    sending = true;
    relay = await RelayUnderTest.start();
    source = await SourceUnderTest.start(relay.url);
  });
  afterEach(async () => {
    sending = false;
    for (const sender of senders.splice(0)) sender.kill('SIGKILL');
    await source.stop();
    await relay.stop();
  });
  /** A sender that waits for one who asks for it, again and again: a look, and then the channel. */
  const send = (...output: string[]): void => {
    const args = [
      '-v',
      'error',
      '-re',
      ...picture('160x90', 25, 60),
      '-c:v',
      'libx264',
      '-g',
      '25',
      ...output,
    ];
    const begin = (): void => {
      const sender = spawn('ffmpeg', args, { stdio: 'ignore' });
      senders.push(sender);
      sender.once('exit', (_, signal) => {
        if (sending && signal === null) begin();
      });
    };
    begin();
  };

  test.each([
    ['srt', (port: number) => `srt://127.0.0.1:${port}?passphrase=${CANARY}-long-enough`, ['-f', 'mpegts']],
    ['rtmp', (port: number) => `rtmp://127.0.0.1:${port}/live/${CANARY}`, ['-f', 'flv', '-listen', '1']],
  ] as const)(
    '%s is read, and ps does not show its secret',
    async (scheme, urlOf, output) => {
      const port = await freePort();
      const url = urlOf(port);
      send(...output, scheme === 'srt' ? `${url}&mode=listener` : url);
      const watched = watchCommandLines();
      await relay.put('cam', specOf(url).gopDurationTicks);
      await until('the sender listens, and the channel is added', async () =>
        source.put('cam', specOf(url)).then(
          () => true,
          () => false,
        ),
      );
      // ffmpeg as an RTMP server serves one connection, and that went to the look: when it is there again depends on it.
      if (scheme === 'srt') await relay.untilSealed('cam', 1);
      const seen = await watched.stop(/hls\+http/);
      expect(seen).toContain(`hls,http,tcp,${scheme}`);
      expect(seen).not.toContain(CANARY);
    },
    40_000,
  );

  test('rtsp: ffmpeg is led to the camera with its password, and ps does not show it', async () => {
    const asked: string[] = [];
    const camera = createTcpServer((socket) => {
      socket.setEncoding('latin1').on('data', (text: string) => {
        asked.push(text);
        const [, sequence] = /CSeq: *(\d+)/i.exec(text) ?? [];
        const wantsLogin = !/^Authorization: /m.test(text);
        const status = wantsLogin ? '401 Unauthorized' : '404 Not Found';
        const lines = [`RTSP/1.0 ${status}`, `CSeq: ${sequence}`, 'WWW-Authenticate: Basic realm="cam"'];
        socket.write([...lines, '', ''].join('\r\n'));
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
    const { port } = camera.address() as AddressInfo;
    const watched = watchCommandLines();
    try {
      const url = `rtsp://viewer:${CANARY}@127.0.0.1:${port}/cam`;
      await relay.put('cam', specOf(url).gopDurationTicks);
      await expect(source.put('cam', specOf(url))).rejects.toThrow();
      const seen = await watched.stop(/rtsp:/);
      expect(asked.join('')).toContain(`Authorization: ${AUTHORIZATION}`);
      expect(seen).not.toContain(CANARY);
    } finally {
      camera.close();
    }
  });
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
    ['of a protocol that has none', ['-i', 'udp://239.0.0.1:5000']],
    ['that is a file', ['-i', '/media/in.ts']],
    ['that is no input', ['-metadata', `http://u:${CANARY}@live.example/a.ts`]],
  ])('is made of no address %s', (_, args) => {
    expect(hidden.hide(args)).toEqual(args);
  });

  test.each([
    `srt://live.example:9000?passphrase=${CANARY}&mode=caller`,
    `rtmp://live.example/app/${CANARY}`,
    `rtmps://live.example/app/${CANARY}?token=${CANARY}`,
  ])('of %s is a list of one address, which ffmpeg may read and nothing in the input may', async (url) => {
    const scheme = url.split(':')[0]!;
    const args = ['-v', 'error', '-protocol_whitelist', scheme, '-i', url, '-map', '0'];
    const shown = hidden.hide(args);
    expect(shown.join(' ')).not.toContain(CANARY);
    expect(shown.slice(0, 4)).toEqual(['-v', 'error', '-protocol_whitelist', `hls,http,tcp,${scheme}`]);
    expect(shown[4]).toBe('-format_whitelist');
    expect(shown[5]!.split(',')).not.toContain('hls');
    expect(shown.slice(-2)).toEqual(['-map', '0']);
    const told = `${shown.at(-3)}: Invalid data found`;
    expect(inItsOwnWords(told, 'srt://***')).toBe('srt://***: Invalid data found');
    const list = await fetch(shown.at(-3)!.replace('hls+', ''));
    expect((await list.text()).split('\n').filter((line) => !line.startsWith('#'))).toEqual([url, '']);
  });

  test('of rtsp redirects whoever asks for it by RTSP, once, and reads nothing else', async () => {
    const url = `rtsp://viewer:${CANARY}@live.example:554/cam`;
    const [, address] = hidden.hide(['-i', url]) as [string, string];
    expect(address).not.toContain(CANARY);
    const say = async (text: string): Promise<string> => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1').end(text);
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      return answer;
    };
    const options = `OPTIONS ${address} RTSP/1.0\r\nCSeq: 7\r\n\r\n`;
    const path = new URL(address).pathname;
    expect(await say(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)).not.toContain(CANARY);
    const lines = ['RTSP/1.0 302 Found', 'CSeq: 7', `Location: ${url}`, 'Content-Length: 0', '', ''];
    expect(await say(options)).toBe(lines.join('\r\n'));
    expect(await say(options)).toMatch(/^RTSP\/1\.0 404 /);
  });
});
