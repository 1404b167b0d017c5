import { measureKills } from '../../bench/chaos/detection';
import { judgeGaps } from '../../bench/chaos/gaps';
import { failuresOf, resultOf } from '../../bench/chaos/result';
import { GOP_MS, entry, goodFacts, injected } from './facts';

describe('gaps', () => {
  const judge = (openGop: number) =>
    judgeGaps({
      channelId: 'ch-1',
      entries: [entry(9), entry(10, { gapReason: 'lost', seenAtMs: 100_000 }), entry(11)],
      edges: [
        { atMs: 99_000, openGop: openGop + 100 },
        { atMs: 100_200, openGop },
        { atMs: 200_000, openGop: 99 },
      ],
      ringGops: 30,
    });

  test('a GOP that the ring had no more is justified, by the look right after it was declared', () => {
    expect(judge(40)).toEqual([
      {
        channelId: 'ch-1',
        gop: 10,
        seenAtMs: 100_000,
        reason: 'lost',
        behindGops: 30,
        justified: true,
      },
    ]);
    expect(judge(39)[0]?.justified).toBe(true);
  });

  test('one that the ring could have had is not', () => {
    expect(judge(38)[0]).toMatchObject({ behindGops: 28, justified: false });
  });

  test('without a look at the relay nothing is justified', () => {
    const [gap] = judgeGaps({
      channelId: 'ch-1',
      entries: [entry(10, { gapReason: 'lost' })],
      edges: [],
      ringGops: 30,
    });
    expect(gap).toMatchObject({ behindGops: null, justified: false });
  });
});

describe('kills of encoder hosts', () => {
  const kill = { fault: injected(), channels: ['ch-1'] };
  const ledger = [
    entry(3),
    entry(4),
    entry(5, { encoderId: 'enc-2', sessionId: 's-2', token: 2, publishedAtMs: 12_500 }),
  ];
  const measure = (more: object = {}) =>
    measureKills({
      kills: [kill],
      faults: [kill.fault],
      noticed: [
        { encoderId: 'enc-2', evidence: '', atMs: 10_020 },
        { encoderId: 'enc-1', evidence: 'gone', atMs: 10_060 },
      ],
      ledgers: new Map([['ch-1', ledger]]),
      gopMs: GOP_MS,
      ...more,
    })[0]!;

  test('are measured from the signal to the word of the sentinel, and from there to the next GOP on air', () => {
    expect(measure()).toMatchObject({ detectedMs: 60, resumedGops: [1.22], disturbed: false });
  });

  test('a loss that nobody noticed is told', () => {
    expect(measure({ noticed: [] })).toMatchObject({ detectedMs: null, resumedGops: [] });
  });

  test('another fault at the same time, or shortly before, makes it a disturbed one', () => {
    const during = injected({ number: 2, kind: 'stop worker', beganAtMs: 11_000, endedAtMs: 15_000 });
    const before = injected({ number: 2, kind: 'stop worker', beganAtMs: 1_000, endedAtMs: 5_000 });
    const long = injected({ number: 2, kind: 'stop worker', beganAtMs: 100, endedAtMs: 1_000 });
    expect(measure({ faults: [kill.fault, during] }).disturbed).toBe(true);
    expect(measure({ faults: [kill.fault, before] }).disturbed).toBe(true);
    expect(measure({ faults: [kill.fault, long] }).disturbed).toBe(false);
    expect(measure({ faults: [kill.fault, { ...during, skipped: 'no' }] }).disturbed).toBe(false);
  });
});

describe('the verdict', () => {
  test('a run that holds has no failures, and its figures add up', () => {
    expect(failuresOf(goodFacts())).toEqual([]);
    expect(resultOf(goodFacts({ faults: [injected(), injected({ skipped: 'not there' })] }))).toMatchObject({
      ok: true,
      minutes: 1,
      faults: 1,
      faultsSkipped: 1,
      handoffs: 3,
      recoveries: 2,
      framesChecked: 1_000,
      framesLost: 0,
      framesRepeated: 0,
      gapsDeclared: 0,
      doubleOwners: 0,
      sagasUnresolved: 0,
      seed: 5,
      commit: 'abc',
    });
  });

  const gap = { channelId: 'ch-1', gop: 4, seenAtMs: 1, reason: 'lost', behindGops: 12 };
  const good = goodFacts().continuity;
  test.each([
    ['a frame that the check found missing', { continuity: { ...good, framesLost: 1, problems: ['lost'] } }],
    ['no frame checked at all', { continuity: { ...good, framesChecked: 0 } }],
    ['a gap that was not needed', { gaps: [{ ...gap, justified: false }] }],
    ['a gap that nobody declared', { continuity: { ...good, gaps: new Map([['ch-1', 1]]) } }],
    ['two owners', { fenceFaults: ['ch-1: token 2 was used by a and b'] }],
    ['a saga that hangs', { sagas: { outcomes: {}, unresolved: ['handoff/ch-1/3'], running: 1 } }],
    ['a channel that stays off air', { channelsOffAir: ['ch-1'] }],
    ['a fault that could not be injected', { faults: [injected({ skipped: 'failed: no proxy' })] }],
    ['anything else', { troubles: ['the ledger could not be read'] }],
  ])('%s fails it', (_what, change) => {
    const facts = goodFacts(change);
    expect(failuresOf(facts)).toHaveLength(1);
    expect(resultOf(facts).ok).toBe(false);
  });

  test('a gap that the ring could not have filled does not', () => {
    const facts = goodFacts({
      gaps: [{ ...gap, justified: true }],
      continuity: { ...good, gaps: new Map([['ch-1', 1]]) },
    });
    expect(failuresOf(facts)).toEqual([]);
    expect(resultOf(facts)).toMatchObject({ ok: true, gapsDeclared: 1, gapsUnjustified: 0 });
  });
});
