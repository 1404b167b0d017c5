import type { Forecasts } from '../contracts/api';
import { SwarmError, type DemandCurve } from '../domain';

/** A curve that can be shown, with what came before it. */
export interface ForecastSubject {
  id: string;
  kind: 'channel' | 'encoder' | 'region';
  what: string;
  curve: DemandCurve;
  /** Encode units of a channel. */
  units: DemandCurve | null;
  held: boolean;
  history: (number | null)[];
  notes: string[];
}

const values = (points: readonly { value: number | null }[]): (number | null)[] =>
  points.map((point) => point.value);

/** @throws SwarmError not-found for an id that is none of the three; unavailable while it has no forecast */
export const subjectOf = (forecasts: Forecasts, id: string): ForecastSubject => {
  const channel = forecasts.channels.find((c) => c.id === id);
  const encoder = forecasts.encoders.find((e) => e.id === id);
  const region = forecasts.regions.find((r) => r.id === id);
  const notes = forecasts.events
    .filter((event) => channel && (event.channelIds.length === 0 || event.channelIds.includes(id)))
    .map(
      ({ id: eventId, title, startsAtMs, endsAtMs }) =>
        `Event ${eventId} (${title}): ${new Date(startsAtMs).toISOString()} to ${new Date(endsAtMs).toISOString()}`,
    );
  if (encoder?.limitUnits)
    notes.push(
      `Limit ${encoder.limitUnits.toFixed(2)} units, capacity ${encoder.capacityUnits?.toFixed(2) ?? '?'}.`,
    );
  const known = channel
    ? { kind: 'channel' as const, what: 'viewers', curve: channel.viewers, history: channel.viewersHistory }
    : encoder
      ? {
          kind: 'encoder' as const,
          what: 'encode units',
          curve: encoder.units,
          history: encoder.unitsHistory,
        }
      : region
        ? {
            kind: 'region' as const,
            what: 'CDN load (1 = full)',
            curve: region.load,
            history: region.loadHistory,
          }
        : null;
  if (!known) {
    throw new SwarmError(
      'not-found',
      `There is no channel, encoder or region ${id}.`,
      'See `encoder-swarm status` for those of this swarm.',
    );
  }
  if (!known.curve) {
    throw new SwarmError(
      'unavailable',
      `There is no forecast of ${id} yet.`,
      'Wait until the forecasting Schedule has issued one; see `encoder-swarm status`.',
    );
  }
  return {
    id,
    kind: known.kind,
    what: known.what,
    curve: known.curve,
    units: channel?.units ?? null,
    held: channel?.held ?? false,
    history: values(known.history),
    notes,
  };
};
