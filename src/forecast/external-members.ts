import { toLog, type CleanSeries } from './clean-series';
import type { ExternalForecasts } from './ensemble';
import { effectOn, type EventEffect } from './event-effect';
import type { EnsembleMember, SeriesToForecast } from './series';

/**
 * Held-back forecasts of an external member (a net, say) per series: of one that makes them in one pass, nearly all,
 * since the calibration needs every member; of a slow one, enough for its weight.
 */
const MAX_HINDCASTS_AT_ONCE = 500;
const MAX_HINDCASTS = 40;

const asAt = (series: SeriesToForecast, origin: number): SeriesToForecast => ({
  ...series,
  history: series.history.slice(0, origin),
  ...(series.eventLevels && { eventLevels: series.eventLevels.slice(0, origin + series.horizonSteps) }),
});

/** An external member's P50 as the ensemble combines it: on the log scale, without the effect of known events. */
const onLogScale = (p50: readonly number[], scale: number, effect: Float64Array | null): Float64Array =>
  Float64Array.from(p50, (value, ahead) => toLog(value, scale) - (effect?.[ahead] ?? 0));

/**
 * What an external member would have forecast from some of the origins of a fit.
 * @returns null where it can't forecast this series
 */
export const hindcastOf = (
  member: EnsembleMember,
  given: SeriesToForecast,
  clean: CleanSeries,
  effect: EventEffect | null,
  origins: readonly number[],
): ExternalForecasts | null => {
  const { horizonSteps: horizon, eventLevels: levels = [] } = given;
  // An odd stride, so that all times of day have their turn.
  const most = member.hindcast ? MAX_HINDCASTS_AT_ONCE : MAX_HINDCASTS;
  const stride = Math.max(1, Math.floor(origins.length / most)) | 1;
  const chosen: number[] = [];
  for (let i = origins.length - 1; i >= 0; i -= stride) chosen.push(i);
  const chosenOrigins = chosen.map((i) => origins[i]!);
  const curves =
    member.hindcast?.(given, chosenOrigins) ??
    (member.hindcast ? null : member.forecast(chosenOrigins.map((origin) => asAt(given, origin))));
  if (!curves) return null;
  const past = new Float64Array(origins.length * horizon).fill(NaN);
  chosen.forEach((i, k) => {
    const p50 = curves[k]?.p50;
    if (p50?.length !== horizon) return;
    const from = origins[i]!;
    const onSteps = effect ? effectOn(effect, levels, from, from + horizon) : null;
    past.set(onLogScale(p50, clean.scale, onSteps), i * horizon);
  });
  return { name: member.name, past };
};

/** An external member's forecast now; NaN throughout where it has none. */
export const externalForecastOf = (
  p50: readonly number[] | undefined,
  horizon: number,
  clean: CleanSeries,
  effect: EventEffect | null,
  levels: readonly number[],
): Float64Array => {
  if (p50?.length !== horizon) return new Float64Array(horizon).fill(NaN);
  const end = clean.z.length;
  return onLogScale(p50, clean.scale, effect ? effectOn(effect, levels, end, end + horizon) : null);
};
