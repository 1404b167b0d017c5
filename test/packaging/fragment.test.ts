import { inspectSegment, retimePackets } from '../../src/media/mpegts';
import { Packager, soundTracksOf, type FragmentJob } from '../../src/media/packaging';
import { makeFragment, type Fragment, type TrackOfGop } from '../../src/media/packaging/fragment';
import { readFragment, readHeader } from '../origin/support/boxes';
import { decodedFragments, decodedPictures } from '../origin/support/decoded-pictures';
import { packagingProgram } from '../origin/support/running-origin';
import { GOP_DURATION_TICKS, encodeGops, type EncodedGop } from '../origin/support/segments';

const GOPS = 4;
const FRAMES = 50;
/** So many GOPs of 2 s that 33 bits of PTS wrap within them. */
const GOP_AT_THE_WRAP = Math.floor(2 ** 33 / GOP_DURATION_TICKS);

const TWO_TRACKS = [
  ...['-map', '0:v', '-map', '1:a', '-map', '1:a'],
  ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'],
];

let gops: EncodedGop[];
beforeAll(async () => {
  gops = await encodeGops(GOPS, '160x90', { audio: true, extra: TWO_TRACKS });
});

const jobOf = (segment: Buffer, gop: number, track: TrackOfGop): FragmentJob => ({
  ...{ segment, track },
  startTicks: gop * GOP_DURATION_TICKS,
  durationTicks: GOP_DURATION_TICKS,
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** Where each fragment begins and the one before it ended, in the time scale of their track. */
const joints = (fragments: readonly Fragment[]): [began: number, ended: number][] => {
  const boxes = fragments.map(({ media }) => readFragment(media));
  return boxes.slice(1).map((box, i) => [box.decodeTime, boxes[i]!.decodeTime + sum(boxes[i]!.durations)]);
};

const all = (track: TrackOfGop): Promise<Fragment[]> =>
  Promise.all(gops.map(({ segment }, gop) => makeFragment(jobOf(segment, gop, track))));

const asFile = (fragments: readonly Fragment[]): Buffer =>
  Buffer.concat([fragments[0]!.init, ...fragments.map(({ media }) => media)]);

test('pictures: each GOP begins where the one before it ended, under one header', async () => {
  const fragments = await all('video');
  for (const { init } of fragments) expect(Buffer.compare(init, fragments[0]!.init)).toBe(0);
  expect(readHeader(fragments[0]!.init)).toMatchObject({ timescale: 90_000, coding: 'avc1' });
  for (const [gop, { media }] of fragments.entries()) {
    const boxes = readFragment(media);
    expect(boxes.types).toEqual(['styp', 'sidx', 'moof', 'mdat']);
    expect(boxes.decodeTime).toBe(gop * GOP_DURATION_TICKS);
    expect(sum(boxes.durations)).toBe(GOP_DURATION_TICKS);
    expect(boxes.durations).toHaveLength(FRAMES);
  }
});

test('colours are in the header where they are known', async () => {
  const colours = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709'];
  const [known] = await encodeGops(1, '160x90', { extra: colours });
  const headerOf = async (segment: Buffer): Promise<Buffer> =>
    Buffer.from((await makeFragment(jobOf(segment, 0, 'video'))).init);
  expect((await headerOf(known!.segment)).includes('colr')).toBe(true);
  expect((await headerOf(gops[0]!.segment)).includes('colr')).toBe(false);
});

test('pictures: ffmpeg shows those of the transport stream, at their times, without a complaint', async () => {
  const fragments = await all('video');
  const step = Math.max(
    ...fragments.flatMap(({ media }) => readFragment(media).offsets.map((ticks) => -ticks)),
  );
  const shown = await decodedFragments(asFile(fragments), step);
  const own: typeof shown = [];
  for (const { segment } of gops)
    own.push(...(await decodedPictures(['-f', 'mpegts', '-i', 'pipe:0'], segment)));
  expect(shown).toHaveLength(GOPS * FRAMES);
  expect(shown).toEqual(own);
});

test('sound: both tracks go on from sample to sample, with their languages', async () => {
  const found = soundTracksOf(inspectSegment(gops[0]!.segment).sound);
  expect(found.map(({ track, format }) => [track, format?.codecs, format?.language])).toEqual([
    [1, 'mp4a.40.2', 'deu'],
    [2, 'mp4a.40.2', 'eng'],
  ]);
  for (const [track, language] of [
    [1, 'deu'],
    [2, 'eng'],
  ] as const) {
    const fragments = await all(track);
    expect(readHeader(fragments[0]!.init)).toEqual({ timescale: 44_100, language, coding: 'mp4a' });
    for (const { init } of fragments) expect(Buffer.compare(init, fragments[0]!.init)).toBe(0);
    for (const [began, ended] of joints(fragments)) expect(began).toBe(ended);
    for (const { media } of fragments)
      expect(new Set(readFragment(media).durations)).toEqual(new Set([1024]));
  }
});

test('time goes on over the wrap of 33 bits', async () => {
  const across = gops.map(({ segment }, i) => {
    const gop = GOP_AT_THE_WRAP - 1 + i;
    const moved = Buffer.from(segment);
    retimePackets(moved, (gop - i) * GOP_DURATION_TICKS);
    return { moved, gop };
  });
  for (const track of ['video', 1] as const) {
    const fragments = await Promise.all(
      across.map(({ moved, gop }) => makeFragment(jobOf(moved, gop, track))),
    );
    for (const [began, ended] of joints(fragments)) expect(Math.abs(began - ended)).toBeLessThanOrEqual(1);
    const scale = track === 'video' ? 90_000 : 44_100;
    const began = readFragment(fragments[0]!.media).decodeTime / scale;
    expect(Math.abs(began - (across[0]!.gop * GOP_DURATION_TICKS) / 90_000)).toBeLessThan(0.05);
  }
});

test('a fragment is a function of its GOP alone: made later, or elsewhere, it has the same bytes', async () => {
  const packager = new Packager({ keptBytes: 2 ** 20, program: packagingProgram });
  const { segment } = gops[1]!;
  jest.useFakeTimers({ now: Date.UTC(2031, 1, 1), doNotFake: ['nextTick', 'setImmediate'] });
  const later = await makeFragment(jobOf(segment, 1, 'video'));
  jest.useRealTimers();
  const elsewhere = await packager.fragment('a', async () => jobOf(segment, 1, 'video'));
  await packager.close();
  expect(elsewhere.media.equals(later.media)).toBe(true);
  expect(elsewhere.init.equals(later.init)).toBe(true);
});

test('HEVC stands in fragments too', async () => {
  const hevc = await encodeGops(2, '128x72', {
    profile: 'main',
    extra: [
      '-c:v',
      'libx265',
      '-x265-params',
      'keyint=50:min-keyint=50:open-gop=0:scenecut=0:log-level=none',
    ],
  });
  const fragments = await Promise.all(
    hevc.map(({ segment }, gop) => makeFragment(jobOf(segment, gop, 'video'))),
  );
  expect(readHeader(fragments[0]!.init).coding).toBe('hvc1');
  for (const [began, ended] of joints(fragments)) expect(began).toBe(ended);
  expect(await decodedPictures(['-f', 'mp4', '-i', 'pipe:0'], asFile(fragments))).toHaveLength(2 * FRAMES);
});

describe('packager', () => {
  const named = (name: string): [string, () => Promise<FragmentJob>] => [
    name,
    async () => jobOf(gops[0]!.segment, 0, 'video'),
  ];

  test('makes what many want once, and keeps it up to its bound', async () => {
    const one = await makeFragment(jobOf(gops[0]!.segment, 0, 'video'));
    const bytes = one.init.length + one.media.length;
    const packager = new Packager({ keptBytes: 2 * bytes, program: packagingProgram });
    await Promise.all(Array.from({ length: 20 }, () => packager.fragment(...named('a'))));
    expect(packager.made.fragments).toBe(1);
    await packager.fragment(...named('b'));
    await packager.fragment(...named('a'));
    await packager.fragment(...named('c'));
    expect(packager.keptBytes).toBe(2 * bytes);
    await packager.fragment(...named('a'));
    expect(packager.made.fragments).toBe(3);
    await packager.fragment(...named('b'));
    expect(packager.made.fragments).toBe(4);
    await packager.close();
    await expect(packager.fragment(...named('d'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('says what is not there, and goes on', async () => {
    const packager = new Packager({ keptBytes: 2 ** 20, program: packagingProgram });
    const missing = packager.fragment('x', async () => jobOf(gops[0]!.segment, 0, 3));
    await expect(missing).rejects.toMatchObject({ code: 'not-found' });
    const broken = packager.fragment('y', async () => jobOf(gops[0]!.segment.subarray(0, 188), 0, 'video'));
    await expect(broken).rejects.toMatchObject({ code: 'not-found' });
    expect((await packager.fragment(...named('z'))).media.length).toBeGreaterThan(1_000);
    await packager.close();
  });
});
