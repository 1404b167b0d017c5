import { policySchema, type CellForecast } from '../../src/domain';
import { decideScaleIn, decideScaleOut, type ScaleInput } from '../../src/planner/scale-decision';

const NOW_MS = 1_790_000_100_000;
const STEP_SECONDS = 300;
/** 90 % quantile: as dear as P90 itself. */
const policy = policySchema.parse({
  minEncoders: 2,
  maxEncoders: 8,
  encoderHourPrice: 0.6,
  overloadedMinutePrice: 0.09,
  scaleInStabilisationSeconds: 60,
});

const encoder = (id: string, zone: string, over = {}) => ({
  id,
  region: 'eu',
  zone,
  limitUnits: 10,
  staying: true,
  usable: true,
  ...over,
});

const totalOf = (p90: number[]): CellForecast => ({
  forecastId: 'forecast',
  model: 'test',
  issuedAtMs: Math.floor(NOW_MS / (STEP_SECONDS * 1000)) * STEP_SECONDS * 1000,
  stepSeconds: STEP_SECONDS,
  horizonSteps: p90.length,
  viewers: {},
  channelUnits: {},
  totalUnits: { p10: p90.map((v) => v - 6), p50: p90.map((v) => v - 3), p90 },
  held: [],
});

const input = (over: Partial<ScaleInput> = {}): ScaleInput => ({
  atMs: NOW_MS,
  policy,
  forecast: totalOf([25, 25, 25, 25]),
  encoders: [encoder('e1', 'a'), encoder('e2', 'b'), encoder('e3', 'a')],
  nowUnits: 20,
  unplacedUnits: 0,
  pending: [],
  outcomes: [],
  ...over,
});
const failed = { askedAtMs: NOW_MS - 60_000, endedAtMs: NOW_MS - 5_000, asked: 1, got: 0 };
const request = (askedAtMs: number) => ({ requestId: 'r', zone: 'b', askedAtMs });

describe('scale-out', () => {
  test('nothing while the limits do', () => {
    expect(decideScaleOut(input()).scale).toEqual({ kind: 'none' });
  });

  test('as many as demand at the quantile exceeds them, in the emptiest zones, with figures', () => {
    const { scale } = decideScaleOut(input({ forecast: totalOf([25, 44, 44, 44]) }));
    expect(scale).toMatchObject({
      kind: 'provision',
      count: 2,
      zones: ['b', 'a'],
      figures: { demandUnits: 44, fractile: 0.9, leadSeconds: 300, limitUnits: 30 },
    });
  });

  test('demand beyond the lead time can wait', () => {
    expect(decideScaleOut(input({ forecast: totalOf([25, 25, 25, 44]) })).scale.kind).toBe('none');
  });

  test('a lead time learned to be longer makes it look further ahead', () => {
    const outcomes = Array.from({ length: 40 }, () => ({
      askedAtMs: 0,
      endedAtMs: 900_000,
      asked: 1,
      got: 1,
    }));
    const { scale } = decideScaleOut(input({ forecast: totalOf([25, 25, 25, 44]), outcomes }));
    expect(scale.kind).toBe('provision');
  });

  test('dearer overload provides for more of the spread', () => {
    const forecast = totalOf([29, 29]);
    expect(decideScaleOut(input({ forecast })).scale.kind).toBe('none');
    const dearer = { ...policy, overloadedMinutePrice: 0.99 };
    expect(decideScaleOut(input({ forecast, policy: dearer })).scale.kind).toBe('provision');
  });

  test('the same need is not asked for twice, but an overdue request is not waited for', () => {
    const forecast = totalOf([38, 38]);
    const asked = (askedAtMs: number) => decideScaleOut(input({ forecast, pending: [request(askedAtMs)] }));
    expect(asked(NOW_MS - 60_000).scale.kind).toBe('none');
    expect(asked(NOW_MS - 601_000).scale).toMatchObject({ kind: 'provision', count: 1 });
  });

  test('fewer given than asked for: the rest is asked for', () => {
    const outcomes = [{ askedAtMs: NOW_MS - 100_000, endedAtMs: NOW_MS - 1_000, asked: 2, got: 1 }];
    expect(decideScaleOut(input({ forecast: totalOf([38, 38]), outcomes })).scale).toMatchObject({
      count: 1,
    });
  });

  test('after a failure it waits before it asks again, and says so', () => {
    const forecast = totalOf([38, 38]);
    const early = decideScaleOut(input({ forecast, outcomes: [failed] }));
    expect(early).toMatchObject({ scale: { kind: 'none' }, unmet: expect.stringContaining('in 10 s') });
    const later = decideScaleOut(input({ forecast, outcomes: [failed], atMs: NOW_MS + 10_000 }));
    expect(later.scale.kind).toBe('provision');
  });

  test('the ceiling counts what was asked for, and is reported', () => {
    const encoders = Array.from({ length: 7 }, (_, i) => encoder(`e${i}`, 'a'));
    const forecast = totalOf([95, 95]);
    const all = decideScaleOut(input({ encoders, forecast, pending: [request(NOW_MS)] }));
    expect(all).toMatchObject({ scale: { kind: 'none' }, unmet: expect.stringContaining('at most 8') });
    expect(decideScaleOut(input({ encoders, forecast })).scale).toMatchObject({ count: 1 });
  });

  test('what found no room is a need of its own; without a forecast present needs count', () => {
    expect(decideScaleOut(input({ unplacedUnits: 4 })).scale).toMatchObject({ kind: 'provision', count: 1 });
    expect(decideScaleOut(input({ forecast: null, nowUnits: 31 })).scale).toMatchObject({ count: 1 });
    expect(decideScaleOut(input({ forecast: null, nowUnits: 30 })).scale.kind).toBe('none');
  });

  test('fewer than the floor, under way counted: the rest is asked for, whatever the demand', () => {
    const few = { encoders: [encoder('e1', 'a')], forecast: totalOf([5, 5]), nowUnits: 2 };
    expect(decideScaleOut(input(few)).scale).toMatchObject({
      count: 1,
      reason: expect.stringContaining('at least 2'),
    });
    expect(decideScaleOut(input({ ...few, pending: [request(NOW_MS)] })).scale.kind).toBe('none');
    expect(decideScaleOut(input({ ...few, outcomes: [failed] })).scale.kind).toBe('none');
  });

  test('a zone where the provider fails is passed over while another works', () => {
    const outcomes = [{ ...failed, zone: 'b', endedAtMs: NOW_MS - 20_000 }];
    const { scale } = decideScaleOut(input({ forecast: totalOf([38, 38]), outcomes }));
    expect(scale).toMatchObject({ kind: 'provision', zones: ['a'] });
  });

  test('encoders are added where no CDN will be congested, while there is such a zone', () => {
    const encoders = [encoder('e1', 'a'), encoder('e2', 'a'), encoder('e3', 'u', { region: 'us' })];
    const short = { encoders, forecast: totalOf([48, 48]) };
    expect(decideScaleOut(input(short)).scale).toMatchObject({ zones: ['u', 'a'] });
    const { scale } = decideScaleOut(input({ ...short, congestedRegions: ['us'] }));
    expect(scale).toMatchObject({
      zones: ['a', 'a'],
      reason: expect.stringContaining('not in us, whose CDN is forecast to be congested'),
    });
    const both = decideScaleOut(input({ ...short, congestedRegions: ['us', 'eu'] })).scale;
    expect(both).toMatchObject({ zones: ['u', 'a'] });
  });

  test('an encoder that has not described itself yet says nothing of the size of the next ones', () => {
    const encoders = [
      ...input().encoders,
      encoder('e4', 'b', { limitUnits: 0, staying: false, usable: false }),
    ];
    expect(decideScaleOut(input({ encoders, forecast: totalOf([40, 40]) })).scale).toMatchObject({
      count: 1,
    });
  });

  test('cordoned, drained and silent encoders carry nothing', () => {
    const encoders = [encoder('e1', 'a'), encoder('e2', 'b', { usable: false }), encoder('e3', 'a')];
    expect(decideScaleOut(input({ encoders })).scale).toMatchObject({ kind: 'provision', count: 1 });
  });
});

describe('scale-in', () => {
  const low = { forecast: totalOf([18, 18, 18]), nowUnits: 15 };
  const settledMs = NOW_MS - 60_000;

  test('an encoder of the fullest zone may go once the others would have done for long enough', () => {
    expect(decideScaleIn(input(low), null)).toEqual({ lowDemandSinceMs: NOW_MS, departures: [] });
    const { departures } = decideScaleIn(input(low), settledMs);
    expect(departures.map((d) => d.encoderId)).toEqual(['e1', 'e3']);
    expect(departures[0]).toMatchObject({ figures: { demandUnits: 18, remainingUnits: 20 } });
  });

  test('the time is counted anew where it began tomorrow, as the clock was set back since', () => {
    const tomorrowMs = NOW_MS + 86_400_000;
    expect(decideScaleIn(input(low), tomorrowMs)).toEqual({ lowDemandSinceMs: NOW_MS, departures: [] });
  });

  test.each([
    ['demand will rise within the forecast', { forecast: totalOf([18, 18, 21]) }],
    ['demand is high now', { nowUnits: 20.5 }],
    ['one was asked for', { pending: [request(NOW_MS)] }],
    ['there are as few as allowed', { policy: { ...policy, minEncoders: 3 } }],
    ['there is no forecast', { forecast: null }],
    ['all of the forecast has passed', { forecast: { ...low.forecast, issuedAtMs: NOW_MS - 1_000_000 } }],
  ])('not while %s; the time begins afresh', (_, over) => {
    const decision = decideScaleIn(input({ ...low, ...over }), settledMs);
    expect(decision).toEqual({ lowDemandSinceMs: null, departures: [] });
  });

  test('never the last encoder of one of two zones', () => {
    const encoders = [encoder('e1', 'a'), encoder('e2', 'b')];
    const tiny = { encoders, forecast: totalOf([6]), nowUnits: 5, policy: { ...policy, minEncoders: 1 } };
    expect(decideScaleIn(input(tiny), settledMs).departures).toEqual([]);
  });
});

describe('what scaling tells', () => {
  const short = { forecast: totalOf([25, 44, 44, 44]) };

  test('a request says how much is needed, within which time, and what there is', () => {
    const { scale } = decideScaleOut(input({ ...short, pending: [request(NOW_MS)] }));
    expect(scale).toEqual({
      ...{ kind: 'provision', count: 1, zones: ['a'] },
      reason:
        'channels will need 44.00 units within 300 s at the 90 % quantile, the limits of 3 usable encoders and 1 expected are 40.00 together; 1 more',
      figures: {
        ...{ demandUnits: 44, fractile: 0.9, leadSeconds: 300, limitUnits: 30, expectedUnits: 10 },
        ...{ unplacedUnits: 0, encoders: 3, minEncoders: 2, maxEncoders: 8 },
      },
    });
  });

  test('of channels without room, and of too few encoders', () => {
    const reasonOf = (over: Partial<ScaleInput>): string => {
      const { scale } = decideScaleOut(input(over));
      return scale.kind === 'provision' ? scale.reason : scale.kind;
    };
    expect(reasonOf({ unplacedUnits: 12 })).toBe(
      '12.00 units found no room on any one encoder below its limit; 2 more',
    );
    const few = { forecast: totalOf([5]), nowUnits: 2, policy: { ...policy, minEncoders: 6 } };
    expect(reasonOf({ ...few, pending: [request(NOW_MS)] })).toBe(
      'there are 3 encoders and 1 expected of at least 6; 2 more',
    );
  });

  test('where none can be added, and while it waits', () => {
    const full = { ...policy, maxEncoders: 4 };
    expect(decideScaleOut(input({ ...short, policy: full, pending: [request(NOW_MS)] })).unmet).toMatch(
      /; no encoder can be added, there are 3 and 1 asked for of at most 4$/,
    );
    expect(decideScaleOut(input({ ...short, outcomes: [failed] })).unmet).toMatch(
      /together; the last request for encoders failed, the next one goes out in 10 s$/,
    );
  });

  test('an encoder that can go is told with what the others may carry, and for how long', () => {
    const low = input({ forecast: totalOf([18.2, 18]), nowUnits: 15 });
    expect(decideScaleIn(low, NOW_MS - 61_400)).toEqual({
      lowDemandSinceMs: NOW_MS - 61_400,
      departures: ['e1', 'e3'].map((encoderId) => ({
        encoderId,
        reason: `channels will need 18.20 units at the 90 % quantile, and the others may carry 20.00, for 61 s; ${encoderId} can go`,
        figures: { demandUnits: 18.2, fractile: 0.9, remainingUnits: 20, encoders: 3, minEncoders: 2 },
      })),
    });
  });
});

describe('the bounds of scaling', () => {
  test('demand that meets the limits exactly needs no more encoders, and no fewer', () => {
    expect(decideScaleOut(input({ forecast: totalOf([30, 30]) })).scale.kind).toBe('none');
    expect(decideScaleOut(input({ forecast: totalOf([30.1, 30]) })).scale).toMatchObject({ count: 1 });
    expect(decideScaleOut(input({ forecast: totalOf([40, 40]) })).scale).toMatchObject({ count: 1 });
    expect(decideScaleOut(input({ forecast: totalOf([40.1, 40]) })).scale).toMatchObject({ count: 2 });
    const since = NOW_MS - 60_000;
    expect(decideScaleIn(input({ forecast: totalOf([20]), nowUnits: 1 }), since).departures).toHaveLength(2);
    expect(decideScaleIn(input({ forecast: totalOf([20.1]), nowUnits: 1 }), since).departures).toEqual([]);
  });

  test('steps that are over do not count', () => {
    const forecast = totalOf([44, 25, 25]);
    expect(decideScaleOut(input({ forecast })).scale.kind).toBe('provision');
    const later = { forecast, atMs: NOW_MS + STEP_SECONDS * 1_000 };
    expect(decideScaleOut(input(later)).scale.kind).toBe('none');
  });

  test('encoders of another size are counted by the mean of those that are there', () => {
    const encoders = [encoder('e1', 'a', { limitUnits: 5 }), encoder('e2', 'b', { limitUnits: 15 })];
    expect(decideScaleOut(input({ encoders, forecast: totalOf([41]) })).scale).toMatchObject({ count: 3 });
    const pending = [request(NOW_MS), request(NOW_MS)];
    expect(decideScaleOut(input({ encoders, forecast: totalOf([41]), pending })).scale).toMatchObject({
      ...{ count: 1, figures: { expectedUnits: 20, limitUnits: 20 } },
    });
  });

  test('where nothing is known of any encoder, one is asked for', () => {
    const { scale } = decideScaleOut(input({ encoders: [], forecast: totalOf([41]), policy: { ...policy, minEncoders: 1 } })); // prettier-ignore
    expect(scale).toMatchObject({ kind: 'provision', count: 1 });
    expect(scale).not.toHaveProperty('zones');
  });

  test('present need counts where the forecast is lower', () => {
    expect(decideScaleOut(input({ nowUnits: 41 })).scale).toMatchObject({ count: 2 });
  });

  test('of three zones the last encoder of one may go; of two, not', () => {
    const low = { forecast: totalOf([5]), nowUnits: 5, policy: { ...policy, minEncoders: 1 } };
    const goes = (...zones: string[]): string[] =>
      decideScaleIn(
        input({ ...low, encoders: zones.map((zone, i) => encoder(`e${i + 1}`, zone)) }),
        NOW_MS - 60_000,
      ).departures.map((d) => d.encoderId);
    expect(goes('a', 'b', 'c')).toEqual(['e1', 'e2', 'e3']);
    expect(goes('a', 'a', 'b')).toEqual(['e1', 'e2']);
    expect(goes('a', 'b')).toEqual([]);
    expect(goes('a', 'a')).toEqual(['e1', 'e2']);
  });

  test('an encoder that is too large to be missed stays', () => {
    const encoders = [encoder('e1', 'a'), encoder('e2', 'a', { limitUnits: 30 }), encoder('e3', 'a')];
    const { departures } = decideScaleIn(input({ encoders, forecast: totalOf([25]), nowUnits: 5 }), 0);
    expect(departures.map((d) => d.encoderId)).toEqual(['e1', 'e3']);
  });

  test('an encoder that does not stay is neither counted nor let go', () => {
    const encoders = [...input().encoders, encoder('e4', 'a', { staying: false, usable: false })];
    const { departures } = decideScaleIn(input({ encoders, forecast: totalOf([18]), nowUnits: 5 }), 0);
    expect(departures.map((d) => d.encoderId)).toEqual(['e1', 'e3']);
    expect(departures[0]!.figures).toMatchObject({ encoders: 3, remainingUnits: 20 });
  });
});
