import type { DemandCurve } from '../../domain';
import type { EnsembleMember, SeriesToForecast } from '../series';
import { FEATURE_COUNT, writeFeatures } from './features';
import type { QuantileNet } from './quantile-net';
import { DAYS_BEFORE_ORIGIN, ScaledSeries } from './scaled-series';

/** Rows that go through the net at once: bounds memory, and fills the kernels. */
const ROWS_AT_ONCE = 8_192;

/** One series at one origin, for forecasts and for scores alike. */
export interface OriginToForecast {
  series: ScaledSeries;
  /** The first step to forecast, in [1, series.length]. */
  origin: number;
  horizonSteps: number;
}

/**
 * Curves of many origins in few passes through the net.
 * @returns curves of `horizonSteps` values, 0 <= p10 <= p50 <= p90, in the order given
 */
export const forecastOrigins = (net: QuantileNet, origins: readonly OriginToForecast[]): DemandCurve[] => {
  const rows = origins.reduce((sum, { horizonSteps }) => sum + horizonSteps, 0);
  const features = new Float32Array(rows * FEATURE_COUNT);
  const scales = origins.map(({ series, origin }) => series.scaleAt(origin));
  let row = 0;
  origins.forEach(({ series, origin, horizonSteps }, i) => {
    for (let ahead = 0; ahead < horizonSteps; ahead++) {
      writeFeatures(series, origin, ahead, scales[i]!, features, row++ * FEATURE_COUNT);
    }
  });
  const quantiles = new Float32Array(rows * 3);
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    const to = Math.min(rows, from + ROWS_AT_ONCE);
    quantiles.set(net.predict(features.subarray(from * FEATURE_COUNT, to * FEATURE_COUNT)), from * 3);
  }
  row = 0;
  return origins.map(({ series, horizonSteps }, i) => {
    const curve: DemandCurve = { p10: [], p50: [], p90: [] };
    for (let ahead = 0; ahead < horizonSteps; ahead++, row++) {
      const at = (quantile: number): number => series.toValue(quantiles[row * 3 + quantile]!, scales[i]!);
      curve.p10.push(at(0));
      curve.p50.push(at(1));
      curve.p90.push(at(2));
    }
    return curve;
  });
};

const isLongEnough = ({ length, daySteps, source }: ScaledSeries): boolean =>
  length >= DAYS_BEFORE_ORIGIN * daySteps && source.history.some((value) => value !== null && value > 0);

export interface NetMemberOptions {
  net: QuantileNet;
  name: string;
  /** What the net has learned from, up to a moment, and a net that has not learned from it. */
  unseen?: { untilMs: number; net: QuantileNet };
}

/**
 * The net as a member of the ensemble. Null for a series of less than two days, for one without any demand, and
 * wherever the net gives something that is not a number.
 *
 * Hindcasts over steps that the net was trained on would praise it: they are made by `unseen.net` instead. The nets
 * stay the caller's to dispose of.
 */
export const netMember = ({ net, name, unseen }: NetMemberOptions): EnsembleMember => ({
  name,
  hindcast: (series: SeriesToForecast, origins: readonly number[]): DemandCurve[] | null => {
    const scaled = new ScaledSeries(series);
    if (!isLongEnough(scaled)) return null;
    const { horizonSteps, startMs, stepSeconds } = series;
    const windows = origins.map((origin) => ({ series: scaled, origin, horizonSteps }));
    if (!unseen) return forecastOrigins(net, windows);
    const isSeen = ({ origin }: OriginToForecast): boolean =>
      startMs + origin * stepSeconds * 1000 < unseen.untilMs;
    const seen = forecastOrigins(unseen.net, windows.filter(isSeen));
    const later = forecastOrigins(
      net,
      windows.filter((window) => !isSeen(window)),
    );
    return windows.map((window) => (isSeen(window) ? seen : later).shift()!);
  },
  forecast: (series: readonly SeriesToForecast[]): (DemandCurve | null)[] => {
    const scaled = series.map((one) => new ScaledSeries(one));
    const usable = scaled.filter(isLongEnough);
    const curves = forecastOrigins(
      net,
      usable.map((one) => ({ series: one, origin: one.length, horizonSteps: one.source.horizonSteps })),
    );
    const bySeries = new Map(usable.map((one, i) => [one, curves[i]!]));
    return scaled.map((one) => {
      const curve = bySeries.get(one);
      return curve && [...curve.p10, ...curve.p90].every(Number.isFinite) ? curve : null;
    });
  },
});
