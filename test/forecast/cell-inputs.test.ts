import { defaultChannels, knownEventSchema, unitsForAudience } from '../../src/domain';
import {
  forecastCell,
  NO_FEEDBACK,
  NOMINAL_COST,
  seriesKey,
  type CellForecastInput,
  type SeriesToForecast,
} from '../../src/forecast';

const STEP_MS = 5_000;
const endMs = 1_790_000_000_000;
const channels = defaultChannels().slice(0, 2);
const flat = (value: number): number[] => Array.from({ length: 10 * 24 }, () => value);
const given: SeriesToForecast[] = [];

const input: CellForecastInput = {
  cell: 'local',
  atMs: endMs + 2_000,
  stepSeconds: 5,
  horizonSteps: 4,
  seasonSteps: 24,
  channels,
  viewersHistory: { 'ch-1': flat(1_000), 'ch-2': flat(500) },
  regionLoadHistory: { eu: flat(0.5) },
  regionViewersHistory: { eu: flat(1_500) },
  forecaster: {
    forecast: (series) => {
      given.push(...series);
      return series.map(({ history, horizonSteps }) => {
        const level = history.at(-1) ?? 0;
        const at = (ratio: number): number[] => Array.from({ length: horizonSteps }, () => level * ratio);
        return { curve: { p10: at(0.8), p50: at(1), p90: at(1.2) }, held: false, model: 'stub' };
      });
    },
  },
};
beforeEach(() => given.splice(0));

test('a channel has a time zone of its own, or that of its region', () => {
  const [first, second] = channels;
  const region = second!.region;
  const zoned = { ...input, channels: [{ ...first!, timeZone: 'Asia/Tokyo' }, second!] };
  forecastCell({ ...zoned, timeZones: { [region]: 'Europe/Berlin' } });
  expect(Object.fromEntries(given.map(({ id, timeZone }) => [id, timeZone]))).toEqual({
    'viewers/ch-1': 'Asia/Tokyo',
    'viewers/ch-2': 'Europe/Berlin',
    'region_load/eu': 'Europe/Berlin',
    'region_viewers/eu': 'Europe/Berlin',
  });
});

test('regions have curves of their CDN load and of their viewers', () => {
  const forecast = forecastCell(input);
  expect(forecast.regionLoad).toEqual({
    eu: { p10: Array(4).fill(0.4), p50: Array(4).fill(0.5), p90: Array(4).fill(0.6) },
  });
  expect(forecast.regionViewers?.eu?.p50).toEqual(Array(4).fill(1_500));
  expect(forecast.model).toBe('stub');
  const { regionLoadHistory: _load, regionViewersHistory: _viewers, ...without } = input;
  expect(forecastCell(without)).not.toHaveProperty('regionLoad');
});

test('events reach the forecaster as levels over history and horizon, on the grid of the steps', () => {
  const event = (id: string, channelIds: string[], fromStep: number, steps: number) =>
    knownEventSchema.parse({
      ...{ id, title: id, channelIds },
      startsAtMs: endMs + fromStep * STEP_MS,
      endsAtMs: endMs + (fromStep + steps) * STEP_MS,
    });
  forecastCell({ ...input, events: [event('past', ['ch-1'], -24, 2), event('next', ['ch-1'], 1, 2)] });
  const [first, second, region] = given;
  expect(first).toMatchObject({ id: 'viewers/ch-1', startMs: endMs - 240 * STEP_MS, daySteps: 24 });
  const levels = first!.eventLevels!;
  expect(levels).toHaveLength(244);
  expect(levels.flatMap((level, step) => (level === 0 ? [] : [[step, level]]))).toEqual([
    [216, 1],
    [217, 1],
    [241, 1],
    [242, 1],
  ]);
  expect(second).not.toHaveProperty('eventLevels');
  expect(region!.eventLevels?.[241]).toBe(0.5);
});

test('what past errors taught widens viewers, units and CDN load', () => {
  const lesson = new Map([[1, { ...NO_FEEDBACK, widthHigh: 2 }]]);
  const feedback = new Map([
    [seriesKey('viewers', 'ch-1'), lesson],
    [seriesKey('region_load', 'eu'), lesson],
  ]);
  const forecast = forecastCell({ ...input, feedback });
  expect(forecast.viewers['ch-1']!.p90[0]).toBeCloseTo(1_400);
  expect(forecast.viewers['ch-2']!.p90[0]).toBeCloseTo(600);
  expect(forecast.regionLoad!.eu!.p90[0]).toBeCloseTo(0.7);
  expect(forecast.channelUnits['ch-1']!.p90[0]).toBe(unitsForAudience(channels[0]!, 1_400));
});

test('units follow the cost of the content; the correlation of errors is handed on', () => {
  const cost = { ...NOMINAL_COST, factors: { 'ch-1': 1.5 } };
  const forecast = forecastCell({ ...input, cost, errorCorrelation: 0.3 });
  expect(forecast.channelUnits['ch-1']!.p50[0]).toBeCloseTo(1.5 * unitsForAudience(channels[0]!, 1_000));
  expect(forecast.channelUnits['ch-2']!.p50[0]).toBe(unitsForAudience(channels[1]!, 500));
  expect(forecast.errorCorrelation).toBe(0.3);
});
