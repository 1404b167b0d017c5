import { rungsFor, unitsForAudience, type CellForecast, type DemandCurve } from '../domain';
import { createSeriesForecaster, type SeriesForecaster, type SeriesToForecast } from '../forecast';
import { deservedRungs } from '../planner';
import { unitsByRungs, type World } from './world';

const TOTAL = 'total';

const mapCurve = (curve: DemandCurve, f: (value: number) => number): DemandCurve => ({
  p10: curve.p10.map(f),
  p50: curve.p50.map(f),
  p90: curve.p90.map(f),
});

/** Units of all channels together per sample, over the history and the simulated time. */
export const totalUnitsPerSample = ({ channels }: World): Float64Array => {
  const total = new Float64Array(channels[0]?.viewers.length ?? 0);
  for (const { spec, viewers } of channels) {
    const units = unitsByRungs(spec);
    let rungs = 0;
    for (let i = 0; i < total.length; i++) {
      const now = viewers[i] as number;
      if (Number.isNaN(now)) rungs = 0;
      else rungs = rungs === 0 ? rungsFor(spec, now) : deservedRungs({ spec, viewers: now, rungs });
      total[i] = (total[i] as number) + (units[rungs] as number);
    }
  }
  return total;
};

/** Means per forecast step; null where no sample is known. */
const stepMeans = (samples: ArrayLike<number>, perStep: number): (number | null)[] =>
  Array.from({ length: Math.floor(samples.length / perStep) }, (_, step) => {
    let sum = 0;
    let known = 0;
    for (let i = step * perStep; i < (step + 1) * perStep; i++) {
      const value = samples[i] as number;
      if (Number.isNaN(value)) continue;
      sum += value;
      known++;
    }
    return known > 0 ? sum / known : null;
  });

/** Steps that a forecast covers. */
export interface ForecastHorizons {
  /** Of each channel: what moves are planned with. */
  channelSteps: number;
  /** Of the total: whether an encoder released now would soon be missed. */
  totalSteps: number;
}

/**
 * The forecasts that the swarm would have issued during the simulated time, one at the beginning of each step, each
 * from nothing but what lies before it. Made when first asked for; every policy gets the same.
 */
export class ForecastBook {
  private readonly forecaster: SeriesForecaster;
  private readonly issued = new Map<number, CellForecast>();
  private readonly viewerSteps: (number | null)[][];
  private readonly totalSteps: (number | null)[];
  private readonly historySteps: number;

  constructor(
    private readonly world: World,
    private readonly horizons: ForecastHorizons,
  ) {
    // What was learned of a series is kept for a day: learning again for each of thousands of forecasts would take hours.
    this.forecaster = createSeriesForecaster({ refitEverySteps: world.daySteps });
    const perStep = world.forecastStepSeconds / world.sampleSeconds;
    this.historySteps = Math.floor(world.historySamples / perStep);
    this.viewerSteps = world.channels.map((channel) => stepMeans(channel.viewers, perStep));
    this.totalSteps = stepMeans(totalUnitsPerSample(world), perStep);
  }

  /** The forecast in force at a moment of the simulated time. */
  at(atMs: number): CellForecast {
    const { startMs, forecastStepSeconds } = this.world;
    const step = Math.floor((atMs - startMs) / (forecastStepSeconds * 1000));
    const known = this.issued.get(step);
    if (known) return known;
    const made = this.issue(step);
    this.issued.set(step, made);
    return made;
  }

  private issue(step: number): CellForecast {
    const { world, historySteps } = this;
    const { channelSteps, totalSteps } = this.horizons;
    const { channels, forecastStepSeconds: stepSeconds, daySteps, startMs, cell } = world;
    const issuedAtMs = startMs + step * stepSeconds * 1000;
    const end = historySteps + step;
    const seriesOf = (id: string, steps: (number | null)[], horizonSteps: number): SeriesToForecast => ({
      id,
      stepSeconds,
      startMs: issuedAtMs - historySteps * stepSeconds * 1000,
      history: steps.slice(end - historySteps, end),
      horizonSteps,
      daySteps,
    });
    // Off the air a channel needs nothing, and when it will come back is not known.
    const onAir = channels.flatMap((channel, c) => {
      const steps = this.viewerSteps[c] as (number | null)[];
      return (steps[end - 1] ?? null) === null ? [] : [{ channel, steps }];
    });
    const series = [
      ...onAir.map(({ channel, steps }) => seriesOf(channel.spec.id, steps, channelSteps)),
      seriesOf(TOTAL, this.totalSteps, totalSteps),
    ];
    const forecasts = this.forecaster.forecast(series);
    const total = forecasts[forecasts.length - 1];
    const forecast: CellForecast = {
      forecastId: `forecast-${cell}-${issuedAtMs}`,
      model: total?.model ?? '',
      issuedAtMs,
      stepSeconds,
      horizonSteps: channelSteps,
      viewers: {},
      channelUnits: {},
      held: [],
      ...(total && { totalUnits: total.curve }),
    };
    onAir.forEach(({ channel: { spec } }, i) => {
      const made = forecasts[i];
      if (!made) return;
      forecast.viewers[spec.id] = made.curve;
      forecast.channelUnits[spec.id] = mapCurve(made.curve, (viewers) => unitsForAudience(spec, viewers));
      if (made.held) forecast.held.push(spec.id);
    });
    forecast.held.sort();
    return forecast;
  }
}
