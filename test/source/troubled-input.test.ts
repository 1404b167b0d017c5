import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '../../src/domain/seeded-random';
import { probeInput } from '../../src/media/source/probe';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import { generatedSpec, picture, specOf, tone, makeInputFiles, type InputFiles } from './inputs';
import { runningFfmpegs, startRelayAndSource, type SourceUnderTest } from './source-under-test';

/** The same bytes in each run: in some, ffprobe finds a picture of a format that nobody uses. */
const noise = (bytes: number): Buffer => {
  const random = seededRandom(1);
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
};

let files: InputFiles;
makeInputFiles((made) => (files = made));

describe('an input', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });

  describe('live', () => {
    let server: Server;
    let url: string;
    let connections = 0;
    beforeAll(async () => {
      // A stream at real-time pace that ends after 6 s.
      server = createServer((_req, res) => {
        connections++;
        const live = ['-v', 'error', '-re', ...picture('160x90', 25, 6), '-f', 'mpegts', 'pipe:1'];
        const sender = spawn('ffmpeg', live, { stdio: ['ignore', 'pipe', 'ignore'] });
        sender.stdout.pipe(res);
        res.on('close', () => sender.kill('SIGKILL'));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.ts`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    it('that ends is shown as ended and opened again', async () => {
      await source.put('live', specOf(url));
      const ended = await untilAnswer(
        'the input has ended',
        () => source.list(),
        ([channel]) => channel?.state !== 'running',
      );
      expect(ended[0]).toMatchObject({ state: 'ended', error: expect.stringContaining('ended') });
      const before = connections;
      await untilAnswer(
        'the input is sent again',
        () => source.list(),
        ([channel]) => channel?.state === 'running',
      );
      expect(connections).toBeGreaterThan(before);
    });
  });

  it('that fails later says why, keeps trying, and recovers', async () => {
    // Longer than what is remembered of a short input.
    const input = await files.make('fails.mp4', ...picture('160x90', 25, 8));
    await source.put('fails', specOf(input));
    await rm(input);
    for (const pid of runningFfmpegs()) process.kill(pid, 'SIGKILL');
    const failed = await untilAnswer(
      'the missing file is named',
      () => source.list(),
      ([channel]) => /No such file/.test(channel?.error ?? ''),
    );
    expect(failed[0]).toMatchObject({ id: 'fails', state: 'failed' });
    await files.make('fails.mp4', ...picture('160x90', 25, 2));
    await untilAnswer(
      'the file is sent',
      () => source.list(),
      ([channel]) => channel?.state === 'running',
    );
  });

  const unusable: [string, () => Promise<string> | string, RegExp][] = [
    ['that is not there', () => '/nowhere/nothing.mp4', /can't be opened/],
    ['of text', () => files.write('notes.txt', Buffer.from('hello\n'.repeat(500))), /text/],
    ['of noise', () => files.write('noise.mp4', noise(100_000)), /can't be opened|no streams|audio/],
    ['of nothing', () => files.write('empty.mp4', Buffer.alloc(0)), /is an empty file/],
    ['of audio alone', () => files.make('alone.wav', ...tone(2)), /audio \(pcm_s16le\)/],
    [
      'that is a still picture',
      () => files.make('still.png', ...picture('160x90', 1, 1), '-frames:v', '1'),
      /still picture/,
    ],
    [
      'of audio with a cover',
      async () => {
        const cover = await files.make('cover.png', ...picture('160x90', 1, 1), '-frames:v', '1');
        return files.make(
          'cover.mp3',
          ...tone(2),
          '-i',
          cover,
          '-map',
          '0',
          '-map',
          '1',
          '-disposition:v',
          'attached_pic',
        );
      },
      /audio \(mp3\)/,
    ],
    ['at a port where nobody listens', () => 'http://127.0.0.1:9/live.m3u8', /can't be opened/],
    ['that looks like an option', () => '-version', /can't be opened/],
  ];

  it.each(unusable)('%s is refused and changes nothing', async (_what, makeInput, words) => {
    await expect(source.put('bad', specOf(await makeInput()))).rejects.toMatchObject({
      code: 'input-not-video',
      message: expect.stringMatching(words),
    });
    expect(await source.list()).toEqual([]);
    await expect(relay.info('bad')).rejects.toMatchObject({ code: 'unknown-channel' });
  });

  it('refused leaves the input before it on air', async () => {
    await source.put('same', generatedSpec);
    const [pid] = runningFfmpegs();
    await expect(source.put('same', specOf('/nowhere'))).rejects.toMatchObject({ code: 'input-not-video' });
    expect(runningFfmpegs()).toEqual([pid]);
    expect(await source.list()).toMatchObject([{ id: 'same', input: { kind: 'generated' } }]);
  });
});

describe('probeInput', () => {
  it('says when there is no ffprobe', async () => {
    await expect(probeInput('/no/such/ffprobe', 'x')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
