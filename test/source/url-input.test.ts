import { execFileSync } from 'node:child_process';
import { TransportStreamReader, type PesUnit } from '../../src/media/mpegts';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import {
  framesOf,
  generatedSpec,
  gopTicks,
  picture,
  specOf,
  tone,
  makeInputFiles,
  type InputFiles,
} from './inputs';
import { runningFfmpegs, startRelayAndSource, type SourceUnderTest } from './source-under-test';

let files: InputFiles;
makeInputFiles((made) => (files = made));

describe('a channel from a file or URL', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });

  /** Streams of GOPs [0, gops) of a channel that has stopped sending, and its PES units. */
  const contributionOf = async (id: string, gops: number) => {
    const response = await fetch(relay.feedUrl(id, 0));
    await relay.ledger(id, gops, 10_000);
    await source.remove(id);
    const bytes = Buffer.from(await response.arrayBuffer());
    const entries = 'stream=codec_name,width,height,pix_fmt,sample_aspect_ratio';
    const args = ['-v', 'error', '-show_entries', entries, '-of', 'json', '-i', '-'];
    const probed = JSON.parse(execFileSync('ffprobe', args, { input: bytes }).toString());
    const units: PesUnit[] = [];
    const reader = new TransportStreamReader({ onUnit: (unit) => units.push(unit) });
    reader.push(bytes);
    return { streams: probed.streams as Record<string, unknown>[], units };
  };

  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast'];
  const h264Of = (widthPx: number, heightPx: number, pixelFormat = 'yuv420p') => ({
    ...{ codec_name: 'h264', width: widthPx, height: heightPx, pix_fmt: pixelFormat },
  });

  const inputs: [
    string,
    () => Promise<string>,
    { video: object; audio?: string[]; encoded?: boolean; note?: boolean },
  ][] = [
    [
      'a short clip with AAC, looped past its end',
      () =>
        files.make(
          'short.mp4',
          ...[...picture('320x180', 25, 1.2), ...tone(1.2), '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
        ),
      { video: h264Of(320, 180), audio: ['aac'] },
    ],
    [
      'a large clip with MP3 in Matroska',
      () =>
        files.make(
          'large.mkv',
          ...picture('1280x720', 25, 3),
          ...tone(3),
          ...h264,
          '-pix_fmt',
          'yuv420p',
          '-c:a',
          'libmp3lame',
        ),
      { video: h264Of(1280, 720), audio: ['mp3'] },
    ],
    [
      'a clip of 50 frames/s, at its own size',
      () => files.make('fast.mkv', ...picture('1280x720', 50, 3), ...h264, '-pix_fmt', 'yuv420p'),
      { video: h264Of(1280, 720), encoded: true },
    ],
    [
      'odd sizes, 4:4:4 and Vorbis, which MPEG-TS does not carry',
      () =>
        files.make(
          'odd.mkv',
          ...[...picture('331x187', 25, 3), ...tone(3), '-pix_fmt', 'yuv444p', ...h264, '-c:a', 'libvorbis'],
        ),
      { video: h264Of(331, 187, 'yuv444p'), audio: ['aac'], note: true },
    ],
    [
      'a variable frame rate, grey, with wide pixels',
      () =>
        files.make(
          'vfr.mkv',
          ...[
            ...picture('200x200', 30, 4),
            '-vf',
            'select=gt(mod(n\\,7)\\,3)+lt(n\\,20),setsar=2/1,format=gray',
          ],
          ...['-vsync', 'vfr', '-c:v', 'ffv1'],
        ),
      { video: { ...h264Of(200, 200), sample_aspect_ratio: '2:1' }, encoded: true },
    ],
    [
      'a transport stream with MPEG-2 and AC-3',
      () =>
        files.make('old.ts', ...picture('176x144', 25, 3), ...tone(3), '-c:v', 'mpeg2video', '-c:a', 'ac3'),
      { video: { codec_name: 'mpeg2video', width: 176, height: 144 }, audio: ['aac'], note: true },
    ],
    [
      'HEVC of 10 bits with open GOPs',
      () =>
        files.make(
          'hevc.mp4',
          ...[...picture('320x180', 25, 3), '-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt'],
          ...['yuv420p10le', '-x265-params', 'open-gop=1:keyint=25:log-level=error'],
        ),
      { video: { codec_name: 'hevc', width: 320, height: 180, pix_fmt: 'yuv420p10le' } },
    ],
  ];

  it.each(inputs)('arrives at the frame rate of the channel: %s', async (name, makeInput, expected) => {
    const id = `in-${inputs.findIndex(([other]) => other === name)}`;
    const sent = await source.put(id, specOf(await makeInput()));
    expect(sent.state).toBe('running');
    expect(sent.notes).toHaveLength(expected.encoded || expected.note ? 1 : 0);
    await relay.ledger(id, 2, 10_000);
    await untilAnswer(
      'a second of pictures is sent',
      () => source.list(),
      (list) => list.find((channel) => channel.id === id)!.framesSent > 25,
    );
    const { streams, units } = await contributionOf(id, 3);
    const ledgers = await relay.ledgers(id, 0, 3);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual([0, 1, 2].map(framesOf));
    expect(streams).toContainEqual(expect.objectContaining(expected.video));
    const audio = streams.filter((stream) => !('width' in stream)).map((stream) => stream['codec_name']);
    expect([...new Set(audio)]).toEqual(expected.audio ?? []);
    const idrs = units.filter((unit) => unit.idr).map((unit) => unit.ptsTicks);
    if (expected.encoded)
      expect(idrs.slice(0, 3)).toEqual([0, 1, 2].map((gop) => 100 * 90_000 + gop * gopTicks));
  });

  it('sends files at real-time pace', async () => {
    await source.put('paced', specOf(await files.make('paced.mp4', ...picture('160x90', 25, 2))));
    const first = await relay.ledger('paced', 1, 10_000);
    const later = await relay.ledger('paced', 4, 10_000);
    expect(later.sealedAtMs - first.sealedAtMs).toBeGreaterThan(2_500);
  });

  it('is kept over a restart, and replaced by another input', async () => {
    const input = await files.make('kept.mp4', ...picture('160x90', 25, 2));
    await source.put('kept', specOf(input));
    await relay.ledger('kept', 0, 10_000);
    await source.restart();
    expect(await source.list()).toMatchObject([{ id: 'kept', input: { kind: 'url', url: input } }]);
    await source.put('kept', generatedSpec);
    expect(await source.list()).toMatchObject([
      { id: 'kept', input: { kind: 'generated' }, state: 'running' },
    ]);
    expect(runningFfmpegs()).toHaveLength(1);
    const { nextGop } = await relay.info('kept');
    await relay.ledger('kept', nextGop, 10_000);
  });
});
