import { parsePicture } from '../../bench/seam/clip';
import { bufferViolations, comparePictures, compareSound } from '../../bench/seam/compare';
import { seamFigures } from '../../bench/seam/figures';
import { adtsSamples, FactsReader, type SoundFact } from '../../bench/seam/segment-facts';
import { makeClip, probePackets } from '../mpegts/ffmpeg-clips';

describe('pictures', () => {
  const sent = [0, 3_600, 7_200, 10_800];

  test.each([
    ['all, in whatever order', [3_600, 0, 7_200, 10_800], { checked: 4, lost: 0, repeated: 0 }],
    ['one lost', [0, 3_600, 10_800], { checked: 3, lost: 1, repeated: 0 }],
    ['one twice', [0, 3_600, 3_600, 7_200, 10_800], { checked: 5, lost: 0, repeated: 1 }],
    ['one at another time', [0, 3_601, 7_200, 10_800], { checked: 4, lost: 1, repeated: 1 }],
  ])('%s', (_, published, expected) => {
    expect(comparePictures(sent, published)).toEqual(expected);
  });
});

describe('sound', () => {
  const unit = (n: number, sha256 = `unit-${n}`): SoundFact => ({
    ...{ track: 0, ptsTicks: n * 1_920, sha256, samples: 1_024 },
  });
  // A loop of ten units, three times.
  const sent = Array.from({ length: 30 }, (_, n) => unit(n, `unit-${n % 10}`));
  const exact = { lost: 0, repeated: 0, offsetChangeMs: 0 };

  test('a stretch of a loop is found where it is', () => {
    expect(compareSound(sent, sent.slice(7, 26), 26 * 1_920)).toEqual({ ...exact, checked: 19 * 1_024 });
  });

  test.each([
    ['a unit lost', sent.filter((_, n) => n !== 12), { ...exact, checked: 29 * 1_024, lost: 1_024 }],
    [
      'a unit twice',
      sent.flatMap((u, n) => (n === 12 ? [u, u] : [u])),
      { ...exact, checked: 31 * 1_024, repeated: 1_024 },
    ],
    [
      'another sound in its place',
      sent.map((u, n) => (n === 12 ? { ...u, sha256: 'foreign' } : u)),
      { ...exact, checked: 30 * 1_024, lost: 1_024, repeated: 1_024 },
    ],
  ])('%s', (_, published, expected) => {
    expect(compareSound(sent, published, Infinity)).toEqual(expected);
  });

  test('sound that moves against the picture is told in ms', () => {
    const moved = sent.map((u, n) => (n >= 15 ? { ...u, ptsTicks: u.ptsTicks + 180 } : u));
    expect(compareSound(sent, moved, Infinity)).toMatchObject({ lost: 0, repeated: 0, offsetChangeMs: 2 });
  });

  test('sound that ends early is lost from there on', () => {
    expect(compareSound(sent, sent.slice(0, 20), 28 * 1_920)).toMatchObject({ lost: 8 * 1_024 });
  });

  test('no sound at all is all of it lost', () => {
    expect(compareSound(sent, [], Infinity)).toMatchObject({ checked: 0, lost: 30 * 1_024 });
  });

  test('samples are counted as an independent reader counts them', () => {
    const clip = makeClip('ffmpeg', { seconds: 2, audio: ['-c:a', 'aac', '-ar', '48000'] });
    const reader = new FactsReader(0);
    reader.push(clip);
    const { sound, pictures } = reader.end();
    const samples = sound.reduce((sum, { samples: each }) => sum + (each ?? 0), 0);
    expect(samples).toBe(probePackets(clip, 'a').length * 1_024);
    expect(pictures).toHaveLength(50);
  });

  test('bytes that are no ADTS have no count', () => {
    expect(adtsSamples(Buffer.from('not audio at all'))).toBeNull();
    expect(adtsSamples(Buffer.alloc(0))).toBeNull();
  });
});

describe('rate buffer', () => {
  const pictures = (bytes: number[]) => bytes.map((each, n) => ({ dtsTicks: n * 3_600, bytes: each }));
  const limits = { bitsPerSecond: 250_000, bufferBits: 100_000 };

  test('pictures within the rate never empty it', () => {
    expect(bufferViolations(pictures(Array.from({ length: 100 }, () => 1_250)), limits)).toBe(0);
  });

  test('a picture larger than what it can hold empties it once', () => {
    // 90,000 bits are there at the beginning; 10,000 come with each picture.
    expect(bufferViolations(pictures([1_250, 1_250, 12_600, 1_250]), limits)).toBe(1);
    expect(bufferViolations(pictures([1_250, 1_250, 11_000, 1_250]), limits)).toBe(0);
  });
});

test('the drop at a seam is of the GOPs after it alone; a picture of something else is found', () => {
  const gops = [0, 0, 1, 1, 2, 2, 3, 3];
  const steady = { ssim: gops.map(() => 0.95), psnrDb: gops.map(() => 40) };
  const moved = {
    ssim: [0.3, 0.95, 0.94, 0.94, 0.94, 0.94, 0.95, 0.95],
    psnrDb: [40, 40, 39, 39, 39, 39, 40, 40],
  };
  const moves = [{ kind: 'handoff' as const, firstGop: 1, overlapGops: 1 }];
  expect(seamFigures({ moved, steady, gops, moves })).toEqual({
    ...{ framesCompared: 8, framesForeign: 1, seamSsimDrop: 0.01, seamPsnrDropDb: 1 },
  });
});

test('a picture is told by size and rate', () => {
  expect(parsePicture('1920x1080@60000/1001')).toEqual({
    ...{ widthPx: 1920, heightPx: 1080, rate: '60000/1001' },
  });
  expect(() => parsePicture('1080p')).toThrow(/WIDTHxHEIGHT@RATE/);
});
