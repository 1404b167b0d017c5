import {
  UnitRing,
  type ArrivedUnit,
  type RingUnit,
  type UnitRingLimits,
} from '../../src/media/relay/unit-ring';

const TABLES = Buffer.from('tables');
const unit = (ptsTicks: number, over: Partial<ArrivedUnit> = {}): ArrivedUnit => ({
  kind: 'video',
  ptsTicks,
  dtsTicks: over.dtsTicks ?? ptsTicks,
  keyframe: false,
  packets: Buffer.alloc(10, ptsTicks % 256),
  tables: TABLES,
  ...over,
});
const key = (ptsTicks: number, over: Partial<ArrivedUnit> = {}): ArrivedUnit => unit(ptsTicks, { keyframe: true, ...over }); // prettier-ignore
const ringWith = (units: readonly ArrivedUnit[], limits: Partial<UnitRingLimits> = {}): UnitRing => {
  const ring = new UnitRing({ retentionTicks: 1_000, maxBytes: 10_000, ...limits });
  for (const one of units) ring.append(one);
  return ring;
};
const held = (ring: UnitRing): RingUnit[] => {
  const units: RingUnit[] = [];
  for (let s = ring.firstSequence; s < ring.endSequence; s++) units.push(ring.at(s)!);
  return units;
};
const timesOf = (ring: UnitRing): number[] => held(ring).map((u) => u.ptsTicks);
/** Three groups of three: keyframes at 0, 300 and 600. */
const groups = [0, 300, 600].flatMap((t) => [key(t), unit(t + 100), unit(t + 200)]);

describe('a ring', () => {
  test('that is empty holds nothing', () => {
    const ring = ringWith([]);
    expect([ring.firstSequence, ring.endSequence, ring.heldBytes]).toEqual([0, 0, 0]);
    expect(ring.oldestKeyframeTicks).toBeUndefined();
    expect(ring.at(0)).toBeUndefined();
    expect(ring.sequenceToDecode(0)).toBeUndefined();
  });

  test('numbers units in the order of their arrival; none of them is on disk yet', () => {
    const ring = ringWith(groups);
    expect([ring.firstSequence, ring.endSequence, ring.heldBytes]).toEqual([0, 9, 90]);
    expect(ring.at(4)).toEqual({ ...groups[4], arrival: 4, saved: false });
    expect(ring.at(9)).toBeUndefined();
    expect(held(ring).map((u) => u.arrival)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('what leaves the ring', () => {
  test('is a whole group, once the next keyframe is as old as the retention, not before', () => {
    const ring = ringWith(groups, { retentionTicks: 500 });
    expect(timesOf(ring)[0]).toBe(300);
    const younger = ringWith(groups.slice(0, 8), { retentionTicks: 500 });
    expect(timesOf(younger)[0]).toBe(0);
    // The keyframe at 300 is 500 ticks old when 800 arrives.
    expect([ring.firstSequence, ring.endSequence, ring.heldBytes]).toEqual([3, 9, 60]);
    expect(ring.at(2)).toBeUndefined();
    expect(ring.at(3)?.ptsTicks).toBe(300);
    expect(ring.oldestKeyframeTicks).toBe(300);
  });

  test('goes by the time of decoding', () => {
    const ring = ringWith([key(0), key(300, { dtsTicks: 200 }), unit(650, { dtsTicks: 700 })], { retentionTicks: 500 }); // prettier-ignore
    expect(ring.oldestKeyframeTicks).toBe(300);
    const later = ringWith([key(0), key(300, { dtsTicks: 201 }), unit(650, { dtsTicks: 700 })], { retentionTicks: 500 }); // prettier-ignore
    expect(later.oldestKeyframeTicks).toBe(0);
  });

  test('is as much as brings it within its bytes, which it may fill to the last', () => {
    expect(timesOf(ringWith(groups, { maxBytes: 90 }))).toHaveLength(9);
    expect(timesOf(ringWith(groups, { maxBytes: 89 }))).toEqual([300, 400, 500, 600, 700, 800]);
    expect(timesOf(ringWith(groups, { maxBytes: 59 }))).toEqual([600, 700, 800]);
  });

  test('is a single group too, whole, where it alone is too large; it goes on with the next keyframe', () => {
    const ring = ringWith([key(0), unit(100), unit(200), unit(300)], { maxBytes: 35 });
    expect([ring.firstSequence, ring.endSequence, ring.heldBytes]).toEqual([4, 4, 0]);
    expect(ring.oldestKeyframeTicks).toBeUndefined();
    ring.append(key(400));
    expect(timesOf(ring)).toEqual([400]);
    expect(ring.at(4)?.arrival).toBe(4);
    expect(ring.sequenceToDecode(400)).toBe(4);
  });

  test('may be several groups at once', () => {
    const ring = ringWith([...groups, key(5_000)], { retentionTicks: 1_000 });
    expect(timesOf(ring)).toEqual([600, 700, 800, 5_000]);
  });
});

describe('where decoding may begin', () => {
  const ring = ringWith(groups);
  test.each([
    [0, 0],
    [299, 0],
    [300, 3],
    [301, 3],
    [800, 6],
  ])('for what is shown at %i is sequence %i, the last keyframe up to then', (ticks, sequence) => {
    expect(ring.sequenceToDecode(ticks)).toBe(sequence);
  });

  test('is not known before the first keyframe, nor for a time that video has not reached', () => {
    expect(ring.sequenceToDecode(-1)).toBeUndefined();
    expect(ring.sequenceToDecode(801)).toBeUndefined();
    ring.append(unit(900, { kind: 'audio' }));
    expect(ring.sequenceToDecode(801)).toBeUndefined();
  });

  test('audio that is marked as a keyframe is none', () => {
    expect(ringWith([key(0, { kind: 'audio' }), key(10)]).oldestKeyframeTicks).toBe(10);
  });

  test('video that is shown before what came earlier takes nothing back', () => {
    expect(ringWith([key(0), unit(300), unit(100)]).sequenceToDecode(300)).toBe(0);
  });
});

describe('units that are dropped', () => {
  test('are all that are shown from a time on; their numbers are given anew', () => {
    const ring = ringWith(groups);
    expect(ring.dropFrom(400)).toBe(4);
    expect(timesOf(ring)).toEqual([0, 100, 200, 300]);
    expect([ring.endSequence, ring.heldBytes]).toEqual([4, 40]);
    expect(ring.sequenceToDecode(300)).toBe(3);
    expect(ring.sequenceToDecode(301)).toBeUndefined();
    ring.append(key(400));
    expect(ring.at(4)).toMatchObject({ ptsTicks: 400, arrival: 9 });
    expect(ring.oldestKeyframeTicks).toBe(0);
  });

  test('are none where nothing is that late', () => {
    const ring = ringWith(groups);
    expect(ring.dropFrom(801)).toBe(9);
    expect(timesOf(ring)).toHaveLength(9);
  });

  test('leave those in between that are shown earlier', () => {
    const ring = ringWith([key(0), unit(300), unit(100), unit(200)]);
    expect(ring.dropFrom(300)).toBe(1);
    expect(timesOf(ring)).toEqual([0, 100, 200]);
  });

  test('may be all of them', () => {
    const ring = ringWith(groups);
    expect(ring.dropFrom(0)).toBe(0);
    expect([ring.endSequence, ring.heldBytes, ring.oldestKeyframeTicks]).toEqual([0, 0, undefined]);
    expect(ring.sequenceToDecode(0)).toBeUndefined();
  });
});

test('units that are not on disk are told up to a time, in the order of their arrival', () => {
  const ring = ringWith([key(0), unit(300), unit(100), unit(200)]);
  ring.at(2)!.saved = true;
  expect(ring.unsavedBefore(300).map((u) => u.ptsTicks)).toEqual([0, 200]);
  expect(ring.unsavedBefore(301).map((u) => u.ptsTicks)).toEqual([0, 300, 200]);
});

describe('a ring that is restored', () => {
  const kept = (over: Partial<RingUnit>[]): RingUnit[] =>
    over.map((one, i) => ({ ...unit(i * 100), arrival: i, saved: true, ...one }));

  test('holds what was kept from the first keyframe on, in the order of its arrival', () => {
    const ring = ringWith([]);
    ring.restore(kept([{}, { keyframe: true }, {}, {}]).reverse());
    expect(held(ring).map((u) => u.arrival)).toEqual([1, 2, 3]);
    expect(held(ring).every((u) => u.saved)).toBe(true);
    expect([ring.firstSequence, ring.endSequence, ring.heldBytes]).toEqual([0, 3, 30]);
    expect(ring.sequenceToDecode(300)).toBe(0);
  });

  test('goes on with an arrival that was never given, even where nothing can be decoded', () => {
    for (const units of [kept([{}, { keyframe: true, arrival: 41 }]), kept([{}, { arrival: 41 }])]) {
      const ring = ringWith([]);
      ring.restore(units);
      ring.append(key(9_000));
      expect(held(ring).at(-1)?.arrival).toBe(42);
    }
    const empty = ringWith([]);
    empty.restore([]);
    empty.append(key(0));
    expect(empty.at(0)?.arrival).toBe(0);
  });

  test('is not decoded from audio, though marked as a keyframe', () => {
    const ring = ringWith([]);
    ring.restore(kept([{ kind: 'audio', keyframe: true }, { keyframe: true }]));
    expect(held(ring).map((u) => u.arrival)).toEqual([1]);
  });

  test('shares the tables of units that have the same, so that a feed repeats them where they change only', () => {
    const ring = ringWith([]);
    const [same, other] = [Buffer.from('tables'), Buffer.from('others')];
    ring.restore(
      kept([{ keyframe: true }, { tables: same }, { tables: other }, { tables: Buffer.from('others') }]),
    );
    const tables = held(ring).map((u) => u.tables);
    expect(tables[1]).toBe(tables[0]);
    expect(tables[2]).toBe(other);
    expect(tables[3]).toBe(other);
  });
});
