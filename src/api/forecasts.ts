import type { Forecasts, Missing, Status } from '../contracts/api';
import { SwarmError } from '../domain';
import { deadlinesMs } from '../observation/deadlines';
import { withinDeadline } from '../platform/deadline';
import { encoderDemand } from './encoder-demand';
import type { Observation } from './observe';
import type { ApiPorts } from './ports';

const HISTORY_STEPS = 48;
/** Events of the day ahead are shown, farther than the curves reach. */
const EVENT_STEPS = 24;

/** Forecast curves with the history before them, for charts. What InfluxDB does not give is left empty and named. */
export const forecastsOf = async (
  ports: ApiPorts,
  seen: Observation,
  status: Status,
  options: { cell: string; stepSeconds: number },
): Promise<Forecasts> => {
  const { forecast } = seen;
  const stepSeconds = forecast?.stepSeconds ?? options.stepSeconds;
  const endMs = seen.atMs;
  const sinceMs = endMs - HISTORY_STEPS * stepSeconds * 1000;
  const missing: Missing[] = [...seen.missing];
  const ask = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await withinDeadline('InfluxDB', deadlinesMs.shown, work);
    } catch (error) {
      const code = error instanceof SwarmError ? error.code : 'internal';
      if (!missing.some((m) => m.part === 'influxdb')) {
        missing.push({ part: 'influxdb', code, message: (error as Error).message });
      }
      return otherwise;
    }
  };
  const channelIds = status.channels.map((c) => c.id);
  const [audience, used, load, events] = await Promise.all([
    ask(
      ports.telemetry.audienceHistory({
        cell: options.cell,
        channelIds,
        stepSeconds,
        steps: HISTORY_STEPS,
        endMs,
      }),
      {},
    ),
    ask(
      ports.telemetry.recent('encoder', { cell: options.cell, fields: ['units_used'], sinceMs, stepSeconds }),
      [],
    ),
    ask(
      ports.telemetry.inputs.regionLoad({ cell: options.cell, stepSeconds, steps: HISTORY_STEPS, endMs }),
      {},
    ),
    ask(
      ports.telemetry.inputs.events({ cell: options.cell, toMs: endMs + EVENT_STEPS * stepSeconds * 1000 }),
      [],
    ),
  ]);
  const pointsOf = (values: readonly (number | null)[]): { atMs: number; value: number | null }[] =>
    values.map((value, i) => ({ atMs: endMs - (values.length - 1 - i) * stepSeconds * 1000, value }));
  const regions = [...new Set([...Object.keys(load), ...Object.keys(forecast?.regionLoad ?? {})])].sort();
  return {
    atMs: endMs,
    forecastId: forecast?.forecastId ?? null,
    model: forecast?.model ?? null,
    issuedAtMs: forecast?.issuedAtMs ?? null,
    stepSeconds,
    horizonSteps: forecast?.horizonSteps ?? 0,
    channels: channelIds.map((id) => {
      return {
        id,
        held: forecast?.held.includes(id) ?? false,
        viewers: forecast?.viewers[id] ?? null,
        units: forecast?.channelUnits[id] ?? null,
        viewersHistory: pointsOf(audience[id] ?? []),
      };
    }),
    encoders: status.encoders.map(({ id, limitUnits, capacityUnits }) => {
      const owned = status.channels.filter((c) => c.owner?.encoderId === id).map((c) => c.id);
      return {
        id,
        limitUnits,
        capacityUnits,
        channels: owned,
        units: encoderDemand(forecast, owned),
        unitsHistory: used
          .filter((point) => point.tags.encoder === id)
          .map((point) => ({ atMs: point.atMs, value: point.fields.units_used ?? null })),
      };
    }),
    regions: regions.map((id) => ({
      id,
      load: forecast?.regionLoad?.[id] ?? null,
      viewers: forecast?.regionViewers?.[id] ?? null,
      loadHistory: pointsOf(load[id] ?? []),
    })),
    events: events.filter((event) => event.endsAtMs > sinceMs),
    missing,
  };
};
