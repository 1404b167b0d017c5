import { parseSplice, spliceInsertSection, type SpliceMessage } from '../../src/media/mpegts';
import { SplicePlan, type PlanClock } from '../../src/media/relay/splice-plan';

const SECOND = 90_000;
const FRAME = 3_600;
const GOP = 2 * SECOND;
const clock = (seconds: number): PlanClock => ({
  nowTicks: seconds * SECOND,
  openTicks: Math.floor((seconds * SECOND) / GOP) * GOP,
});
const framesOf = (gop: number): number[] => Array.from({ length: 50 }, (_, i) => gop * GOP + i * FRAME);

let plan: SplicePlan;
beforeEach(() => (plan = new SplicePlan()));

const insert = (
  given: { eventId?: number; out?: boolean; at?: number; seconds?: number },
  now: number,
): boolean => {
  const { eventId = 1, out = true, at, seconds } = given;
  const section = spliceInsertSection({
    ...{ eventId, out, ptsTicks: (at ?? 0) * SECOND },
    durationTicks: seconds === undefined ? undefined : seconds * SECOND,
  });
  const { ptsTicks: _ptsTicks, ...atOnce } = parseSplice(section) as { ptsTicks?: number };
  const message = at === undefined ? (atOnce as SpliceMessage) : parseSplice(section);
  return plan.take(message, section, clock(now));
};
const signal = (typeId: number, at: number, now: number, eventId = 5, seconds?: number): boolean =>
  plan.take(
    {
      ...{ command: 'signal', ptsTicks: at * SECOND, cancelledEventIds: [] },
      segmentations: [{ eventId, typeId, ...(seconds !== undefined && { durationTicks: seconds * SECOND }) }],
    },
    Buffer.from([typeId]),
    clock(now),
  );
const settle = (gop: number) => plan.settle(gop * GOP, (gop + 1) * GOP, framesOf(gop));

test('a break of known length: cut at both ends, told when they have come to pass', () => {
  expect(insert({ at: 5, seconds: 4 }, 1)).toBe(true);
  expect(plan.cutTicks(0)).toEqual([5 * SECOND, 9 * SECOND]);
  expect(settle(1)).toEqual({});
  const during = settle(2);
  expect(during.cutTicks).toEqual([5 * SECOND]);
  expect(during.splices).toMatchObject([{ kind: 'break', atTicks: 5 * SECOND, plannedTicks: 4 * SECOND }]);
  expect(during.splices![0]).not.toHaveProperty('endTicks');
  expect(settle(3)).toEqual({ splices: during.splices });
  expect(settle(4)).toMatchObject({ cutTicks: [9 * SECOND], splices: [{ endTicks: 9 * SECOND }] });
  plan.forgetBefore(5 * GOP);
  expect(settle(5)).toEqual({});
});

test('a break without a duration lasts until it is ended', () => {
  insert({ at: 4 }, 1);
  expect(settle(2).cutTicks).toBeUndefined();
  plan.forgetBefore(40 * GOP);
  expect(plan.known).toHaveLength(1);
  insert({ out: false, at: 85 }, 81);
  expect(plan.known).toMatchObject([{ endTicks: 85 * SECOND }]);
  expect(settle(42)).toMatchObject({ cutTicks: [85 * SECOND], splices: [{ endTicks: 85 * SECOND }] });
});

test('what is announced again is the same, and may be moved until it begins', () => {
  insert({ at: 5, seconds: 4 }, 1);
  expect(insert({ at: 5, seconds: 4 }, 2)).toBe(false);
  insert({ at: 6, seconds: 4 }, 3);
  expect(plan.cutTicks(0)).toEqual([6 * SECOND, 10 * SECOND]);
  insert({ at: 8, seconds: 4 }, 7);
  expect(plan.cutTicks(0)).toEqual([6 * SECOND, 10 * SECOND]);
  insert({ out: false, at: 8 }, 7);
  expect(plan.cutTicks(0)).toEqual([6 * SECOND, 8 * SECOND]);
});

test('a cancelled one is not there; one that has begun cannot be cancelled', () => {
  const cancel = (now: number): boolean =>
    plan.take({ command: 'insert', eventId: 1, cancelled: true }, Buffer.alloc(0), clock(now));
  insert({ at: 5, seconds: 4 }, 1);
  expect(cancel(2)).toBe(true);
  expect(plan.known).toEqual([]);
  insert({ at: 5, seconds: 4 }, 3);
  expect(cancel(6)).toBe(false);
  expect(plan.known).toHaveLength(1);
  expect(plan.counts).toEqual({ taken: 3, setAside: 1 });
});

test('at once is the next picture; what comes too late is done at once, what is over is set aside', () => {
  insert({ eventId: 1, seconds: 10 }, 5.04);
  expect(settle(2).cutTicks).toEqual([5.08 * SECOND]);
  insert({ eventId: 2, at: 3, seconds: 10 }, 7);
  expect(settle(3)).toMatchObject({ cutTicks: [7.04 * SECOND] });
  // It ends when it was to end.
  expect(plan.known.find(({ eventId }) => eventId === 2)).toMatchObject({ endTicks: 13 * SECOND });
  expect(insert({ eventId: 3, at: 1, seconds: 2 }, 9)).toBe(false);
  expect(plan.counts).toEqual({ taken: 2, setAside: 1 });
});

test('two breaks, one after the other and one in the other', () => {
  insert({ eventId: 1, at: 4.4, seconds: 2 }, 1);
  insert({ eventId: 2, at: 6.4, seconds: 2 }, 1);
  signal(0x34, 4.4, 1, 9, 4);
  signal(0x30, 5, 1, 10, 1);
  expect(settle(2).cutTicks).toEqual([4.4, 5].map((s) => Math.round(s * SECOND)));
  expect(settle(3)).toMatchObject({ cutTicks: [6.4 * SECOND] });
  expect(settle(4)).toMatchObject({ cutTicks: [8.4 * SECOND] });
});

test('a signal of an opportunity is a break until its end; others are marks', () => {
  signal(0x34, 5, 1);
  signal(0x10, 7, 1);
  expect(plan.known.map(({ kind }) => kind)).toEqual(['break', 'mark']);
  signal(0x35, 9, 6);
  expect(plan.known).toMatchObject([{ endTicks: 9 * SECOND }, { kind: 'mark' }]);
  expect(settle(3)).toMatchObject({ cutTicks: [7 * SECOND], splices: [{ kind: 'break' }, { kind: 'mark' }] });
  plan.forgetBefore(4 * GOP);
  expect(settle(4)).toMatchObject({ splices: [{ endTicks: 9 * SECOND }] });
});

test('a time near a picture is that picture; at the beginning of a GOP there is nothing to cut', () => {
  insert({ eventId: 1, at: 5 + 50 / SECOND }, 1);
  expect(settle(2)).toMatchObject({ cutTicks: [5 * SECOND], splices: [{ atTicks: 5 * SECOND }] });
  insert({ eventId: 2, at: 6 }, 1);
  expect(settle(3)).not.toHaveProperty('cutTicks');
});

test('after the last picture of a GOP is at the first one of the next', () => {
  insert({ at: 6 - 60 / SECOND - 0.03, seconds: 1 }, 1);
  expect(settle(2)).toEqual({});
  expect(settle(3)).toMatchObject({ splices: [{ atTicks: 6 * SECOND }] });
});

test('no more than so many at once', () => {
  for (let eventId = 0; eventId < 40; eventId++) insert({ eventId, at: 100 + eventId }, 1);
  expect(plan.counts).toEqual({ taken: 32, setAside: 8 });
});

describe('an operator', () => {
  const ask = (request: Parameters<SplicePlan['ask']>[0], now: number) => plan.ask(request, clock(now), 1e12);

  test('begins a break 4 s ahead, and ends it', () => {
    const begun = ask({ kind: 'out' }, 10);
    expect(begun).toMatchObject({ kind: 'break', atTicks: 14 * SECOND });
    expect(parseSplice(Buffer.from(begun.command, 'hex'))).toMatchObject({
      out: true,
      ptsTicks: 14 * SECOND,
    });
    expect(() => ask({ kind: 'return', inMs: 1_000 }, 10)).toThrow('No break is on at that time');
    const ended = ask({ kind: 'return', inMs: 2_000 }, 15);
    expect(ended).toMatchObject({ id: begun.id, endTicks: 17 * SECOND });
    expect(parseSplice(Buffer.from(ended.endCommand!, 'hex'))).toMatchObject({ out: false });
  });

  test('names a time of the wall clock, an event and a duration', () => {
    const begun = ask({ kind: 'out', atMs: 1e12 + 6_000, durationMs: 30_000, eventId: 77 }, 10);
    expect(begun).toMatchObject({ eventId: 77, atTicks: 16 * SECOND, endTicks: 46 * SECOND });
    expect(() => ask({ kind: 'out', eventId: 77 }, 10)).toThrow('There is a break 77 already');
    expect(() => ask({ kind: 'out', atMs: 1e12 - 1 }, 10)).toThrow('That time has passed');
    expect(() => ask({ kind: 'return', eventId: 78, inMs: 9_000 }, 10)).toThrow('Break 78 is not on');
  });
});
