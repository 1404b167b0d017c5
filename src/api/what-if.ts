import type { Status, WhatIf } from '../contracts/api';
import { SwarmError, type CellForecast, type DemandCurve } from '../domain';
import { encoderCurves, type ChannelPlacement } from '../forecast';
import { peakOf } from './encoder-demand';

/** Where every channel is now. */
export const placementOf = (status: Status): Record<string, string> =>
  Object.fromEntries(status.channels.flatMap(({ id, owner }) => (owner ? [[id, owner.encoderId]] : [])));

const requireKnown = (status: Status, placements: ChannelPlacement): void => {
  for (const [channelId, encoderId] of Object.entries(placements)) {
    if (!status.channels.some(({ id }) => id === channelId)) {
      throw new SwarmError('unknown-channel', `There is no channel ${channelId}.`);
    }
    if (!status.encoders.some(({ id }) => id === encoderId)) {
      throw new SwarmError('unknown-encoder', `There is no encoder ${encoderId}.`);
    }
  }
};

/**
 * Demand of encoders if these channels were placed so, all others staying where they are; only encoders that gain or
 * lose a channel.
 * @throws SwarmError unknown-channel, unknown-encoder; unavailable without a forecast
 */
export const whatIf = (
  forecast: CellForecast | null,
  status: Status,
  placements: ChannelPlacement,
): WhatIf => {
  requireKnown(status, placements);
  if (!forecast) {
    throw new SwarmError(
      'unavailable',
      'There is no forecast to answer from.',
      'Wait until the forecasting Schedule has issued one; see `encoder-swarm status`.',
    );
  }
  const now = placementOf(status);
  const then = { ...now, ...placements };
  const encoderIds = status.encoders.map(({ id }) => id);
  const encoderDemand = (
    placement: ChannelPlacement,
    correlation?: number,
  ): Map<string, DemandCurve | null> =>
    new Map(
      encoderCurves(forecast, placement, {
        encoderIds,
        ...(correlation !== undefined && { correlation }),
      }).map(({ encoderId, units }) => [encoderId, units]),
    );
  const [before, after, bound] = [encoderDemand(now), encoderDemand(then), encoderDemand(then, 1)];
  const on = (placement: ChannelPlacement, encoderId: string): string[] =>
    Object.keys(placement).filter((id) => placement[id] === encoderId);
  const changed = status.encoders.filter(({ id }) => on(now, id).join() !== on(then, id).join());
  return {
    forecastId: forecast.forecastId,
    model: forecast.model,
    issuedAtMs: forecast.issuedAtMs,
    stepSeconds: forecast.stepSeconds,
    correlation: forecast.errorCorrelation ?? 1,
    encoders: changed.map(({ id, limitUnits, capacityUnits }) => {
      const peakP90 = peakOf(after.get(id)?.p90);
      const peakBoundP90 = peakOf(bound.get(id)?.p90);
      return {
        id,
        limitUnits,
        capacityUnits,
        channelsNow: on(now, id),
        channels: on(then, id),
        units: after.get(id) ?? null,
        peakP90Now: peakOf(before.get(id)?.p90),
        peakP90,
        peakBoundP90,
        fits: peakBoundP90 === null || limitUnits === null ? null : peakBoundP90 <= limitUnits + 1e-6,
      };
    }),
  };
};
