import { rungsFor, type CellForecast, type ChannelSpec } from '../domain';
import { freshOrNull } from './kept-reading';
import type { TelemetryReadings } from './telemetry-readings';

const TROUBLE_HALF_LIFE_MS = 10 * 60_000;
const FORECASTS_KEPT = 4;

/**
 * What decisions make of the telemetry store. A slow database makes them poorer, never later: where it does not answer
 * in time, audience and troubles stay as they were read last, and there is no forecast.
 */
export class TelemetryView {
  private viewers = new Map<string, number>();
  private troubles = new Map<string, number>();
  private readonly forecasts = new Map<string, CellForecast>();

  constructor(private readonly readings: TelemetryReadings) {}

  async refreshViewers(channelIds: string[]): Promise<void> {
    const { value } = await this.readings.viewers(channelIds, { fresh: true });
    if (!value) return;
    const before = this.viewers;
    // What is not told now stays as it was; channels that are gone are forgotten.
    const told = channelIds.map((id) => [id, value[id] ?? before.get(id)] as const);
    this.viewers = new Map(told.filter((each): each is [string, number] => each[1] !== undefined));
  }

  /** Audience of a channel; where it is unknown, one that just keeps its ladder as it is. */
  viewersOf(spec: ChannelSpec, rungs: number): number {
    const known = this.viewers.get(spec.id);
    if (known !== undefined) return known;
    return rungsFor(spec, 0) >= rungs ? 0 : (spec.viewersPerRung[rungs - 2] ?? 0);
  }

  async refreshTroubles(nowMs: number): Promise<void> {
    const { value } = await this.readings.troubles.get({ insists: true });
    if (!value) return;
    this.troubles = new Map();
    for (const { atMs, tags, fields } of value) {
      const weight = (fields.weight ?? 0) * 0.5 ** (Math.max(0, nowMs - atMs) / TROUBLE_HALF_LIFE_MS);
      const encoderId = tags.encoder ?? '';
      this.troubles.set(encoderId, (this.troubles.get(encoderId) ?? 0) + weight);
    }
  }

  /** Crashes and failed handoffs of an encoder, each decayed by half every 10 minutes. */
  troublesOf = (encoderId: string): number => this.troubles.get(encoderId) ?? 0;

  /** The newest forecast; null if there is none young enough or the store is late. */
  async latestForecast(): Promise<CellForecast | null> {
    const forecast = freshOrNull(await this.readings.forecast.get({ insists: true }));
    if (forecast) {
      this.forecasts.set(forecast.forecastId, forecast);
      const oldest = this.forecasts.keys().next().value;
      if (this.forecasts.size > FORECASTS_KEPT && oldest !== undefined) this.forecasts.delete(oldest);
    }
    return forecast;
  }

  /** A forecast by id, as far as it is remembered or still the latest one. */
  async forecast(forecastId: string): Promise<CellForecast | null> {
    const known = this.forecasts.get(forecastId);
    if (known) return known;
    const latest = await this.latestForecast();
    return latest?.forecastId === forecastId ? latest : null;
  }
}
