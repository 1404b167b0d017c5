import { cleanSeries, measuredDemand, type CleanSeries } from './clean-series';
import { fitEnsemble, fitStatistics, forecastEnsemble, type EnsembleFit } from './ensemble';
import { externalForecastOf, hindcastOf } from './external-members';
import { FitCache, type CachedSeries, type HistoryExtent } from './fit-cache';
import { inLocalTime } from './local-time';
import { directSteps, extended } from './long-horizon';
import type {
  EnsembleMember,
  LearningForecaster,
  SeriesForecast,
  SeriesForecaster,
  SeriesToForecast,
} from './series';
import { forecastSeries } from './series-forecast';

export const ENSEMBLE_MODEL = 'ensemble';

export interface ForecasterOptions {
  /** Members besides the statistical ones, such as a net. */
  members?: readonly EnsembleMember[];
  /**
   * Keeps what was learned about a series, by its id, and learns again after so many steps; meanwhile the width of
   * the band follows how often it was missed. Absent: every call learns from the history that it was given alone.
   */
  refitEverySteps?: number;
}

const DAY_SECONDS = 86_400;
/** The ensemble needs this much history, and this much of it measured. */
const MIN_DAYS = 3;
const MIN_STEPS = 48;
const MIN_KNOWN_SHARE = 0.4;

const dayStepsOf = ({ daySteps, stepSeconds }: SeriesToForecast): number =>
  Math.max(1, Math.round(daySteps ?? DAY_SECONDS / stepSeconds));

/** One series on its way through the forecaster. */
interface Job {
  /** With the horizon that is forecast directly. */
  given: SeriesToForecast;
  demand: Float64Array;
  daySteps: number;
  /** Absolute step of history[0]. */
  firstStep: number;
  levels: readonly number[];
}

const jobOf = (series: SeriesToForecast): Job | null => {
  const daySteps = dayStepsOf(series);
  const { history } = series;
  if (history.length < Math.max(MIN_DAYS * daySteps, MIN_STEPS)) return null;
  const demand = measuredDemand(history, daySteps);
  if (demand.filter((value) => !Number.isNaN(value)).length < MIN_KNOWN_SHARE * demand.length) return null;
  const horizonSteps = directSteps(series.horizonSteps, history.length, daySteps);
  const startMs = Number.isFinite(series.startMs) ? series.startMs : 0;
  return {
    given: { ...series, horizonSteps },
    demand,
    daySteps,
    firstStep: Math.round(startMs / 1000 / series.stepSeconds),
    levels: series.eventLevels ?? [],
  };
};

const extentOf = ({ demand, daySteps, firstStep, levels }: Job): HistoryExtent => {
  const steps = demand.length;
  return {
    end: firstStep + steps,
    daySteps,
    steps,
    known: demand.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : 1), 0),
    eventSteps: levels.slice(0, steps).reduce((sum, level) => sum + (level > 0 ? 1 : 0), 0),
    amidEvent: (levels[steps - 1] ?? 0) > 0,
  };
};

class EnsembleForecaster implements SeriesForecaster {
  protected readonly members: readonly EnsembleMember[];
  protected readonly cache: FitCache | null;

  constructor({ members = [], refitEverySteps }: ForecasterOptions) {
    this.members = members;
    this.cache = refitEverySteps === undefined ? null : new FitCache(refitEverySteps);
  }

  forecast(given: readonly SeriesToForecast[]): SeriesForecast[] {
    const local = given.map(inLocalTime);
    const forecasts = this.forecastLocal(local.map(({ series }) => series));
    return forecasts.map((forecast, i) => ({ ...forecast, curve: local[i]!.back(forecast.curve) }));
  }

  private forecastLocal(series: readonly SeriesToForecast[]): SeriesForecast[] {
    const jobs = series.map(jobOf);
    const longEnough = jobs.filter((job) => job !== null);
    // All series at once: a net's cost is per call.
    const external = this.members.map((member) => {
      const curves = longEnough.length > 0 ? member.forecast(longEnough.map((job) => job.given)) : [];
      return new Map(longEnough.map((job, i) => [job, curves[i]?.p50]));
    });
    return jobs.map((job, i) => {
      const whole = series[i]!;
      if (!job) return fallback(whole);
      const externalP50 = new Map(this.members.map((member, m) => [member.name, external[m]!.get(job)]));
      const forecast = this.forecastJob(job, externalP50);
      if (!forecast || ![...forecast.curve.p10, ...forecast.curve.p90].every(Number.isFinite))
        return fallback(whole);
      return { ...forecast, curve: extended(forecast.curve, whole.horizonSteps, job.daySteps) };
    });
  }

  /** Null where nothing was learned of the series yet. */
  protected forecastJob(
    job: Job,
    externalP50: ReadonlyMap<string, readonly number[] | undefined>,
  ): SeriesForecast | null {
    const cached = this.cachedSeriesOf(job);
    const extent = extentOf(job);
    const fit = (cached && this.cache!.find(cached, extent)) ?? this.learnJob(job, cached, extent);
    cached?.width.learn(job.firstStep, job.demand);
    const forecast = forecastBy(fit, job, externalP50, cached?.width.widening);
    cached?.width.issued(extent.end, forecast.curve);
    return forecast;
  }

  protected cachedSeriesOf({ given, daySteps, levels }: Job): CachedSeries | null {
    const shape = `${given.stepSeconds}/${daySteps}/${given.horizonSteps}/${levels.length > 0}`;
    return this.cache?.seriesOf(given.id, shape) ?? null;
  }

  protected learnJob(job: Job, cached: CachedSeries | null, extent: HistoryExtent): EnsembleFit {
    const fit = this.fit(job, cleanSeries(job.demand, job));
    if (cached) this.cache!.keep(cached, extent, fit);
    return fit;
  }

  private fit({ given, levels }: Job, clean: CleanSeries): EnsembleFit {
    const fitted = fitStatistics(clean, given.horizonSteps, levels);
    const { origins } = fitted.frame;
    const external = this.members.flatMap(
      (member) => hindcastOf(member, given, clean, fitted.eventEffect, origins) ?? [],
    );
    return fitEnsemble(fitted, levels, external, this.cache ? 'all' : 'now');
  }
}

const forecastBy = (
  fit: EnsembleFit,
  { given, demand, daySteps, firstStep, levels }: Job,
  externalP50: ReadonlyMap<string, readonly number[] | undefined>,
  widening?: { below: number; above: number },
): SeriesForecast => {
  const clean = cleanSeries(demand, { daySteps, firstStep, scale: fit.scale });
  const forecasts = fit.externalMembers.map((name) =>
    externalForecastOf(externalP50.get(name), given.horizonSteps, clean, fit.eventEffect, levels),
  );
  const { curve, shares } = forecastEnsemble(fit, clean, levels, forecasts, widening);
  return { curve, held: false, model: ENSEMBLE_MODEL, shares };
};

/** Forecasts with earlier fits only; fits a series when `learn` is called. */
class PrefittedForecaster extends EnsembleForecaster implements LearningForecaster {
  isDue(series: SeriesToForecast): boolean {
    const job = jobOf(inLocalTime(series).series);
    return job !== null && this.cache!.isDue(this.cachedSeriesOf(job)!, extentOf(job));
  }

  learn(series: SeriesToForecast): void {
    const job = jobOf(inLocalTime(series).series);
    if (job) this.learnJob(job, this.cachedSeriesOf(job), extentOf(job));
  }

  protected override forecastJob(
    job: Job,
    externalP50: ReadonlyMap<string, readonly number[] | undefined>,
  ): SeriesForecast | null {
    const fit = this.cache!.latest(this.cachedSeriesOf(job)!, extentOf(job));
    return fit && forecastBy(fit, job, externalP50);
  }
}

/** Where the ensemble has too little to learn from: the seasonal rule, which holds the level in its turn. */
const fallback = (series: SeriesToForecast): SeriesForecast =>
  forecastSeries(series.history, {
    stepSeconds: series.stepSeconds,
    horizonSteps: series.horizonSteps,
    seasonSteps: dayStepsOf(series),
  });

/**
 * The forecaster of the swarm: what the live system, the simulator and the bench all use.
 *
 * An ensemble of statistical members, and of external ones such as a net, weighted by their recent losses and calibrated
 * on held-back forecasts of the same history; with less than three days, the seasonal rule; with less than a day
 * and a half, the current level held. See docs/explanation/forecasting.md.
 */
export const createSeriesForecaster = (options: ForecasterOptions = {}): SeriesForecaster =>
  new EnsembleForecaster(options);

/**
 * The same ensemble for a swarm that forecasts thousands of series again and again: `forecast` learns nothing, and so
 * takes about a millisecond a series; `learn` is called for the series that are due, some at a time. A series of which
 * nothing was learned yet has the seasonal rule. The band follows no misses here: the swarm's own scores do that.
 */
export const createLearningForecaster = (
  options: ForecasterOptions & { refitEverySteps: number },
): LearningForecaster => new PrefittedForecaster(options);
