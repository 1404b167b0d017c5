import { unitsForAudience, type CellForecast, type ChannelSpec, type DemandCurve } from '../domain';
import { forecastSeries, HOLD_MODEL, SEASONAL_MODEL, type ForecastShape } from './series-forecast';

export interface CellForecastInput extends ForecastShape {
  cell: string;
  /** Moment of issue, wall-clock milliseconds; the history ends with the last complete step before it. */
  atMs: number;
  channels: ChannelSpec[];
  /** Viewers per step by channel id, oldest first, null = hole. A channel without history is held at 0. */
  viewersHistory: Record<string, (number | null)[]>;
}

const oneDecimal = (value: number): number => Math.round(value * 10) / 10;

const mapCurve = (curve: DemandCurve, f: (value: number) => number): DemandCurve => ({
  p10: curve.p10.map(f),
  p50: curve.p50.map(f),
  p90: curve.p90.map(f),
});

/**
 * Issues one forecast for every channel of a cell: viewers, and the encode units that they will need.
 *
 * Units grow with viewers, so the quantile of the units is the units of the quantile. The id follows from cell
 * and moment alone: a retry issues the same forecast under the same id.
 */
export const forecastCell = (input: CellForecastInput): CellForecast => {
  const { cell, atMs, stepSeconds, horizonSteps, seasonSteps, channels, viewersHistory } = input;
  const forecast: CellForecast = {
    forecastId: `forecast-${cell}-${atMs}`,
    model: SEASONAL_MODEL,
    issuedAtMs: atMs,
    stepSeconds,
    horizonSteps,
    viewers: {},
    channelUnits: {},
    held: [],
  };
  for (const spec of channels) {
    const series = forecastSeries(viewersHistory[spec.id] ?? [], { stepSeconds, horizonSteps, seasonSteps });
    const viewers = mapCurve(series.curve, oneDecimal);
    forecast.viewers[spec.id] = viewers;
    forecast.channelUnits[spec.id] = mapCurve(viewers, (v) => unitsForAudience(spec, v));
    if (series.held) forecast.held.push(spec.id);
  }
  forecast.held.sort();
  if (channels.length > 0 && forecast.held.length === channels.length) forecast.model = HOLD_MODEL;
  return forecast;
};
