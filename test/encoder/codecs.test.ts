import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import { divisorOf, picturesKept, type Rendition } from '../../src/domain';
import { TransportStreamReader, inspectSegment } from '../../src/media/mpegts';
import { readSegmentFormat } from '../../src/media/origin/segment-format';
import { until } from '../support/until';
import { makeContribution, type Contribution } from './support/contribution';
import { FeedServer } from './support/feed-server';
import { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, sessionRequest, startHost } from './support/test-host';

const FRAMES_PER_SECOND = 30;
const SECOND_SESSION_FROM = 3;
const LAST_GOP = 9;

/** All ways to encode at once: each codec, depth, rate control and divisor. */
const LADDER: Rendition[] = [
  { name: 'hevc', widthPx: 160, heightPx: 90, codec: 'libx265', crf: 28, maxBitrateKbps: 300 },
  {
    ...{ name: 'hevc10', widthPx: 128, heightPx: 72, codec: 'libx265', preset: 'veryfast', level: 4.1 },
    ...{ pixelFormat: 'yuv420p10le', rateControl: 'vbr', bitrateKbps: 150, maxBitrateKbps: 250 },
  },
  {
    ...{ name: 'hevc3', widthPx: 160, heightPx: 90, codec: 'libx265', frameRateDivisor: 3 },
    ...{ rateControl: 'cbr', maxBitrateKbps: 200, bufferKbit: 200 },
  },
  {
    ...{ name: 'avc10', widthPx: 160, heightPx: 90, crf: 28, maxBitrateKbps: 300 },
    ...{ pixelFormat: 'yuv420p10le', level: 4 },
  },
  {
    ...{ name: 'avc2', widthPx: 160, heightPx: 90, rateControl: 'cbr', maxBitrateKbps: 200 },
    ...{ frameRateDivisor: 2, profile: 'high' },
  },
];

/** CODECS of RFC 6381: profile, then level; of HEVC `L` and 30 times the level. */
const CODECS: Record<string, RegExp> = {
  hevc: /^hvc1\.1\.6\.L90\./,
  hevc10: /^hvc1\.2\.4\.L123\./,
  hevc3: /^hvc1\.1\.6\.L90\./,
  avc10: /^avc1\.6e0028$/,
  avc2: /^avc1\.64001e$/,
};

let contribution: Contribution;
beforeAll(() => {
  chmodSync(ffmpegInstaller.path, 0o755);
  contribution = makeContribution(13, { rate: String(FRAMES_PER_SECOND) });
});

/** The GOPs that one session publishes, from the second after `fromGop` on, and what the feed had of each. */
const publish = async (fromGop: number, ffmpegPath: string) => {
  const feed = new FeedServer(contribution, GOP_TICKS, (fromGop + 2.6) * GOP_TICKS, 4);
  const origin = new RecordingOrigin();
  await Promise.all([feed.listen(), origin.listen()]);
  const { client, stop } = await startHost({ ffmpegPath });
  try {
    const order = { fromGop, renditions: LADDER, framesPerSecond: FRAMES_PER_SECOND };
    const request = sessionRequest(feed.url, origin.url, order);
    await client.prepare(request);
    await client.commit(request.sessionId, 1, fromGop + 1);
    await until(`GOP ${LAST_GOP}`, () => origin.gops.includes(LAST_GOP), 30_000);
    return { origin, ptsOf: (gop: number) => feed.ptsOf(gop) };
  } finally {
    await stop();
    await Promise.all([feed.close(), origin.close()]);
  }
};

const dtsIn = (segment: Buffer): number[] => {
  const found: number[] = [];
  const reader = new TransportStreamReader({
    onUnit: ({ kind, dtsTicks }) => kind === 'video' && found.push(dtsTicks),
  });
  reader.push(segment);
  reader.flush();
  return found;
};

/** Pictures that a decoder which stops at any fault gives. */
const decodedPictures = (stream: Buffer, { widthPx, heightPx }: Rendition): number => {
  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-codecs-'));
  try {
    const file = join(folder, 'alternating.ts');
    writeFileSync(file, stream);
    const strict = ['-v', 'error', '-xerror', '-fflags', '+discardcorrupt', '-threads', '1', '-i', file];
    const out = ['-vsync', '0', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
    const gray = execFileSync('ffmpeg', [...strict, ...out], { maxBuffer: 1 << 28 });
    return gray.length / (widthPx * heightPx);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test('with every codec, rate control and divisor, each picture is there once where GOPs of two sessions meet', async () => {
  const [one, same, old] = [
    await publish(0, 'ffmpeg'),
    await publish(SECOND_SESSION_FROM, 'ffmpeg'),
    await publish(SECOND_SESSION_FROM, ffmpegInstaller.path),
  ];
  const gops = Array.from({ length: LAST_GOP - SECOND_SESSION_FROM }, (_, i) => SECOND_SESSION_FROM + 1 + i);
  for (const rendition of LADDER) {
    const segmentOf = ({ origin }: typeof one, gop: number): Buffer =>
      origin.published.find((p) => p.gop === gop)!.segments.get(rendition.name)!;
    const keptOf = (gop: number): number[] => picturesKept(one.ptsOf(gop), divisorOf(rendition));
    const formats = new Map<string, string>();
    for (const gop of gops) {
      for (const session of [one, same, old]) {
        const segment = segmentOf(session, gop);
        const { videoPtsTicks, beginsWithIdr } = inspectSegment(segment);
        expect([gop, beginsWithIdr, ...videoPtsTicks]).toEqual([gop, true, ...keptOf(gop)]);
        expect(dtsIn(segment)).toEqual(dtsIn(segmentOf(one, gop)));
        const format = readSegmentFormat(segment, false);
        expect(format).toMatchObject({ widthPx: rendition.widthPx, heightPx: rendition.heightPx });
        expect(format.codecs).toMatch(CODECS[rendition.name]!);
        if (session !== old) formats.set(format.parameterSets, format.codecs);
      }
    }
    // No session of a build changes what a decoder is set up with.
    expect(formats.size).toBe(1);
    expect(keptOf(gops[0]!)).toHaveLength(FRAMES_PER_SECOND / divisorOf(rendition));

    const alternating = gops.map((gop) => segmentOf(gop % 2 === 0 ? same : one, gop));
    const dts = alternating.flatMap(dtsIn);
    expect(dts).toEqual([...dts].sort((a, b) => a - b));
    const expected = gops.flatMap(keptOf).length;
    expect([rendition.name, decodedPictures(Buffer.concat(alternating), rendition)]).toEqual([
      rendition.name,
      expected,
    ]);
  }
  expect(one.origin.published[0]!.declared).toMatch(
    /^hevc=\d+,hevc10=\d+,hevc3=\d+\/3,avc10=\d+,avc2=\d+\/2$/,
  );
}, 90_000);
