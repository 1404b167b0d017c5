import type { GopLedger } from '../../src/contracts/relay';
import { ptsLedgerHash } from '../../src/media/mpegts';
import { GopLedgers } from '../../src/media/relay/gop-ledgers';

const D = 90_000;
const FRAME = 22_500;
const gopsOf = (ledgers: readonly GopLedger[]): number[] => ledgers.map(({ gop }) => gop);
const ledger = (gop: number): GopLedger => ({ gop, ptsTicks: [gop * D], sha256: '', sealedAtMs: 0 });

describe('a GOP', () => {
  test('is sealed by the very picture that is decoded when it ends, not by the one after', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    for (const pts of [0, FRAME, 2 * FRAME, 3 * FRAME]) expect(ledgers.add(pts, pts)).toEqual([]);
    // One tick before its end a picture of it may still come.
    expect(ledgers.add(D - 1, D - 1)).toEqual([]);
    const before = Date.now();
    const sealed = ledgers.add(D, D);
    expect(sealed).toEqual([
      {
        gop: 0,
        ptsTicks: [0, FRAME, 2 * FRAME, 3 * FRAME, D - 1],
        sha256: ptsLedgerHash([0, FRAME, 2 * FRAME, 3 * FRAME, D - 1]),
        sealedAtMs: expect.any(Number),
      },
    ]);
    expect(sealed[0]!.sealedAtMs).toBeGreaterThanOrEqual(before);
    expect(ledgers.nextGop).toBe(1);
  });

  test('is sealed though the contribution ends with the picture at its end', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    const sealed = [0, FRAME, 2 * FRAME, 3 * FRAME, D].flatMap((pts) => ledgers.add(pts, pts));
    expect(gopsOf(sealed)).toEqual([0]);
  });

  test('that lacks its end is not sealed, and is forgotten where the contribution begins again', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    ledgers.add(0, 0);
    ledgers.add(FRAME, FRAME);
    ledgers.dropOpen();
    ledgers.add(2 * FRAME, 2 * FRAME);
    expect(ledgers.add(D, D)[0]).toMatchObject({ gop: 0, ptsTicks: [2 * FRAME] });
  });

  test('takes pictures by when they are shown, in that order, whenever they come', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    // As B frames come: decoded at 0, 1, 2, 3, shown at 0, 3, 1, 2; the next GOP's first is decoded before its time.
    ledgers.add(0, -FRAME);
    ledgers.add(3 * FRAME, 0);
    ledgers.add(FRAME, FRAME);
    expect(ledgers.add(D, 2 * FRAME)).toEqual([]);
    expect(ledgers.add(2 * FRAME, 3 * FRAME)).toEqual([]);
    const [sealed] = ledgers.add(D + FRAME, D);
    expect(sealed).toMatchObject({ gop: 0, ptsTicks: [0, FRAME, 2 * FRAME, 3 * FRAME] });
    expect(ledgers.add(2 * D, 2 * D)[0]).toMatchObject({ gop: 1, ptsTicks: [D, D + FRAME] });
  });

  test('sorts times by number, not as words', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    for (const pts of [9, 80_000, 1_000]) ledgers.add(pts, 0);
    expect(ledgers.add(D, D)[0]!.ptsTicks).toEqual([9, 1_000, 80_000]);
  });

  test('in which nothing is shown is sealed empty when a later picture shows that it is over', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    ledgers.add(0, 0);
    expect(ledgers.add(3 * D, 3 * D).map(({ gop, ptsTicks }) => [gop, ptsTicks])).toEqual([
      [0, [0]],
      [1, []],
      [2, []],
    ]);
    expect(ledgers.nextGop).toBe(3);
  });
});

describe('an empty GOP is seen before it is sealed', () => {
  test('in front of a picture that would end it', () => {
    const ledgers = new GopLedgers(D, 4, 10);
    ledgers.add(4 * D, 4 * D);
    expect(ledgers.wouldEndEmptyGop(4 * D)).toBe(false);
    expect(ledgers.wouldEndEmptyGop(5 * D)).toBe(false);
    expect(ledgers.wouldEndEmptyGop(6 * D - 1)).toBe(false);
    expect(ledgers.wouldEndEmptyGop(6 * D)).toBe(true);
    expect(ledgers.wouldEndEmptyGop(9 * D)).toBe(true);
    expect(ledgers.nextGop).toBe(4);
  });

  test('GOPs that are sealed already do not count', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    ledgers.add(0, 0);
    ledgers.add(D, D);
    expect(ledgers.wouldEndEmptyGop(2 * D)).toBe(false);
  });
});

describe('ledgers that are made known', () => {
  test('are read one by one and by range, the end not counted', () => {
    const ledgers = new GopLedgers(D, 10, 10);
    for (let gop = 3; gop < 8; gop++) ledgers.announce(ledger(gop));
    expect(ledgers.get(5)).toEqual(ledger(5));
    expect(ledgers.get(8)).toBeUndefined();
    expect(gopsOf(ledgers.between(4, 6))).toEqual([4, 5]);
    expect(gopsOf(ledgers.between(0, 100))).toEqual([3, 4, 5, 6, 7]);
  });

  test('are kept up to their number, the oldest go first', () => {
    const ledgers = new GopLedgers(D, 10, 3);
    for (let gop = 0; gop < 3; gop++) ledgers.announce(ledger(gop));
    expect(gopsOf(ledgers.between(0, 100))).toEqual([0, 1, 2]);
    ledgers.announce(ledger(3));
    expect(gopsOf(ledgers.between(0, 100))).toEqual([1, 2, 3]);
  });

  test('of an earlier run are taken on, but none of a GOP that is still to be sealed', () => {
    const ledgers = new GopLedgers(D, 2, 10);
    ledgers.restore([ledger(0), ledger(1), ledger(2), ledger(3)]);
    expect(gopsOf(ledgers.between(0, 100))).toEqual([0, 1]);
  });

  test('a sealed GOP is not known before it is announced', () => {
    const ledgers = new GopLedgers(D, 0, 10);
    ledgers.add(0, 0);
    const [sealed] = ledgers.add(D, D);
    expect(ledgers.get(0)).toBeUndefined();
    ledgers.announce(sealed!);
    expect(ledgers.get(0)).toBe(sealed);
  });
});
