import { defaultChannels, unitsForAudience } from '../../src/domain';
import { forecastCell, msUntilStep, stepAt, type CellForecastInput } from '../../src/forecast';

const channels = defaultChannels().slice(0, 2);
const surging = Array.from({ length: 21 * 24 }, (_, i) => 200 * (i % 24));
const input: CellForecastInput = {
  cell: 'local',
  atMs: 1_790_000_002_000,
  stepSeconds: 5,
  horizonSteps: 12,
  seasonSteps: 24,
  channels,
  viewersHistory: { 'ch-1': surging },
};

describe('forecastCell', () => {
  test('units are those of the viewers at each quantile and step', () => {
    const forecast = forecastCell(input);
    const viewers = forecast.viewers['ch-1'];
    const units = forecast.channelUnits['ch-1'];
    for (const quantile of ['p10', 'p50', 'p90'] as const) {
      expect(units?.[quantile]).toEqual(viewers?.[quantile].map((v) => unitsForAudience(channels[0]!, v)));
    }
    expect(units?.p50[0]).toBe(1);
    expect(units?.p50[6]).toBeCloseTo(1.64);
    expect(Math.max(...(units?.p90 ?? []))).toBeCloseTo(1.64);
  });

  test('a channel without history is held at nothing and named', () => {
    const forecast = forecastCell(input);
    expect(forecast.held).toEqual(['ch-2']);
    expect(forecast.viewers['ch-2']?.p90).toEqual(Array(12).fill(0));
    expect(forecast.model).toBe('ensemble');
    expect(forecastCell({ ...input, viewersHistory: {} }).model).toBe('hold-level');
  });

  test('the same input gives the same forecast with the same id; another moment another id', () => {
    expect(forecastCell(input)).toEqual(forecastCell(structuredClone(input)));
    expect(forecastCell({ ...input, atMs: input.atMs + 1 }).forecastId).not.toBe(
      forecastCell(input).forecastId,
    );
  });
});

test('steps lie on the grid of the wall clock', () => {
  const forecast = forecastCell(input);
  expect(stepAt(forecast, input.atMs)).toBe(0);
  expect(stepAt(forecast, input.atMs + 2_999)).toBe(0);
  expect(stepAt(forecast, input.atMs + 3_000)).toBe(1);
  expect(stepAt(forecast, input.atMs - 60_000)).toBe(0);
  expect(msUntilStep(forecast, 0, input.atMs)).toBe(0);
  expect(msUntilStep(forecast, 2, input.atMs)).toBe(8_000);
});
