import type { CellForecast, EncoderDemand } from '../domain';
import { sumCurves } from './sum-curves';

/** Where each channel is, or would be: encoder by channel id. Channels that it does not name are nowhere. */
export type ChannelPlacement = Readonly<Record<string, string>>;

/**
 * Demand curves of encoders under a placement: today's, or any that somebody asks about. Pure, so that a planner may
 * ask as often as it likes.
 *
 * @param options.correlation of the channels' forecast errors, see `sumCurves`; absent: the forecast's own estimate,
 *   else 1 (the safe bound). With 1, P90 is the plain sum that the planner's limits are checked against.
 * @param options.encoderIds encoders to report even where they carry nothing; those of the placement are always there
 * @returns ascending by encoder id; `units` null where the forecast lacks one of the channels
 */
export const encoderCurves = (
  forecast: CellForecast,
  placement: ChannelPlacement,
  options: { correlation?: number; encoderIds?: readonly string[] } = {},
): EncoderDemand[] => {
  const correlation = options.correlation ?? forecast.errorCorrelation ?? 1;
  const encoderIds = [...new Set([...(options.encoderIds ?? []), ...Object.values(placement)])].sort();
  return encoderIds.map((encoderId) => {
    const channelIds = Object.keys(placement)
      .filter((id) => placement[id] === encoderId)
      .sort();
    const curves = channelIds.flatMap((id) => forecast.channelUnits[id] ?? []);
    const complete = curves.length === channelIds.length;
    return {
      encoderId,
      channelIds,
      units: complete ? sumCurves(curves, correlation, forecast.horizonSteps) : null,
    };
  });
};
