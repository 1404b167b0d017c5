import { canaryChannelCount, movesAtOnce, planWaves, type WaveCandidate } from '../../src/versions/waves';

const candidate = (encoderId: string, more: Partial<WaveCandidate> = {}): WaveCandidate => ({
  encoderId,
  zone: 'a',
  fitness: 0.8,
  troubles: 0,
  unitsUsed: 2,
  ...more,
});

describe('waves', () => {
  test('the canary carries least, then come the troubled and the least fit, then the rest', () => {
    const waves = planWaves([
      candidate('enc-1', { fitness: 0.9 }),
      candidate('enc-2', { unitsUsed: 1 }),
      candidate('enc-3', { fitness: 0.3 }),
      candidate('enc-4', { troubles: 1, fitness: 0.7 }),
      candidate('enc-5', { fitness: 0.95 }),
    ]);
    expect(waves).toEqual([
      { name: 'canary', encoderIds: ['enc-2'] },
      { name: 'least-fit', encoderIds: ['enc-4', 'enc-3'] },
      { name: 'rest', encoderIds: ['enc-1', 'enc-5'] },
    ]);
  });

  test('a wave goes zone by zone', () => {
    const waves = planWaves([
      candidate('canary', { unitsUsed: 0 }),
      ...['b', 'a', 'b', 'a', 'b', 'a'].map((zone, i) =>
        candidate(`enc-${i}`, { zone, fitness: 0.5 + i / 100 }),
      ),
    ]);
    expect(waves.at(-1)?.encoderIds).toEqual(['enc-2', 'enc-4', 'enc-3', 'enc-5']);
  });

  test('every encoder is in one wave', () => {
    const all = Array.from({ length: 9 }, (_, i) => candidate(`enc-${i}`, { zone: i % 2 ? 'a' : 'b' }));
    const planned = planWaves(all).flatMap((wave) => wave.encoderIds);
    expect([...planned].sort()).toEqual(all.map((c) => c.encoderId));
    expect(planWaves([])).toEqual([]);
  });
});

test('the canary gets its share, and one channel at least', () => {
  expect(canaryChannelCount(6, 0.25)).toBe(1);
  expect(canaryChannelCount(40, 0.25)).toBe(10);
  expect(canaryChannelCount(2, 0.25)).toBe(1);
  expect(canaryChannelCount(0, 0.25)).toBe(0);
});

test('moves at a time leave room for one more', () => {
  expect(movesAtOnce({ extraUnits: 2.1, largestChannelUnits: 1 })).toBe(1);
  expect(movesAtOnce({ extraUnits: 3.5, largestChannelUnits: 1 })).toBe(2);
  expect(movesAtOnce({ extraUnits: 350, largestChannelUnits: 1 })).toBe(4);
  expect(movesAtOnce({ extraUnits: 0, largestChannelUnits: 0 })).toBe(1);
});
