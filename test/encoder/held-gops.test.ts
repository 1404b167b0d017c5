import { HeldGops } from '../../src/media/encoder/held-gops';
import type { EncodedGop } from '../../src/media/encoder/types';

const gopOf = (gop: number, ...bytes: number[]): EncodedGop => ({
  gop,
  segments: bytes.map((n, i) => ({ name: `r${i}`, segment: Buffer.alloc(n) })),
});
const holding = (...gops: EncodedGop[]): HeldGops => {
  const held = new HeldGops();
  for (const gop of gops) held.put(gop);
  return held;
};
const of = (held: HeldGops): number[] => Array.from({ length: 20 }, (_, g) => g).filter((g) => held.get(g));

test('a GOP is held until it is deleted; one encoded again takes the place of the first', () => {
  const held = holding(gopOf(3, 10), gopOf(4, 10));
  const again = gopOf(3, 20);
  held.put(again);
  expect(held.get(3)).toBe(again);
  held.delete(3);
  expect(held.get(3)).toBeUndefined();
  held.delete(3);
  expect(of(held)).toEqual([4]);
});

test('GOPs before one are let go of, that one is not', () => {
  const held = holding(gopOf(3, 1), gopOf(4, 1), gopOf(5, 1));
  held.deleteBefore(4);
  expect(of(held)).toEqual([4, 5]);
});

describe('what is trimmed', () => {
  test('is the oldest, whatever the order in which they came', () => {
    const held = holding(gopOf(5, 10), gopOf(3, 10), gopOf(4, 10));
    held.trim(2, 1_000);
    expect(of(held)).toEqual([4, 5]);
  });

  test('is nothing while both limits are kept, to the last GOP and byte', () => {
    const held = holding(gopOf(3, 10, 20), gopOf(4, 30));
    held.trim(2, 60);
    expect(of(held)).toEqual([3, 4]);
    held.trim(2, 59);
    expect(of(held)).toEqual([4]);
  });

  test('never is the newest, however large', () => {
    const held = holding(gopOf(3, 10), gopOf(4, 500));
    held.trim(0, 0);
    expect(of(held)).toEqual([4]);
  });

  test('counts the bytes that are still held: not those that were deleted, replaced or cleared', () => {
    const held = holding(gopOf(1, 100), gopOf(2, 10), gopOf(3, 10));
    held.put(gopOf(2, 5));
    held.delete(1);
    held.trim(10, 15);
    expect(of(held)).toEqual([2, 3]);
    held.trim(10, 14);
    expect(of(held)).toEqual([3]);
    held.clear();
    expect(of(held)).toEqual([]);
    held.put(gopOf(6, 10));
    held.put(gopOf(7, 10));
    held.trim(10, 20);
    expect(of(held)).toEqual([6, 7]);
  });
});
