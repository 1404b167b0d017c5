import { bufferViolations, comparePictures } from '../../bench/seam/compare';
import { seamFigures } from '../../bench/seam/figures';

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
