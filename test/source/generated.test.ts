import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  BLOCK_SAMPLES,
  SoundStampReader,
  loadOrCreateStampKey,
  readStamp,
  stampedSpeakers,
} from '../../src/media/stamp';
import { ffmpegBuilds } from '../mpegts/ffmpeg-clips';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import { framesOf, generatedSpec as spec } from './inputs';
import { runningFfmpegs, startRelayAndSource, type SourceUnderTest } from './source-under-test';

const run = promisify(execFile);

describe('a generated channel', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('each', (r, s) => {
    relay = r;
    source = s;
  });

  /** Each sample of a channel's first frames of sound is where its stamp says. */
  const expectStamped = async (
    ffmpeg: string,
    { key, id, speakers, frames }: { key: Buffer; id: string; speakers: number; frames: number },
  ): Promise<void> => {
    const args = ['-v', 'error', '-i', relay.feedUrl(id, 0), '-map', '0:a', '-frames:a', `${frames}`];
    const { stdout } = await run(ffmpeg, [...args, '-f', 's16le', 'pipe:1'], {
      ...{ encoding: 'buffer', maxBuffer: 1 << 26 },
    });
    const samples = stdout.length / (2 * speakers);
    for (const speaker of stampedSpeakers(speakers)) {
      const reader = new SoundStampReader({ key, channelId: id, speaker });
      reader.push(
        Float32Array.from({ length: samples }, (_, i) => stdout.readInt16LE(2 * (speakers * i + speaker))),
      );
      reader.end();
      // A decoder that begins amid the sound spoils its first frame.
      const from = BLOCK_SAMPLES;
      expect(reader.stretches).toEqual([{ at: from, position: from, samples: samples - from }]);
    }
  };

  /** Frame counters that the pictures of a feed show, from a GOP on; the channel must have stopped sending. */
  const countersFrom = async (
    ffmpeg: string,
    id: string,
    gop: number,
    frames: number,
    [widthPx, heightPx] = [320, 180],
  ): Promise<number[]> => {
    const args = [
      '-v',
      'error',
      '-i',
      relay.feedUrl(id, gop),
      '-frames:v',
      `${frames}`,
      '-vsync',
      'passthrough',
    ];
    args.push('-f', 'rawvideo', '-pix_fmt', 'yuv420p', 'pipe:1');
    const { stdout } = await run(ffmpeg, args, { encoding: 'buffer', maxBuffer: 256 * 1024 * 1024 });
    const key = await loadOrCreateStampKey(source.stateDir);
    const pixels = widthPx * heightPx;
    const size = (pixels * 3) / 2;
    return Array.from({ length: stdout.length / size }, (_, i) => {
      const read = readStamp(stdout.subarray(i * size, i * size + pixels), widthPx, heightPx, key, id);
      return read.ok ? read.frame : -1;
    });
  };

  it('shows frame n at channel time n/fps, over restarts of source, ffmpeg and relay', async () => {
    const sent = await source.put('ch-1', spec);
    expect(sent).toMatchObject({ id: 'ch-1', input: { kind: 'generated' }, state: 'running' });
    await relay.ledger('ch-1', 1, 10_000);

    await source.restart();
    await relay.ledger('ch-1', 3, 10_000);

    const [pid] = runningFfmpegs();
    process.kill(pid!, 'SIGKILL');
    await relay.ledger('ch-1', 5, 10_000);

    const ledgers = await relay.ledgers('ch-1', 0, 6);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual([0, 1, 2, 3, 4, 5].map(framesOf));
    for (const ffmpeg of ffmpegBuilds) {
      const counters = await countersFrom(ffmpeg, 'ch-1', 0, 140);
      expect(counters).toEqual(Array.from({ length: 140 }, (_, frame) => frame));
    }

    await relay.restart();
    const { nextGop } = await relay.info('ch-1');
    expect(nextGop).toBeGreaterThanOrEqual(6);
    const resumed = await relay.ledger('ch-1', nextGop, 10_000);
    expect(resumed.ptsTicks).toEqual(framesOf(nextGop));
    expect(await countersFrom('ffmpeg', 'ch-1', nextGop, 20)).toEqual(
      Array.from({ length: 20 }, (_, i) => nextGop * 25 + i),
    );
    expect((await source.list())[0]).toMatchObject({ state: 'running' });
  });

  it('has the size that is asked for', async () => {
    await source.put('large', { ...spec, input: { kind: 'generated', widthPx: 854, heightPx: 480 } });
    await relay.ledger('large', 1, 10_000);
    expect(await countersFrom('ffmpeg', 'large', 0, 30, [854, 480])).toEqual(
      Array.from({ length: 30 }, (_, frame) => frame),
    );
    const odd = source.put('odd', { ...spec, input: { kind: 'generated', widthPx: 321, heightPx: 180 } });
    await expect(odd).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('has sound of which each sample is where its stamp says, over restarts of source and ffmpeg', async () => {
    const input = { kind: 'generated', sound: 'stereo' };
    await source.put('ch-1', { ...spec, input });
    await relay.ledger('ch-1', 1, 10_000);
    await source.restart();
    await relay.ledger('ch-1', 3, 10_000);
    process.kill(runningFfmpegs()[0]!, 'SIGKILL');
    await relay.ledger('ch-1', 5, 10_000);
    const key = await loadOrCreateStampKey(source.stateDir);
    for (const ffmpeg of ffmpegBuilds)
      await expectStamped(ffmpeg, { key, id: 'ch-1', speakers: 2, frames: 260 });
  });

  it('has sound of six channels too', async () => {
    await source.put('surround', { ...spec, input: { kind: 'generated', sound: '5.1' } });
    await relay.ledger('surround', 2, 10_000);
    const key = await loadOrCreateStampKey(source.stateDir);
    await expectStamped('ffmpeg', { key, id: 'surround', speakers: 6, frames: 100 });
  });

  it('has a rate that is no whole number, exact to the tick', async () => {
    await source.put('ntsc', { ...spec, framesPerSecond: '30000/1001', gopDurationTicks: 90_090 });
    await relay.ledger('ntsc', 2, 10_000);
    const ledgers = await relay.ledgers('ntsc', 0, 3);
    const counts = Array.from({ length: 90 }, (_, frame) => frame);
    expect(ledgers.flatMap((l) => l.ptsTicks)).toEqual(counts.map((frame) => frame * 3_003));
    expect(await countersFrom('ffmpeg', 'ntsc', 0, 90)).toEqual(counts);
    await source.restart();
    const { nextGop } = await relay.info('ntsc');
    await relay.ledger('ntsc', nextGop + 1, 10_000);
    expect((await source.list())[0]).toMatchObject({ id: 'ntsc', state: 'running' });
  });

  it('is sent at the pace of the wall clock', async () => {
    await source.put('ch-1', spec);
    const first = await relay.ledger('ch-1', 0, 10_000);
    const later = await relay.ledger('ch-1', 4, 10_000);
    const perGopMs = (later.sealedAtMs - first.sealedAtMs) / 4;
    expect(perGopMs).toBeGreaterThan(900);
    expect(perGopMs).toBeLessThan(1_200);
    expect((await source.list())[0]!.framesSent).toBeGreaterThanOrEqual(125);
  });

  it('is added once, and ends when removed', async () => {
    await source.put('ch-1', spec);
    const [pid] = runningFfmpegs();
    await source.put('ch-1', spec);
    expect(runningFfmpegs()).toEqual([pid]);
    await source.remove('ch-1');
    await source.remove('ch-1');
    expect(runningFfmpegs()).toEqual([]);
    expect(await source.list()).toEqual([]);
    await untilAnswer(
      'the contribution has ended',
      () => relay.info('ch-1'),
      (info) => !info.ingestConnected,
    );
    await source.restart();
    expect(await source.list()).toEqual([]);
  });

  it('waits for a relay that is not there yet, and says so', async () => {
    await relay.pause();
    await expect(source.put('ch-1', spec)).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining("can't be reached"),
    });
    expect((await source.list())[0]).toMatchObject({ state: 'failed', framesSent: 0 });
    await relay.resume();
    await untilAnswer(
      'the source sends again',
      () => source.list(),
      ([channel]) => channel?.state === 'running',
    );
    expect((await relay.ledger('ch-1', 0, 10_000)).ptsTicks).toEqual(framesOf(0));
    await source.put('ch-1', spec);
  });

  it.each([
    [{ ...spec, gopDurationTicks: 91_000 }, /91000 ticks is 25.27/],
    [{ ...spec, framesPerSecond: 0 }, /framesPerSecond/],
    [{ ...spec, framesPerSecond: '30000/1001' }, /29\.97 pictures at 29\.97 frames\/s/],
    [{ ...spec, input: { kind: 'camera' } }, /input/],
    [{}, /input/],
  ])('is refused when badly described: %j', async (bad, message) => {
    await expect(source.put('ch-1', bad)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(message),
    });
    expect(await source.list()).toEqual([]);
  });
});
