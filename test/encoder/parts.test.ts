import { levelOf, type FrameRate, type Rendition } from '../../src/domain';
import { encoderDelayFrames, ffmpegArguments } from '../../src/media/encoder/ffmpeg-arguments';
import { parseVersion } from '../../src/media/encoder/ffmpeg-capabilities';
import { GopCollector } from '../../src/media/encoder/gop-collector';
import { HeldGops } from '../../src/media/encoder/held-gops';
import { keyFrameList } from '../../src/media/encoder/key-frame-list';
import { LiveEdge } from '../../src/media/encoder/live-edge';
import { shapeFilters } from '../../src/media/encoder/picture-shape';
import { RenditionSpeeds } from '../../src/media/encoder/rendition-speeds';
import type { EncodedGop } from '../../src/media/encoder/types';
import { makeContribution } from './support/contribution';
import { LADDER } from './support/test-host';

describe('key frame list', () => {
  test('begins at 100 s, with a time per GOP', () => {
    expect(keyFrameList(180_000, 4)).toEqual({ list: '100,102,104,106', gops: 4 });
    expect(keyFrameList(172_800, 3)).toEqual({ list: '100,101.92,103.84', gops: 3 });
  });

  test('a time between microseconds is cut off below, so that it never misses its frame', () => {
    // 60 frames of 29.97/s: 180180 ticks are 2.002 s; 150001 ticks are 1.666677777… s.
    expect(keyFrameList(180_180, 2).list).toBe('100,102.002');
    expect(keyFrameList(150_001, 2).list).toBe('100,101.666677');
  });

  test.each([45_000, 90_000, 150_001, 180_000, 900_000])('of GOPs of %d ticks fits one argument', (ticks) => {
    const { list, gops } = keyFrameList(ticks);
    expect(Buffer.byteLength(list)).toBeLessThanOrEqual(100 * 1024);
    const hours = (gops * ticks) / 90_000 / 3600;
    expect(hours).toBeGreaterThan(2);
    // Feed time wraps after 26.5 h.
    expect(hours).toBeLessThan(26);
  });
});

describe('H.264 level', () => {
  test.each<[number, number, FrameRate, string]>([
    [320, 180, 25, '3.0'],
    [640, 360, 25, '3.0'],
    [1280, 720, 25, '3.1'],
    [1920, 1080, 30, '4.0'],
    [1280, 720, '60000/1001', '4.0'],
    [1280, 720, '30000/1001', '3.1'],
    [1920, 1080, 60, '4.2'],
    [1920, 1080, '60000/1001', '4.2'],
    [3840, 2160, 60, '5.2'],
  ])('%dx%d at %s frames/s is %s', (widthPx, heightPx, framesPerSecond, level) => {
    expect(levelOf({ name: 'r', widthPx, heightPx, maxBitrateKbps: 900 }, framesPerSecond)).toBe(
      Number(level),
    );
  });
});

test.each([
  [{ maxBitrateKbps: 7_000 }, '3.1'],
  [{ maxBitrateKbps: 7_001 }, '4.0'],
  [{ maxBitrateKbps: 7_000, bufferKbit: 30_000 }, '4.2'],
  [{ maxBitrateKbps: 60_000, bufferKbit: 60_000 }, '5.1'],
])('a level carries the bit rate too: %j of 720p is %s', (rate, level) => {
  expect(levelOf({ name: 'r', widthPx: 1_280, heightPx: 720, ...rate }, 25)).toBe(Number(level));
});

describe('capabilities', () => {
  const print = (codec: string, configuration: string): string =>
    `ffmpeg version 5.1.9-0 Copyright (c) 2000-2026\nconfiguration: ${configuration}\nlibavcodec     ${codec} / ${codec}\n`;

  test.each([
    ['59. 37.100', true],
    ['59. 18.100', false],
    ['58. 42.100', false],
    ['61.  3.100', true],
  ])('libavcodec %s knows -fps_mode: %s', (codec, hasFpsMode) => {
    expect(parseVersion(print(codec, '--enable-gpl --enable-libx264'))).toEqual({
      version: '5.1.9-0',
      hasLibx264: true,
      hasFpsMode,
      canMapTones: false,
    });
  });

  test('a build without libx264 is told', () => {
    expect(parseVersion(print('59. 37.100', '--enable-libx265')).hasLibx264).toBe(false);
  });
});

test('each rendition is written to a descriptor of its own, and standard error is left alone', () => {
  const args = ffmpegArguments(
    { renditions: LADDER, framesPerSecond: 25, gopDurationTicks: 90_000, keyFrameTimes: '100' },
    { path: 'ffmpeg', version: '5.1', hasLibx264: true, hasFpsMode: true, canMapTones: true },
  );
  expect(args.filter((a) => a.startsWith('pipe:'))).toEqual(['pipe:0', 'pipe:1', 'pipe:3', 'pipe:4']);
});

describe('options of a rendition', () => {
  const argumentsOf = (options: Partial<Rendition>): string => {
    const renditions = [{ ...LADDER[0]!, ...options }];
    const job = { renditions, framesPerSecond: 25, gopDurationTicks: 90_000, keyFrameTimes: '100' };
    return ffmpegArguments(job, {
      path: 'ffmpeg',
      version: '5.1',
      hasLibx264: true,
      hasFpsMode: true,
      canMapTones: true,
    }).join(' ');
  };

  test('are as they always were where none is given', () => {
    const args = argumentsOf({});
    expect(args).toContain('-preset superfast -threads 1 -bf 2 -crf 26 -maxrate 300k -bufsize 300k');
    expect(args).toContain('-profile:v main -level 3.0 -pix_fmt yuv420p');
    expect(encoderDelayFrames({ renditions: LADDER, framesPerSecond: 25 })).toBe(4);
  });

  test('are handed on to x264', () => {
    const args = argumentsOf({ preset: 'fast', profile: 'high', bufferKbit: 450 });
    expect(args).toContain('-preset fast');
    expect(args).toContain('-bufsize 225k -profile:v high');
    expect(argumentsOf({ profile: 'baseline' })).toContain('-bf 0');
  });

  test('are exactly what they were for a ladder of before, but for the shape', () => {
    expect(argumentsOf({ preset: 'fast', profile: 'high', bufferKbit: 450 })).toBe(
      '-hide_banner -nostdin -nostats -loglevel error -y -copyts -probesize 200k -analyzeduration 200k ' +
        '-filter_threads 1 -threads 1 -f mpegts -i pipe:0 -map 0:v:0 -vf trim=start=99.999995,' +
        `${shapeFilters({ widthPx: 160, heightPx: 90 })} ` +
        '-fps_mode passthrough -enc_time_base 1:90000 -c:v libx264 -preset fast -threads 1 -bf 2 -crf 26 ' +
        '-maxrate 300k -bufsize 225k -profile:v high -level 3.0 -pix_fmt yuv420p -x264-params force-cfr=0 ' +
        '-g 100000 -keyint_min 1 -sc_threshold 0 -forced-idr 1 -flags +cgop -force_key_frames 100 ' +
        '-muxdelay 0 -muxpreload 0 -flush_packets 1 -f mpegts pipe:1',
    );
  });

  test('say how the rate is held', () => {
    const { crf: _, ...rendition } = LADDER[0]!;
    const argumentsOfRate = (rate: Partial<Rendition>): string =>
      ffmpegArguments(
        {
          ...{ renditions: [{ ...rendition, ...rate }], framesPerSecond: 25 },
          ...{ gopDurationTicks: 90_000, keyFrameTimes: '100' },
        },
        { path: 'ffmpeg', version: '5.1', hasLibx264: true, hasFpsMode: true, canMapTones: true },
      ).join(' ');
    expect(argumentsOfRate({ rateControl: 'cbr' })).toContain(
      '-bf 2 -b:v 300k -minrate 300k -maxrate 300k -bufsize 300k -profile',
    );
    expect(argumentsOfRate({ rateControl: 'vbr', bitrateKbps: 200 })).toContain(
      '-bf 2 -b:v 200k -maxrate 300k -bufsize 300k -profile',
    );
  });

  test('of HEVC have its level, its rate, and GOPs that stand by themselves', () => {
    const args = argumentsOf({ codec: 'libx265', pixelFormat: 'yuv420p10le', frameRateDivisor: 2 });
    expect(args).toContain('-c:v libx265 -preset superfast -bf 2 -crf 26 -maxrate 300k -bufsize 300k');
    expect(args).toContain(
      '-pix_fmt yuv420p10le -x265-params log-level=error:fps=25/2:level-idc=3.0:high-tier=0',
    );
    expect(args).toContain(':open-gop=0:scenecut=0:repeat-headers=1:');
    expect(args).toContain('-forced-idr 1');
  });

  test('interlaced pictures are made whole before anything else, where the channel says so', () => {
    const job = { renditions: LADDER, framesPerSecond: 25, gopDurationTicks: 90_000, keyFrameTimes: '100' };
    const ffmpeg = { path: 'ffmpeg', version: '5.1', hasLibx264: true, hasFpsMode: true, canMapTones: true };
    const filters = (deinterlace: 'none' | 'frame') =>
      ffmpegArguments({ ...job, deinterlace }, ffmpeg).filter((a) => a.includes('trim='));
    expect(filters('frame')).toHaveLength(LADDER.length);
    for (const filter of filters('frame'))
      expect(filter).toMatch(/^bwdif=mode=send_frame:deint=interlaced,trim=/);
    for (const filter of filters('none')) expect(filter).toMatch(/^trim=/);
  });

  test.each([
    ['320x180 at 25', [320, 180, 25], { decode: 1, encode: 1, heldBack: 4 }],
    ['1280x720 at 25', [1280, 720, 25], { decode: 1, encode: 1, heldBack: 4 }],
    ['1920x1080 at 25', [1920, 1080, 25], { decode: 1, encode: 2, heldBack: 5 }],
    ['1920x1080 at 60', [1920, 1080, 60], { decode: 2, encode: 4, heldBack: 8 }],
    ['3840x2160 at 60', [3840, 2160, 60], { decode: 4, encode: 8, heldBack: 14 }],
  ] as const)(
    'threads go by the size of the picture, and each holds one back: %s',
    (_, [widthPx, heightPx, framesPerSecond], { decode, encode, heldBack }) => {
      const renditions = [{ ...LADDER[0]!, widthPx, heightPx, maxBitrateKbps: 8_000 }];
      const job = { renditions, framesPerSecond, gopDurationTicks: 180_000, keyFrameTimes: '100' };
      const args = ffmpegArguments(job, {
        path: '',
        version: '5.1',
        hasLibx264: true,
        hasFpsMode: true,
        canMapTones: true,
      });
      const threads = args.flatMap((arg, i) => (arg === '-threads' ? [Number(args[i + 1])] : []));
      expect(threads).toEqual([decode, encode]);
      expect(encoderDelayFrames(job)).toBe(heldBack);
    },
  );

  test('a large contribution is decoded by several threads, also for a small rendition', () => {
    const job = {
      ...{ renditions: LADDER.slice(0, 1), framesPerSecond: 25, gopDurationTicks: 180_000 },
      ...{ keyFrameTimes: '100', inputPixelsPerSecond: 1920 * 1080 * 50 },
    };
    const ffmpeg = { path: 'ffmpeg', version: '5.1', hasLibx264: true, hasFpsMode: true, canMapTones: true };
    expect(ffmpegArguments(job, ffmpeg).join(' ')).toContain('-threads 2 -f mpegts -i pipe:0');
    expect(encoderDelayFrames(job)).toBe(5);
  });

  test('the slowest lookahead of a session counts towards what it holds back', () => {
    const delayOf = (...renditions: Rendition[]): number =>
      encoderDelayFrames({ renditions, framesPerSecond: 25 });
    expect(delayOf(LADDER[0]!, { ...LADDER[1]!, preset: 'fast' })).toBe(34);
    // In pictures of the channel, of which every third is encoded.
    expect(delayOf({ ...LADDER[0]!, frameRateDivisor: 3 })).toBe(10);
  });
});

const gopOfSize = (gop: number, bytes: number): EncodedGop => ({
  gop,
  segments: [{ name: '90p', segment: Buffer.alloc(bytes) }],
});

test('held GOPs are bounded by number and by size; the oldest give way, the newest never', () => {
  const held = new HeldGops();
  for (const gop of [1, 2, 3, 4]) held.put(gopOfSize(gop, 10));
  held.put(gopOfSize(4, 30));
  held.trim(3, 1_000);
  expect([held.get(1), held.get(2)?.gop]).toEqual([undefined, 2]);
  held.trim(3, 40);
  expect([held.get(2), held.get(3)?.gop, held.get(4)?.gop]).toEqual([undefined, 3, 4]);
  held.trim(1, 5);
  expect(held.get(4)?.segments[0]!.segment).toHaveLength(30);
  held.deleteBefore(5);
  expect(held.get(4)).toBeUndefined();
});

describe('GOP collector', () => {
  const segment = (gop: number, ptsTicks: number[]) => ({
    gop,
    segment: Buffer.from('x'),
    videoPtsTicks: ptsTicks,
  });

  test('gives a GOP once every rendition has it, in the order of the ladder', () => {
    const given: EncodedGop[] = [];
    const collector = new GopCollector([{ name: 'a' }, { name: 'b' }], (gop) => given.push(gop));
    collector.add(1, segment(4, [0, 1]));
    collector.add(1, segment(5, [2, 3]));
    expect(given).toEqual([]);
    collector.add(0, segment(4, [0, 1]));
    expect(given.map((g) => [g.gop, g.segments.map((s) => s.name)])).toEqual([[4, ['a', 'b']]]);
  });

  test.each([
    ['a frame less', [0]],
    ['another frame', [0, 2]],
  ])('refuses a GOP of which one rendition has %s', (_, ptsTicks) => {
    const given: EncodedGop[] = [];
    const collector = new GopCollector([{ name: 'a' }, { name: 'b' }], (gop) => given.push(gop));
    collector.add(0, segment(4, [0, 1]));
    expect(() => collector.add(1, segment(4, ptsTicks))).toThrow(/GOP 4, rendition b/);
    expect(given).toEqual([]);
  });
});

test('a GOP is compared in what its renditions share', () => {
  const given: EncodedGop[] = [];
  const collect = (a: number[], half: number[]): void => {
    const collector = new GopCollector([{ name: 'a' }, { name: 'b', frameRateDivisor: 2 }], (gop) =>
      given.push(gop),
    );
    collector.add(0, { gop: 1, segment: Buffer.from('x'), videoPtsTicks: a });
    collector.add(1, { gop: 1, segment: Buffer.from('y'), videoPtsTicks: half });
  };
  collect([0, 1, 2], [0, 2]);
  expect(given[0]!.segments.map((s) => [s.name, s.frameRateDivisor])).toEqual([
    ['a', undefined],
    ['b', 2],
  ]);
  expect(() => collect([0, 1, 2], [0, 1])).toThrow(/rendition b has 2 frames, not the 2 of a/);
  expect(() => collect([0, 1, 2], [0, 1, 2])).toThrow(/rendition b/);
});

test('speeds are of the last GOP of each rendition, and none is counted across a restart', () => {
  let nowMs = 0;
  const speeds = new RenditionSpeeds([{ name: 'a' }, { name: 'b' }], 90_000, () => nowMs);
  speeds.completed(0);
  speeds.completed(1);
  expect(speeds.latest).toEqual([]);
  nowMs = 500;
  speeds.completed(0);
  nowMs = 2_000;
  speeds.completed(1);
  const latest = [
    { rendition: 'a', realTimeRatio: 2 },
    { rendition: 'b', realTimeRatio: 0.5 },
  ];
  expect(speeds.latest).toEqual(latest);
  speeds.restart();
  nowMs = 9_000;
  speeds.completed(0);
  expect(speeds.latest).toEqual(latest);
});

describe('live edge', () => {
  const { units, baseTicks } = makeContribution(8);
  const frames = units.filter((u) => u.kind === 'video');
  let nowMs = 0;
  let edge: LiveEdge;

  beforeEach(() => {
    nowMs = 5_000;
    edge = new LiveEdge(() => nowMs);
  });

  /** Brings frames one after the other, each so long after the one before. */
  const bring = (from: number, to: number, everyMs: number): void => {
    for (const frame of frames.slice(from, to)) {
      nowMs += everyMs;
      edge.arrived({ ptsTicks: frame.ptsTicks + baseTicks, dtsTicks: frame.dtsTicks + baseTicks });
    }
  };

  test('is reached once the backlog has come and the feed keeps pace', () => {
    bring(0, 100, 1);
    expect(edge.isReached()).toBe(false);
    bring(100, 105, 40);
    expect(edge.isReached()).toBe(true);
    // 105 frames of 40 ms: 4.2 s of media, of which the first 3 s ended 1.2 s before its end.
    const ageMs = edge.ageMs(baseTicks + 3 * 90_000);
    expect(ageMs).toBeGreaterThan(1_000);
    expect(ageMs).toBeLessThan(1_400);
  });

  test('is sought anew after a silence, so that what comes then is not late', () => {
    bring(0, 50, 40);
    nowMs += 10_000;
    bring(50, 75, 40);
    expect(edge.isReached()).toBe(true);
    expect(edge.ageMs(baseTicks + 3 * 90_000)).toBeLessThan(200);
  });
});
