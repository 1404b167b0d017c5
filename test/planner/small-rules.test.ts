import { defaultChannels, policySchema, type ChannelObservation } from '../../src/domain';
import { combinedCurve, TotalDemand, totalUnitsAt } from '../../src/planner/capacity';
import { deservedRungs, unitsOfRungs } from '../../src/planner/demand';
import { grownFloats, grownInts, IdTable, WordTable } from '../../src/planner/id-table';
import { askAgainAtMs, expectedEncoders, failingZones, leadTimeOf } from '../../src/planner/lead-time';
import { normalQuantile, quantileAt } from '../../src/planner/newsvendor';
import { formatQuanta, formatUnits, toQuanta, toUnits } from '../../src/planner/quanta';
import { rankRegions, regionOutlooks } from '../../src/planner/regions';
import { isLive, isPreparing, sessionsOf } from '../../src/planner/sessions';
import { nextZones } from '../../src/planner/zones';
import {
  channelOn,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  sessionOf,
  trackerOf,
} from './swarm-fixtures';

/** After all that the outcomes tell of. */
const LATER = 1_000_000;

describe('a table of ids', () => {
  test('gives numbers in the order of arrival, and the same one again', () => {
    const table = new IdTable();
    expect([table.add('c'), table.add('a'), table.add('c'), table.add('b')]).toEqual([0, 1, 0, 2]);
    expect([table.size, table.slotCount]).toEqual([3, 3]);
    expect([table.slotOf('a'), table.slotOf('z'), table.idOf(2)]).toEqual([1, -1, 'b']);
  });

  test('uses the number of one that was removed again', () => {
    const table = new IdTable();
    for (const id of ['a', 'b', 'c']) table.add(id);
    table.remove('b');
    table.remove('never there');
    expect([table.size, table.slotCount, table.slotOf('b')]).toEqual([2, 3, -1]);
    expect(table.add('d')).toBe(1);
    expect(table.add('e')).toBe(3);
  });

  test('lists what is there by id, whatever came or went meanwhile', () => {
    const table = new IdTable();
    for (const id of ['c', 'a', 'd', 'b']) table.add(id);
    const ids = (): string[] => table.inOrder().map((slot) => table.idOf(slot));
    expect(ids()).toEqual(['a', 'b', 'c', 'd']);
    table.remove('c');
    expect(ids()).toEqual(['a', 'b', 'd']);
    table.add('aa');
    expect(ids()).toEqual(['a', 'aa', 'b', 'd']);
    expect(table.filter((slot) => table.idOf(slot) > 'a').map((slot) => table.idOf(slot))).toEqual([
      ...['aa', 'b', 'd'],
    ]);
    const [a, b] = [table.slotOf('a'), table.slotOf('b')];
    expect([table.compare(a, b), table.compare(b, a), table.compare(a, a)]).toEqual([-1, 1, 0]);
  });
});

test('words are numbered in the order of their first appearance', () => {
  const table = new WordTable();
  expect(['x', 'y', 'x', 'z'].map((word) => table.numberOf(word))).toEqual([0, 1, 0, 2]);
  expect([table.find('z'), table.find('never')]).toEqual([2, -1]);
  expect(table.words).toEqual(['x', 'y', 'z']);
});

test('arrays grow to twice their length at least, with their content', () => {
  const floats = Float64Array.from([1, 2, 3.5]);
  expect(grownFloats(floats, 3)).toBe(floats);
  expect([...grownFloats(floats, 4)]).toEqual([1, 2, 3.5, 0, 0, 0]);
  expect(grownFloats(floats, 50)).toHaveLength(50);
  const ints = Int32Array.from([1, 2, 3]);
  expect(grownInts(ints, 3)).toBe(ints);
  expect([...grownInts(ints, 4)]).toEqual([1, 2, 3, 0, 0, 0]);
  expect(grownInts(ints, 50)).toHaveLength(50);
});

test('quanta are whole hundred-millionths of a unit', () => {
  expect(toQuanta(1.000000004)).toBe(100_000_000);
  expect(toQuanta(1.000000006)).toBe(100_000_001);
  expect(toUnits(150_000_000)).toBe(1.5);
  expect([formatUnits(1.005), formatQuanta(123_456_789)]).toEqual(['1.00', '1.23']);
});

describe('sessions', () => {
  const channel = channelOn(defaultSwarm().channels[0]!.spec, 'enc-1');
  test.each([
    ['starting', true, true],
    ['holding', true, true],
    ['publishing', true, false],
    ['failed', false, false],
    ['released', false, false],
  ] as const)('%s: takes room %p, is on the way %p', (state, live, preparing) => {
    const session = sessionOf(channel, { state });
    expect([isLive(session), isPreparing(session)]).toEqual([live, preparing]);
  });

  test('an encoder that told of none has none', () => {
    expect([sessionsOf(undefined), sessionsOf(encoderWith('enc-1'))]).toEqual([[], []]);
  });
});

describe('rungs that an audience deserves', () => {
  const [spec] = defaultChannels();
  // 1000 viewers earn two rungs, 2800 three.
  test.each([
    [1, 999, 1],
    [1, 1_000, 2],
    [1, 2_800, 3],
    [3, 2_520, 3],
    [3, 2_519, 2],
    [3, 900, 2],
    [3, 899, 1],
    [2, 900, 2],
    [2, 5_000, 3],
  ])('of %d rungs, with %d viewers: %d', (rungs, viewers, deserved) => {
    expect(deservedRungs({ spec: spec!, viewers, rungs })).toBe(deserved);
  });
});

describe('normal quantiles', () => {
  // From tables (Abramowitz and Stegun, and R's qnorm), in both tails and where the approximations meet.
  test.each([
    [1e-9, -5.997807015],
    [0.0001, -3.719016485],
    [0.001, -3.090232306],
    [0.02, -2.053748911],
    [0.024, -1.977368428],
    [0.025, -1.959963985],
    [0.05, -1.644853627],
    [0.1, -1.281551566],
    [0.2, -0.841621234],
    [0.3, -0.524400513],
    [0.4, -0.253347103],
    [0.45, -0.125661347],
    [0.6, 0.253347103],
    [0.75, 0.67448975],
    [0.85, 1.036433389],
    [0.95, 1.644853627],
    [0.976, 1.977368428],
    [0.98, 2.053748911],
    [0.9999, 3.719016485],
  ])('of %d', (level, z) => {
    expect(normalQuantile(level)).toBeCloseTo(z, 7);
  });

  test('a curve without an outer quantile is as wide as nothing; without a median it is 0', () => {
    expect(quantileAt({ p10: [], p50: [5], p90: [] }, 0, 0.9)).toBe(5);
    expect(quantileAt({ p10: [], p50: [5], p90: [] }, 0, 0.1)).toBe(5);
    expect(quantileAt({ p10: [], p50: [], p90: [] }, 0, 0.5)).toBe(0);
  });
});

describe('the demand of all channels', () => {
  const curve = { p10: [8, 6], p50: [10, 9], p90: [14, 15] };

  test('a channel that was taken out again leaves nothing behind', () => {
    const total = new TotalDemand(2);
    total.add(curve, 1);
    total.add({ p10: [1, 1], p50: [2, 2], p90: [7, 7] }, 1);
    total.add(curve, -1);
    expect(total.curve()).toEqual(combinedCurve([{ p10: [1, 1], p50: [2, 2], p90: [7, 7] }], 2));
    expect(total.curve()).toEqual({ p10: [1, 1], p50: [2, 2], p90: [7, 7] });
  });

  test('goes on with the last step of a curve that is too short, and is never below 0', () => {
    expect(combinedCurve([{ p10: [1], p50: [2], p90: [4] }], 3)).toEqual({
      ...{ p10: [1, 1, 1], p50: [2, 2, 2], p90: [4, 4, 4] },
    });
    expect(combinedCurve([{ p10: [-9], p50: [2], p90: [4] }], 1).p10).toEqual([0]);
    expect(combinedCurve([{ p10: [], p50: [], p90: [] }], 1)).toEqual({ p10: [0], p50: [0], p90: [0] });
  });

  test('is its own forecast where there is one, else that of the channels', () => {
    const swarm = defaultSwarm();
    const forecast = { ...forecastOf(swarm, {}), horizonSteps: 2, channelUnits: { 'ch-1': curve } };
    expect(totalUnitsAt(forecast, 0.9).map((u) => Math.round(u * 1e6) / 1e6)).toEqual([14, 15]);
    const total = { p10: [1], p50: [2], p90: [3] };
    expect(totalUnitsAt({ ...forecast, totalUnits: total }, 0.5)).toEqual([2]);
  });
});

describe('regions', () => {
  const loadOf = (...p90: number[]) => ({ p10: p90, p50: p90, p90 });
  const policy = policySchema.parse({ congestedRegionLoad: 0.8 });
  const forecast = forecastOf(defaultSwarm(), {}, {
    regionLoad: { us: loadOf(0.9, 0.95), eu: loadOf(0.85, 0.1), ap: loadOf(0.8, 0.3) },
  }); // prettier-ignore

  test('are told of by name, with the highest load that is still to come; at the mark they are not congested', () => {
    expect(regionOutlooks(forecast, NOW_MS, policy)).toEqual([
      { region: 'ap', peakLoadP90: 0.8, congested: false },
      { region: 'eu', peakLoadP90: 0.85, congested: true },
      { region: 'us', peakLoadP90: 0.95, congested: true },
    ]);
    expect(regionOutlooks(forecast, NOW_MS + 5_000, policy)[1]).toMatchObject({ peakLoadP90: 0.1 });
    // All of it has passed: what was known last.
    const passed = regionOutlooks(forecast, NOW_MS + 600_000, policy).map((r) => r.peakLoadP90);
    expect(passed).toEqual([0.3, 0.1, 0.95]);
    expect(regionOutlooks(null, NOW_MS, policy)).toEqual([]);
    expect(regionOutlooks(forecastOf(defaultSwarm(), {}), NOW_MS, policy)).toEqual([]);
  });

  test('that are congested come last, the least congested first; others keep their order', () => {
    const rank = rankRegions(forecast, NOW_MS, policy);
    expect(rank(['us', 'eu', 'nowhere', 'ap'])).toEqual(['nowhere', 'ap', 'eu', 'us']);
    expect(rankRegions(null, NOW_MS, policy)(['us', 'eu'])).toEqual(['us', 'eu']);
  });
});

describe('zones of the next encoders', () => {
  test('zones that take encoders count though none is there; of equals the first by name', () => {
    expect(nextZones(3, ['b'], ['c', 'a'])).toEqual(['a', 'c', 'a']);
  });
});

describe('lead time', () => {
  const outcome = (seconds: number, over: object = {}) => ({
    ...{ askedAtMs: 0, endedAtMs: seconds * 1_000, asked: 1, got: 1 },
    ...over,
  });

  test('the prior counts as five at first, and half as much with five real ones', () => {
    expect(leadTimeOf([outcome(10)])).toEqual({ seconds: 300, medianSeconds: 120, observations: 1 });
    // Weights: five of 1 at 10 s, then five of 1/2: 6.75 of 7.5 is reached at 240 s.
    const five = Array.from({ length: 5 }, () => outcome(10));
    expect(leadTimeOf(five)).toEqual({ seconds: 240, medianSeconds: 10, observations: 5 });
  });

  test('where the weights reach a half exactly, that value is the median', () => {
    // A success of weight 1 and a first prior of 1/3: half of 1 + 5/3.
    const failed = Array.from({ length: 9 }, () => outcome(0, { got: 0 }));
    expect(leadTimeOf([outcome(30), ...failed])).toMatchObject({ medianSeconds: 60 });
  });

  test('a clock that went backwards is no negative time', () => {
    const back = Array.from({ length: 40 }, () => outcome(-50));
    expect(leadTimeOf(back)).toMatchObject({ seconds: 0, medianSeconds: 0 });
  });

  test('an encoder is expected for two lead times, to the millisecond', () => {
    const pending = [{ requestId: 'r', askedAtMs: 0 }];
    const leadTime = { seconds: 300, medianSeconds: 180, observations: 0 };
    expect(expectedEncoders(pending, leadTime, 600_000)).toEqual(pending);
    expect(expectedEncoders(pending, leadTime, 600_001)).toEqual([]);
  });

  test('failures are counted from the latest back, by when they ended', () => {
    const failed = (askedAtMs: number, endedAtMs: number) => outcome(0, { askedAtMs, endedAtMs, got: 0 });
    expect(askAgainAtMs([failed(2, 20_000), outcome(30), failed(1, 10_000)], LATER)).toBe(0);
    expect(askAgainAtMs([failed(2, 40_000), outcome(30), failed(1, 10_000)], LATER)).toBe(55_000);
    expect(askAgainAtMs([failed(3, 40_000), failed(1, 10_000), failed(2, 20_000)], LATER)).toBe(100_000);
  });

  test('a zone fails by what ended last, wherever it stands in the list; what names none says nothing', () => {
    const inZone = (zone: string | undefined, got: number, endedAtMs: number) => ({
      ...{ askedAtMs: 0, asked: 1, got, endedAtMs },
      ...(zone !== undefined && { zone }),
    });
    const outcomes = [inZone('a', 0, 3_000), inZone('a', 1, 1_000), inZone(undefined, 0, 3_000)];
    expect([...failingZones(outcomes, 3_000)]).toEqual(['a']);
    expect([...failingZones(outcomes, 2_999)]).toEqual([]);
    expect([...failingZones(outcomes, 4_000)]).toEqual(['a']);
    expect([...failingZones(outcomes, 302_999)]).toEqual(['a']);
    expect([...failingZones(outcomes, 303_000)]).toEqual([]);
  });
});

describe('needs of a channel', () => {
  const needsOf = (over: Partial<ChannelObservation>): { now: number; encoded: number; rungs: number } => {
    const [spec] = defaultChannels();
    const swarm = { ...defaultSwarm(), channels: [channelOn(spec!, 'enc-1', over)] };
    const { table } = trackerOf(swarm);
    return {
      now: toUnits(table.needOf(0, 0)),
      encoded: toUnits(table.encodedOf[0]!),
      rungs: table.rungsOf[0]!,
    };
  };
  const units = (rungs: number): number => unitsOfRungs(defaultChannels()[0]!, rungs);

  test('are those of the rungs that it deserves; what is encoded is another thing', () => {
    for (const [viewers, rungs, deserved] of [
      [0, 3, 1],
      [0, 1, 1],
      [5_000, 1, 3],
      [1_500, 3, 2],
    ] as const) {
      const { now, encoded, rungs: wanted } = needsOf({ viewers, rungs });
      expect(wanted).toBe(deserved);
      expect(now).toBeCloseTo(units(deserved), 6);
      expect(encoded).toBeCloseTo(units(rungs), 6);
    }
  });
});
