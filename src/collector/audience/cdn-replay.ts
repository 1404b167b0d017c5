import { channelWithDefaults, ladderFor } from '../../domain';
import { firstTargetMs } from '../../forecast';
import { GENERATED } from '../../telemetry';
import type { ForecastInputs, Point } from '../../telemetry';
import { HOURS_PER_DAY } from './trace';

/** What the generated CDN of a region can send: in the evening of the default channels it is about 80 % used. */
const REGION_CAPACITY_KBPS = 5_000_000;
const HISTORY_STEPS = 21 * HOURS_PER_DAY;

const DEFAULT_CHANNEL = channelWithDefaults('any');

/** A viewer watches the best rendition that the audience has earned. */
const bitrateKbpsFor = (viewers: number): number =>
  Math.max(...ladderFor(DEFAULT_CHANNEL, viewers).map((rendition) => rendition.maxBitrateKbps));

/** Load fraction that these audiences make: viewers times the bitrate they watch, over the region's capacity. */
export const generatedLoad = (viewersByChannel: readonly number[]): number => {
  const kbps = viewersByChannel.reduce((sum, viewers) => sum + viewers * bitrateKbpsFor(viewers), 0);
  return Math.round((kbps / REGION_CAPACITY_KBPS) * 10_000) / 10_000;
};

export interface CdnReplayOptions {
  cell: string;
  stepSeconds: number;
  inputs: Pick<ForecastInputs, 'regionLoad'>;
  /** Viewers of a channel at any moment; null before the scenario has begun. */
  viewersAt(channelId: string, atMs: number): number | null;
}

/**
 * Makes a CDN load for every region from the replayed audience, where nobody measures one. Its points are marked as
 * generated, so that forecasts never mix them with measured load.
 */
export class CdnReplay {
  private readonly filled = new Set<string>();

  constructor(private readonly options: CdnReplayOptions) {}

  /**
   * Load of each region at this moment, and the history of regions not seen before.
   * @throws SwarmError unavailable, timeout: the store can't be read; call again
   */
  async pointsAt(channels: readonly { id: string; region: string }[], atMs: number): Promise<Point[]> {
    const regions = [...new Set(channels.map((c) => c.region))].filter((region) => region !== '');
    const idsOf = (region: string): string[] => channels.flatMap((c) => (c.region === region ? [c.id] : []));
    const fresh = regions.filter((region) => !this.filled.has(region));
    const times = fresh.length > 0 ? await this.missingSteps(fresh, atMs) : new Map<string, number[]>();
    const points = regions.flatMap((region) =>
      [...(times.get(region) ?? []), atMs].flatMap((at) => this.pointOf(region, idsOf(region), at)),
    );
    if (points.length > 0) for (const region of fresh) this.filled.add(region);
    return points;
  }

  private pointOf(region: string, channelIds: readonly string[], atMs: number): Point[] {
    const viewers = channelIds.map((id) => this.options.viewersAt(id, atMs));
    const known = viewers.filter((v) => v !== null);
    if (known.length < viewers.length) return [];
    return [
      {
        measurement: 'cdn',
        tags: { cell: this.options.cell, region, source: GENERATED },
        fields: { load_fraction: generatedLoad(known) },
        atMs,
      },
    ];
  }

  /** Middles of the steps that have no load yet, by region. */
  private async missingSteps(regions: readonly string[], atMs: number): Promise<Map<string, number[]>> {
    const { cell, stepSeconds, inputs } = this.options;
    const known = await inputs.regionLoad({ cell, stepSeconds, steps: HISTORY_STEPS, endMs: atMs });
    const stepMs = stepSeconds * 1000;
    const startMs = firstTargetMs(atMs, stepSeconds) - HISTORY_STEPS * stepMs;
    return new Map(
      regions.map((region) => [
        region,
        Array.from({ length: HISTORY_STEPS }, (_, step) => step)
          .filter((step) => (known[region]?.[step] ?? null) === null)
          .map((step) => startMs + (step + 0.5) * stepMs),
      ]),
    );
  }
}
