import type { EncoderObservation } from '../domain';
import type { BuildReading } from './compare';

/** One channel at the moment of a comparison. */
export interface ChannelMoment {
  channelId: string;
  encoderId: string;
  /** How long its oldest sealed GOP has waited to be published, in GOPs; 0 if none waits. */
  waitingGops: number;
}

/** Wait from which on a channel is late: about three times the usual publish delay, before viewers notice. */
const LATE_FROM_GOPS = 0.75;

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, v) => sum + v, 0) / values.length;

/**
 * What the encoders of one build do at one moment. Quality is measured elsewhere.
 * @param losses encoders and channels lost since the moment before, by encoder; an encoder counts once
 */
export const readingOf = (
  encoders: readonly EncoderObservation[],
  channels: readonly ChannelMoment[],
  losses: ReadonlySet<string>,
): BuildReading => {
  const ids = new Set(encoders.map((encoder) => encoder.id));
  const mine = channels.filter((channel) => ids.has(channel.encoderId));
  const loaded = encoders.filter(({ telemetry }) => (telemetry?.unitsUsed ?? 0) > 0);
  const sessions = encoders.flatMap((encoder) => encoder.telemetry?.sessions ?? []);
  const unitsUsed = loaded.reduce((sum, e) => sum + (e.telemetry?.unitsUsed ?? 0), 0);
  const cpuCores = loaded.reduce((sum, e) => sum + (e.telemetry?.cpuCores ?? 0), 0);
  return {
    quality: null,
    // Catching up is much quicker than live, and says nothing about keeping up.
    speed: mean(
      sessions
        .filter(({ state, lastPublishedGop }) => state === 'publishing' && lastPublishedGop >= 0)
        .map(({ realTimeRatio }) => Math.min(1, realTimeRatio)),
    ),
    lateness: mean(mine.map(({ waitingGops }) => (waitingGops >= LATE_FROM_GOPS ? 1 : 0))),
    losses: mean(encoders.map(({ id }) => (losses.has(id) ? 1 : 0))),
    cpu: unitsUsed > 0 ? cpuCores / unitsUsed : null,
  };
};
