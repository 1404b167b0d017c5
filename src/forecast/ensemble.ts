import type { DemandCurve } from '../domain';
import { errorQuantiles, errorSizes, sizeOf, type ErrorQuantiles, type ErrorSizes } from './calibration';
import { toDemand, type CleanSeries } from './clean-series';
import { clockPart, clockParts } from './clock';
import { combined, weighMembers, type MemberWeights } from './combine';
import { effectOn, eventAt, fitEventEffect, type EventEffect } from './event-effect';
import { fitMembers } from './members';
import { pastCells } from './past-forecasts';
import type { FitFrame, PointMember } from './point-member';
import { WeightedValues } from './quantiles';

/** What a member of another kind (a net) forecast from some of the frame's origins, on the series' log scale. */
export interface ExternalForecasts {
  name: string;
  /** [origins x horizon]; NaN where it was not asked. */
  past: Float64Array;
}

/** Everything that was learned from one history; forecasts from it are cheap, also when the history has grown. */
export interface EnsembleFit {
  horizon: number;
  scale: number;
  eventEffect: EventEffect | null;
  members: readonly Pick<PointMember, 'name' | 'forecast'>[];
  externalMembers: readonly string[];
  weights: MemberWeights;
  sizes: Omit<ErrorSizes, 'bySlotWithoutOwn'>;
  /** By part of the day; only those that were asked for. */
  quantiles: ReadonlyMap<number, ErrorQuantiles>;
}

export interface FittedMembers {
  frame: FitFrame;
  members: PointMember[];
  eventEffect: EventEffect | null;
}

/** First half of a fit: the statistical members, on the history without what known events did to it. */
export const fitStatistics = (
  series: CleanSeries,
  horizon: number,
  eventLevels: readonly number[],
): FittedMembers => {
  const eventEffect = fitEventEffect(series, eventLevels);
  return { ...fitMembers(withoutEvents(series, eventEffect, eventLevels), horizon), eventEffect };
};

const withoutEvents = (
  series: CleanSeries,
  effect: EventEffect | null,
  levels: readonly number[],
): CleanSeries => {
  if (!effect) return series;
  const onSteps = effectOn(effect, levels, 0, series.z.length);
  return { ...series, z: series.z.map((value, step) => value - onSteps[step]!) };
};

/**
 * Second half: weights of all members and calibration of their combined forecast.
 *
 * @param clocks 'now' where the fit serves the forecast right after its history only; 'all' where it is kept
 */
export const fitEnsemble = (
  { frame, members, eventEffect }: FittedMembers,
  eventLevels: readonly number[],
  external: readonly ExternalForecasts[],
  clocks: 'now' | 'all',
): EnsembleFit => {
  const { series, horizon, origins } = frame;
  const { daySteps, firstStep, scale, z } = series;
  const cells = pastCells(series, origins, horizon);
  const past = [...members.map((m) => m.past), ...external.map(({ past }) => past)];
  const { weights, errors } = weighMembers(cells, past);
  const isEvent = (step: number): boolean => eventAt(eventLevels, step - firstStep);
  const sizes = errorSizes(cells, errors, isEvent);
  const parts =
    clocks === 'now'
      ? [clockPart(firstStep + z.length, daySteps)]
      : Array.from({ length: clockParts(daySteps) }, (_, part) => part);
  const quantiles = errorQuantiles(cells, errors, sizes, isEvent, parts);
  return {
    horizon,
    scale,
    eventEffect,
    members: members.map(({ name, forecast }) => ({ name, forecast })),
    externalMembers: external.map(({ name }) => name),
    weights,
    sizes: { bySlot: sizes.bySlot, byAhead: sizes.byAhead, eventFactor: sizes.eventFactor },
    quantiles: new Map(parts.map((part, i) => [part, quantiles[i]!])),
  };
};

/** A forecast with the share of each member, for scoring the members once the truth is known. */
export interface EnsembleForecast {
  curve: DemandCurve;
  /** Share of each member in the P50, averaged over the steps; sums to 1. */
  shares: Record<string, number>;
}

/**
 * Forecasts the steps right after the history.
 *
 * @param externalNow per external member of the fit, `horizon` values on the log scale, without the effect of events;
 *   NaN: it has no forecast
 * @param widening factor of the distance of P10 and of P90 from P50
 */
export const forecastEnsemble = (
  fit: EnsembleFit,
  given: CleanSeries,
  eventLevels: readonly number[],
  externalNow: readonly Float64Array[] = [],
  widening: { below: number; above: number } = { below: 1, above: 1 },
): EnsembleForecast => {
  const { horizon, scale, sizes, eventEffect } = fit;
  const end = given.z.length;
  const part = clockPart(given.firstStep + end, given.daySteps);
  const series = withoutEvents(given, eventEffect, eventLevels);
  const forecasts = [...fit.members.map((m) => m.forecast(series)), ...externalNow];
  const weights = fit.weights[part]!;
  const quantiles = fit.quantiles.get(part)!;
  const effect = eventEffect ? effectOn(eventEffect, eventLevels, end, end + horizon) : null;
  const isEvent = (step: number): boolean => eventAt(eventLevels, step - given.firstStep);
  const scratch = new WeightedValues(forecasts.length);
  const curve: DemandCurve = { p10: [], p50: [], p90: [] };
  for (let ahead = 0; ahead < horizon; ahead++) {
    const center = combined(forecasts, weights, ahead, horizon, scratch) + (effect?.[ahead] ?? 0);
    const size = sizeOf(sizes, given.firstStep + end + ahead, ahead, isEvent);
    const middle = center + quantiles.p50[ahead]! * size;
    const below = Math.max(0, (quantiles.p50[ahead]! - quantiles.p10[ahead]!) * size * widening.below);
    const above = Math.max(0, (quantiles.p90[ahead]! - quantiles.p50[ahead]!) * size * widening.above);
    curve.p10.push(toDemand(middle - below, scale));
    curve.p50.push(toDemand(middle, scale));
    curve.p90.push(toDemand(middle + above, scale));
  }
  return { curve, shares: sharesOf(fit, weights, forecasts) };
};

const sharesOf = (
  { members, externalMembers, horizon }: EnsembleFit,
  weights: Float64Array,
  forecasts: readonly Float64Array[],
): Record<string, number> => {
  const names = [...members.map((m) => m.name), ...externalMembers];
  const sums = names.map((_, m) => {
    let sum = 0;
    for (let ahead = 0; ahead < horizon; ahead++)
      if (!Number.isNaN(forecasts[m]![ahead]!)) sum += weights[m * horizon + ahead]!;
    return sum;
  });
  const total = sums.reduce((all, sum) => all + sum, 0);
  return Object.fromEntries(names.map((name, m) => [name, total > 0 ? sums[m]! / total : 0]));
};
