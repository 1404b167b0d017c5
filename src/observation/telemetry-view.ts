import { rungsFor, type CellForecast, type ChannelSpec } from '../domain';
import { withinOrNull } from '../platform/deadline';
import type { TelemetryStore } from '../telemetry';
import { deadlinesMs } from './deadlines';

const TROUBLE_HALF_LIFE_MS = 10 * 60_000;
const TROUBLES_SINCE_MS = 6 * TROUBLE_HALF_LIFE_MS;
const TROUBLES_KEPT_MS = 4_000;
/** An older forecast speaks of steps that are nearly over. */
const FORECAST_MAX_AGE_MS = 60_000;
const FORECASTS_KEPT = 4;
const FORECAST_KEPT_MS = 4_000;

/**
 * What decisions read of the telemetry store. Every read has a deadline and falls back to what was read
 * last: a slow database makes decisions poorer, never later.
 */
export class TelemetryView {
  private viewers: Record<string, number> = {};
  private troubles = new Map<string, number>();
  private troublesAtMs = 0;
  private readonly forecasts = new Map<string, CellForecast>();
  private latest: { forecast: CellForecast | null; atMs: number } = { forecast: null, atMs: 0 };

  constructor(
    private readonly cell: string,
    private readonly store: TelemetryStore,
  ) {}

  async refreshViewers(channelIds: string[]): Promise<void> {
    const answer = await withinOrNull(
      deadlinesMs.telemetry,
      this.store.latestAudience({ cell: this.cell, channelIds }),
    );
    if (answer) this.viewers = { ...this.viewers, ...answer };
  }

  /** Audience of a channel; where it was never heard of, one that just keeps its ladder as it is. */
  viewersOf(spec: ChannelSpec, rungs: number): number {
    const known = this.viewers[spec.id];
    if (known !== undefined) return known;
    return rungsFor(spec, 0) >= rungs ? 0 : (spec.viewersPerRung[rungs - 2] ?? 0);
  }

  async refreshTroubles(nowMs: number): Promise<void> {
    if (nowMs - this.troublesAtMs < TROUBLES_KEPT_MS) return;
    const options = { cell: this.cell, fields: ['weight'], sinceMs: nowMs - TROUBLES_SINCE_MS };
    const points = await withinOrNull(deadlinesMs.telemetry, this.store.recent('trouble', options));
    if (!points) return;
    this.troublesAtMs = nowMs;
    this.troubles = new Map();
    for (const { atMs, tags, fields } of points) {
      const weight = (fields.weight ?? 0) * 0.5 ** ((nowMs - atMs) / TROUBLE_HALF_LIFE_MS);
      const encoderId = tags.encoder ?? '';
      this.troubles.set(encoderId, (this.troubles.get(encoderId) ?? 0) + weight);
    }
  }

  /** Crashes and failed handoffs of an encoder, each decayed by half every 10 minutes. */
  troublesOf = (encoderId: string): number => this.troubles.get(encoderId) ?? 0;

  /** The newest forecast, at most a minute old; null if there is none or the store is late. */
  async latestForecast(nowMs: number): Promise<CellForecast | null> {
    if (nowMs - this.latest.atMs < FORECAST_KEPT_MS) return this.latest.forecast;
    const forecast = await withinOrNull(
      deadlinesMs.telemetry,
      this.store.latestForecast(this.cell, FORECAST_MAX_AGE_MS),
    );
    this.latest = { forecast, atMs: nowMs };
    if (forecast) {
      this.forecasts.set(forecast.forecastId, forecast);
      const oldest = this.forecasts.keys().next().value;
      if (this.forecasts.size > FORECASTS_KEPT && oldest !== undefined) this.forecasts.delete(oldest);
    }
    return forecast;
  }

  /** A forecast by id, as far as it is remembered or still the latest one. */
  async forecast(forecastId: string, nowMs: number): Promise<CellForecast | null> {
    const known = this.forecasts.get(forecastId);
    if (known) return known;
    const latest = await this.latestForecast(nowMs);
    return latest?.forecastId === forecastId ? latest : null;
  }
}
