import {
  ladderUnits,
  rungsFor,
  type CellForecast,
  type ChannelObservation,
  type ChannelSpec,
  type Policy,
} from '../domain';
import { stepAt } from '../forecast';

/** A rung is given up only when the audience has fallen this far below what earned it. */
const DESCENT_FRACTION = 0.9;

/** What a channel needs, in encode units. */
export interface ChannelDemand {
  channelId: string;
  channel: ChannelObservation;
  /** Rungs that its audience deserves now (see deservedRungs). */
  rungs: number;
  /** needs[0]: now, with the rungs it deserves; needs[k]: P90 of the forecast's k-th step from now. */
  needs: number[];
  /** Highest of `needs`. */
  peakUnits: number;
  /** What its owner encodes for it at this moment. */
  encodedUnits: number;
  /** It rests after a move until this moment, wall-clock milliseconds. */
  restsUntilMs: number;
}

export const unitsOfRungs = (spec: ChannelSpec, rungs: number): number =>
  ladderUnits(spec.ladder.slice(0, rungs), spec.framesPerSecond);

/**
 * Rungs that a channel should have: as many as its audience earns; fewer than now only when the audience is
 * clearly (10 %) below the threshold, so that one that hovers around it causes no handoff a minute.
 */
export const deservedRungs = (channel: Pick<ChannelObservation, 'spec' | 'viewers' | 'rungs'>): number => {
  const earned = rungsFor(channel.spec, channel.viewers);
  if (earned >= channel.rungs) return earned;
  return Math.min(channel.rungs, rungsFor(channel.spec, channel.viewers / DESCENT_FRACTION));
};

/** P90 units of the steps that are not over yet; empty without a forecast of this channel. */
const upcomingUnits = (forecast: CellForecast | null, channelId: string, atMs: number): number[] =>
  forecast ? (forecast.channelUnits[channelId]?.p90.slice(stepAt(forecast, atMs)) ?? []) : [];

/**
 * @param steps length of `needs`: 1 + upcoming steps of the forecast
 * @param rungs rungs to encode now; absent: as its audience deserves
 */
export const demandOf = (
  channel: ChannelObservation,
  forecast: CellForecast | null,
  policy: Policy,
  atMs: number,
  steps: number,
  rungs = deservedRungs(channel),
): ChannelDemand => {
  const now = unitsOfRungs(channel.spec, rungs);
  const upcoming = upcomingUnits(forecast, channel.spec.id, atMs);
  // A channel that the forecast doesn't know goes on as it is.
  const needs = Array.from({ length: steps }, (_, k) => (k === 0 ? now : (upcoming[k - 1] ?? now)));
  return {
    channelId: channel.spec.id,
    channel,
    rungs,
    needs,
    peakUnits: Math.max(...needs),
    encodedUnits: unitsOfRungs(channel.spec, channel.rungs),
    restsUntilMs: channel.movedAtMs === null ? 0 : channel.movedAtMs + policy.restSeconds * 1000,
  };
};
