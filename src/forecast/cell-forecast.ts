import type { CellForecast, ChannelSpec, DemandCurve, KnownEvent, LeadFeedback, ScoredKind } from '../domain';
import { eventLevels, meanEventLevels, type EventAudience, type StepGrid } from './event-levels';
import { createSeriesForecaster } from './forecaster';
import { withFeedback } from './lead-feedback';
import type { SeriesForecast, SeriesForecaster, SeriesToForecast } from './series';
import { HOLD_MODEL, SEASONAL_MODEL, type ForecastShape } from './series-forecast';
import { NOMINAL_COST, unitsForViewers, type SessionCost } from './session-cost';
import { scaledCurve, trendRatios } from './trend';

export interface CellForecastInput extends ForecastShape {
  cell: string;
  /** Moment of issue, wall-clock milliseconds; the history ends with the last complete step before it. */
  atMs: number;
  channels: ChannelSpec[];
  /** Viewers per step by channel id, oldest first, null = hole. A channel without history is held at 0. */
  viewersHistory: Record<string, (number | null)[]>;
  /** The same by region, of all channels together. */
  regionViewersHistory?: Record<string, (number | null)[]>;
  /** CDN load fraction per step by region. */
  regionLoadHistory?: Record<string, (number | null)[]>;
  /** IANA time zone by region; a channel's own comes before that of its region. */
  timeZones?: Readonly<Record<string, string>>;
  /** Trend score per step by channel id, over the same steps as its viewers. */
  trendHistory?: Record<string, (number | null)[]>;
  /** Known events, past and to come. */
  events?: readonly KnownEvent[];
  /** What past errors have taught, by kind and id (see `seriesKey`) and lead. */
  feedback?: ReadonlyMap<string, ReadonlyMap<number, LeadFeedback>>;
  /** What sessions cost; absent: nominal units. */
  cost?: SessionCost;
  /** See `errorCorrelation`; absent: not known. */
  errorCorrelation?: number;
  forecaster?: SeriesForecaster;
}

/** Name of a scored series. */
export const seriesKey = (kind: ScoredKind, id: string): string => `${kind}/${id}`;

const oneDecimal = (value: number): number => Math.round(value * 10) / 10;
const fourDecimals = (value: number): number => Math.round(value * 10_000) / 10_000;

const mapCurve = (curve: DemandCurve, f: (value: number) => number): DemandCurve => ({
  p10: curve.p10.map(f),
  p50: curve.p50.map(f),
  p90: curve.p90.map(f),
});

/** Which model made most of the series that were not held. */
const mainModel = (forecasts: readonly SeriesForecast[]): string => {
  const counts = new Map<string, number>();
  for (const { held, model } of forecasts) if (!held) counts.set(model, (counts.get(model) ?? 0) + 1);
  const [best] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return best?.[0] ?? (forecasts.length > 0 ? HOLD_MODEL : SEASONAL_MODEL);
};

type SeriesKind = ScoredKind | 'region_viewers';

/** Every series that a cell's forecast needs: viewers of each channel, and load and viewers of each region. */
export const seriesOfCell = (input: CellForecastInput): SeriesToForecast[] => {
  const { atMs, stepSeconds, horizonSteps, seasonSteps, channels, events = [] } = input;
  const { regionLoadHistory, regionViewersHistory, timeZones = {} } = input;
  const stepMs = stepSeconds * 1000;
  const endMs = Math.floor(atMs / stepMs) * stepMs;

  const audiences = channels.map(({ id, region }): EventAudience => ({ channelId: id, region }));
  const startOf = (history: readonly unknown[]): number => endMs - history.length * stepMs;
  const gridOf = (history: readonly unknown[]): StepGrid => ({
    startMs: startOf(history),
    stepSeconds,
    steps: history.length + horizonSteps,
  });
  const given = (
    kind: SeriesKind,
    id: string,
    history: (number | null)[],
    timeZone: string | undefined,
    levelsOn: (grid: StepGrid) => number[] | null,
  ): SeriesToForecast => {
    const levels = levelsOn(gridOf(history));
    return {
      id: `${kind}/${id}`,
      stepSeconds,
      startMs: startOf(history),
      history,
      horizonSteps,
      daySteps: seasonSteps,
      ...(timeZone !== undefined && { timeZone }),
      ...(levels && { eventLevels: levels }),
    };
  };
  const ofRegions = (
    kind: SeriesKind,
    histories: Record<string, (number | null)[]> = {},
  ): SeriesToForecast[] =>
    Object.keys(histories).map((region) =>
      given(kind, region, histories[region] ?? [], timeZones[region], (grid) =>
        meanEventLevels(
          events,
          audiences.filter((a) => a.region === region),
          grid,
        ),
      ),
    );
  return [
    ...channels.map(({ id, region, timeZone = timeZones[region] }) =>
      given('viewers', id, input.viewersHistory[id] ?? [], timeZone, (grid) =>
        eventLevels(events, { channelId: id, region }, grid),
      ),
    ),
    ...ofRegions('region_load', regionLoadHistory),
    ...ofRegions('region_viewers', regionViewersHistory),
  ];
};

/**
 * Issues one forecast for every channel and region of a cell: viewers, the encode units that they will need, and the
 * load of the CDN.
 *
 * Units grow with viewers, so the quantile of the units is the units of the quantile. The id follows from cell
 * and moment alone: a retry issues the same forecast under the same id.
 */
export const forecastCell = (input: CellForecastInput): CellForecast => {
  const { cell, atMs, stepSeconds, horizonSteps, seasonSteps, channels } = input;
  const { feedback, cost = NOMINAL_COST, trendHistory = {} } = input;
  const { regionLoadHistory, regionViewersHistory } = input;
  const forecaster = input.forecaster ?? createSeriesForecaster();
  const series = seriesOfCell(input);
  // All in one call: a model's cost is per call.
  const answers = forecaster.forecast(series);
  const answerOf = new Map(series.map(({ id }, i) => [id, answers[i] as SeriesForecast]));
  const viewersOf = (channelId: string): SeriesForecast =>
    answerOf.get(`viewers/${channelId}`) as SeriesForecast;
  const ofRegion = (
    kind: SeriesKind,
    histories: Record<string, (number | null)[]>,
    finish: (curve: DemandCurve, region: string) => DemandCurve,
  ): Record<string, DemandCurve> =>
    Object.fromEntries(
      Object.keys(histories)
        .sort()
        .map((region) => [
          region,
          finish((answerOf.get(`${kind}/${region}`) as SeriesForecast).curve, region),
        ]),
    );
  const learned = (kind: ScoredKind, id: string, curve: DemandCurve): DemandCurve =>
    withFeedback(curve, feedback?.get(seriesKey(kind, id)) ?? new Map<number, LeadFeedback>());

  const forecast: CellForecast = {
    forecastId: `forecast-${cell}-${atMs}`,
    model: mainModel(channels.map(({ id }) => viewersOf(id))),
    issuedAtMs: atMs,
    stepSeconds,
    horizonSteps,
    viewers: {},
    channelUnits: {},
    held: channels.flatMap(({ id }) => (viewersOf(id).held ? [id] : [])).sort(),
    ...(input.errorCorrelation !== undefined && { errorCorrelation: input.errorCorrelation }),
  };
  for (const spec of channels) {
    const { curve } = viewersOf(spec.id);
    const history = input.viewersHistory[spec.id] ?? [];
    const ratios = trendRatios(history, trendHistory[spec.id] ?? [], seasonSteps, horizonSteps);
    const ahead = mapCurve(learned('viewers', spec.id, scaledCurve(curve, ratios)), oneDecimal);
    forecast.viewers[spec.id] = ahead;
    forecast.channelUnits[spec.id] = mapCurve(ahead, (v) => unitsForViewers(spec, v, cost));
  }
  if (regionLoadHistory && Object.keys(regionLoadHistory).length > 0) {
    forecast.regionLoad = ofRegion('region_load', regionLoadHistory, (curve, region) =>
      mapCurve(learned('region_load', region, curve), fourDecimals),
    );
  }
  if (regionViewersHistory && Object.keys(regionViewersHistory).length > 0) {
    forecast.regionViewers = ofRegion('region_viewers', regionViewersHistory, (curve) =>
      mapCurve(curve, oneDecimal),
    );
  }
  return forecast;
};
