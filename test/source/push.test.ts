import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RelayUnderTest } from '../relay/relay-under-test';
import { freePort } from '../support/ports';
import { together } from '../support/together';
import { until } from '../support/until';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

let relay: RelayUnderTest;
let source: SourceUnderTest;
startRelayAndSource(
  'all',
  (r, s) => {
    relay = r;
    source = s;
  },
  { pushPort: 0 },
);

const FRAMES = 75;
/** ffmpeg closes SRT without waiting for what the latency (120 ms) holds. */
const SRT_AT_END = 8;
const spec = (url: string): object => ({
  input: { kind: 'url', url },
  framesPerSecond: 25,
  gopDurationTicks: 90_000,
});

/** 3 s of pictures at their pace. @returns the exit code of their sender */
const send = async (format: string, ...to: string[]): Promise<number> => {
  const sender = spawn(
    'ffmpeg',
    [
      ...[
        '-v',
        'fatal',
        '-y',
        '-re',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=320x180:r=25',
        '-frames:v',
        `${FRAMES}`,
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-bf', '0'],
      ...['-f', format, ...to],
    ],
    { stdio: 'ignore' },
  );
  const [code] = (await once(sender, 'close')) as [number];
  return code;
};

/** As senders do that find nobody who listens yet. */
const again = async (sendIt: () => Promise<number>): Promise<number> => {
  for (let tries = 1; ; tries++) {
    const code = await sendIt();
    if (code === 0 || tries === 20) return code;
  }
};

/** Two senders, one after the other: all that they send is on air, in one numbering. */
/** @param atEnd pictures that a sender may leave unsent when it closes its connection */
const takesBoth = async (id: string, sendIt: () => Promise<number>, atEnd = 0): Promise<void> => {
  const sent = sendIt();
  await until(`the first sender of ${id} is on air`, async () => (await relay.info(id)).framesIn > 0);
  expect(await sent).toBe(0);
  await until('all of it has come', async () => (await relay.info(id)).framesIn >= FRAMES - atEnd);
  const { nextGop } = await relay.info(id);
  expect(nextGop).toBeGreaterThanOrEqual(2);
  expect(await sendIt()).toBe(0);
  await until('the second one too', async () => (await relay.info(id)).framesIn >= 2 * (FRAMES - atEnd));
  expect((await relay.info(id)).nextGop).toBeGreaterThanOrEqual(nextGop + 2);
};

together(
  {
    'SRT: the first connection of a sender is on air, and one that comes again goes on': async () => {
      const port = await freePort();
      await source.put('srt', spec(`srt://127.0.0.1:${port}?mode=listener&passphrase=a-long-passphrase`));
      const to = `srt://127.0.0.1:${port}?mode=caller`;
      expect(await send('mpegts', `${to}&passphrase=another-passphrase`)).not.toBe(0);
      await takesBoth('srt', () => send('mpegts', `${to}&passphrase=a-long-passphrase`), SRT_AT_END);
    },

    'RTMP: the key is asked for, and the first connection that has it is on air': async () => {
      const port = await freePort();
      await source.put('rtmp', spec(`rtmp://127.0.0.1:${port}/live/right-key?listen=1`));
      const to = `rtmp://127.0.0.1:${port}/live`;
      await send('flv', `${to}/wrong-key`);
      expect((await relay.info('rtmp')).framesIn).toBe(0);
      const [{ error = '' } = {}] = (await source.list()).filter(({ id }) => id === 'rtmp');
      expect(error).toMatch(/another key/);
      expect(error).not.toMatch(/right-key|wrong-key/);
      const listed = execFileSync('ps', ['-eo', 'args']).toString();
      expect(listed).not.toContain('right-key');
      await takesBoth('rtmp', () => again(() => send('flv', `${to}/right-key`)));
    },

    'HTTP: who knows the key of the channel is on air, and nobody else': async () => {
      const key = 'a-key-of-some-length';
      await source.put('http', spec(`push://http?key=${key}`));
      const push = (shown: string, id = 'http'): Promise<Response> =>
        fetch(`${source.pushUrl}/push/${id}`, {
          method: 'POST',
          headers: { 'content-type': 'video/mp2t', authorization: `Bearer ${shown}` },
          body: Buffer.alloc(188),
        });
      expect((await push('another')).status).toBe(401);
      expect((await push(key, 'no-such')).status).toBe(401);
      expect(JSON.stringify(await source.list())).not.toContain(key);
      await takesBoth('http', () =>
        send('mpegts', '-headers', `Authorization: Bearer ${key}`, `${source.pushUrl}/push/http`),
      );
    },

    'a named pipe is not emptied by a look at it': async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pipe-'));
      const pipe = join(folder, 'fifo');
      execFileSync('mkfifo', [pipe]);
      try {
        await source.put('pipe', spec(pipe));
        await takesBoth('pipe', () => send('mpegts', pipe));
      } finally {
        await source.remove('pipe');
        await rm(folder, { recursive: true });
      }
    },
  },
  90_000,
);

test('a push input without a key, or of another channel, is refused', async () => {
  for (const url of ['push://p', 'push://p?key=short', 'push://other?key=a-key-of-some-length'])
    await expect(source.put('p', spec(url))).rejects.toMatchObject({ code: 'bad-request' });
});
