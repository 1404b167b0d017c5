import type { CellForecast, DemandCurve } from '../domain';
import { firstTargetMs } from '../forecast';
import type { Point } from './store';

/** Tag of series that were held for want of history, beside the forecast's own model. */
const HELD_TAG = 'hold-level';

const curves = (forecast: CellForecast): { kind: string; byId: Record<string, DemandCurve> }[] => [
  { kind: 'viewers', byId: forecast.viewers },
  { kind: 'channel_units', byId: forecast.channelUnits },
  { kind: 'region_load', byId: forecast.regionLoad ?? {} },
  { kind: 'region_viewers', byId: forecast.regionViewers ?? {} },
];

/** `held` names channels; a region may have the same id. */
const isOfChannels = (kind: string): boolean => kind === 'viewers' || kind === 'channel_units';

/** The curves of a forecast that rows of this kind belong to; null for a kind that this version does not know. */
const curvesOfKind = (forecast: CellForecast, kind: string): Record<string, DemandCurve> | null => {
  if (kind === 'viewers') return forecast.viewers;
  if (kind === 'channel_units') return forecast.channelUnits;
  if (kind === 'region_load') return (forecast.regionLoad ??= {});
  if (kind === 'region_viewers') return (forecast.regionViewers ??= {});
  return null;
};

/**
 * One point per curve and step, at its target time. Target times lie on the grid of steps, so a later forecast
 * replaces what an earlier one said of the same moment.
 */
export const pointsOfForecast = (cell: string, forecast: CellForecast): Point[] => {
  const { stepSeconds, issuedAtMs, forecastId, model, held, errorCorrelation } = forecast;
  const first = firstTargetMs(issuedAtMs, stepSeconds);
  return curves(forecast).flatMap(({ kind, byId }) =>
    Object.entries(byId).flatMap(([id, curve]) =>
      curve.p50.map((p50, k) => ({
        measurement: 'forecast',
        tags: { cell, kind, id, model: isOfChannels(kind) && held.includes(id) ? HELD_TAG : model },
        fields: {
          p10: curve.p10[k] ?? p50,
          p50,
          p90: curve.p90[k] ?? p50,
          issued_at_ms: issuedAtMs,
          step_seconds: stepSeconds,
          forecast_id: forecastId,
          ...(errorCorrelation !== undefined && { error_correlation: errorCorrelation }),
        },
        atMs: first + k * stepSeconds * 1000,
      })),
    ),
  );
};

/** A row of the `forecast` measurement, with its tags. */
export interface ForecastRow {
  atMs: number;
  kind: string;
  id: string;
  model: string;
  p10: number;
  p50: number;
  p90: number;
  issued_at_ms: number;
  step_seconds: number;
  forecast_id: string;
  error_correlation?: number | null;
}

/** The forecast issued last among these rows, which are ascending in time; null if there is none. */
export const forecastOfRows = (rows: readonly ForecastRow[]): CellForecast | null => {
  const issuedAtMs = rows.reduce((latest, row) => Math.max(latest, row.issued_at_ms), -Infinity);
  const issued = rows.filter((row) => row.issued_at_ms === issuedAtMs);
  const [one] = issued;
  if (!one) return null;
  const forecast: CellForecast = {
    forecastId: one.forecast_id,
    model: issued.find((row) => row.model !== HELD_TAG)?.model ?? HELD_TAG,
    issuedAtMs,
    stepSeconds: one.step_seconds,
    horizonSteps: 0,
    viewers: {},
    channelUnits: {},
    held: [],
    ...(typeof one.error_correlation === 'number' && { errorCorrelation: one.error_correlation }),
  };
  for (const row of issued) {
    const byId = curvesOfKind(forecast, row.kind);
    if (!byId) continue;
    const curve = (byId[row.id] ??= { p10: [], p50: [], p90: [] });
    curve.p10.push(row.p10);
    curve.p50.push(row.p50);
    curve.p90.push(row.p90);
    forecast.horizonSteps = Math.max(forecast.horizonSteps, curve.p50.length);
    if (isOfChannels(row.kind) && row.model === HELD_TAG && !forecast.held.includes(row.id))
      forecast.held.push(row.id);
  }
  forecast.held.sort();
  return forecast;
};
