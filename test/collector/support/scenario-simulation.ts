import { castRoles, viewersAt, type AudienceRole } from '../../../src/collector/audience/roles';
import type { AudienceTrace } from '../../../src/collector/audience/trace';
import {
  defaultChannels,
  type CellForecast,
  type ChannelObservation,
  type Move,
  type SwarmSnapshot,
} from '../../../src/domain';
import { fitnessOf } from '../../../src/fitness';
import { createSeriesForecaster, forecastCell } from '../../../src/forecast';
import { makePlan } from '../../../src/planner';
import { deservedRungs, unitsOfRungs } from '../../../src/planner/demand';
import { channelOn, defaultPolicy, encoderWith, withTelemetry } from '../../planner/swarm-fixtures';

export interface SimulationOptions {
  trace: AudienceTrace;
  /** Encoder of each channel at the beginning, by channel id. */
  placement: Record<string, string>;
  days: number;
  historyDays: number;
  /** The simulation begins so many seconds after the anchor. */
  beginSeconds?: number;
  cycleSeconds?: number;
  horizonSteps?: number;
  /** False: ladders follow the audience where they are, and nothing ever moves. */
  moves?: boolean;
  roles?: Record<string, AudienceRole>;
}

export interface SimulationResult {
  moves: { atSeconds: number; move: Move }[];
  /** Seconds after the anchor at which an encoder's deserved units first exceed its limit, were nothing moved. */
  firstCrossingSeconds: number | null;
  /** Seconds times encoders over the limit. */
  overloadSeconds: number;
  meanUnits: number;
  peakUnits: number;
  provisions: number;
  forecastMs: number;
}

const STEP_SECONDS = 5;
const STEPS_PER_DAY = 24;
const HANDOFF_SECONDS = 2;
const ANCHOR_MS = 1_790_000_000_000;
const LIMIT_UNITS = 6 * defaultPolicy.limitFraction;

/** Plays the audience against forecast, fitness and planner, second by second. No encoder, no server. */
export const simulate = (options: SimulationOptions): SimulationResult => {
  const cycleSeconds = options.cycleSeconds ?? 5;
  const specs = defaultChannels();
  const roles =
    options.roles ?? castRoles(new Map(specs.map((s) => [s.id, options.placement[s.id] ?? null])));
  const viewers = (id: string, atMs: number): number =>
    viewersAt(options.trace, roles[id] ?? 'modest', ANCHOR_MS, STEP_SECONDS, atMs);
  const channels: ChannelObservation[] = specs.map((spec) =>
    channelOn(spec, options.placement[spec.id] ?? null),
  );
  const encoderIds = ['enc-1', 'enc-2', 'enc-3'];
  const forecaster = createSeriesForecaster({ refitEverySteps: STEPS_PER_DAY });
  const pending: { doneAtMs: number; move: Move }[] = [];
  const result: SimulationResult = {
    moves: [],
    firstCrossingSeconds: null,
    overloadSeconds: 0,
    meanUnits: 0,
    peakUnits: 0,
    provisions: 0,
    forecastMs: 0,
  };
  let lowDemandSinceMs: number | null = null;
  let forecasts = 0;
  const begin = options.beginSeconds ?? 0;
  const seconds = options.days * STEPS_PER_DAY * STEP_SECONDS;

  const unitsOn = (encoderId: string, rungs: (c: ChannelObservation) => number): number =>
    channels
      .filter((c) => c.owner?.encoderId === encoderId)
      .reduce((sum, c) => sum + unitsOfRungs(c.spec, rungs(c)), 0);

  const forecastAt = (atMs: number): CellForecast => {
    const firstStepMs = Math.floor(atMs / (STEP_SECONDS * 1000)) * STEP_SECONDS * 1000;
    const steps = options.historyDays * STEPS_PER_DAY;
    const viewersHistory = Object.fromEntries(
      specs.map(({ id }) => [
        id,
        Array.from({ length: steps }, (_, i) =>
          viewers(id, firstStepMs - (steps - i - 0.5) * STEP_SECONDS * 1000),
        ),
      ]),
    );
    const started = performance.now();
    const forecast = forecastCell({
      cell: 'local',
      atMs,
      stepSeconds: STEP_SECONDS,
      horizonSteps: options.horizonSteps ?? 6,
      seasonSteps: STEPS_PER_DAY,
      channels: specs,
      viewersHistory,
      forecaster,
    });
    result.forecastMs += performance.now() - started;
    forecasts++;
    return forecast;
  };

  for (let second = begin; second < begin + seconds; second++) {
    const atMs = ANCHOR_MS + second * 1000;
    for (const channel of channels) channel.viewers = viewers(channel.spec.id, atMs);
    for (const { move } of pending.filter((p) => p.doneAtMs <= atMs)) {
      const channel = channels.find((c) => c.spec.id === move.channelId) as ChannelObservation;
      channel.owner = { encoderId: move.toEncoderId, sessionId: `session-${move.channelId}` };
      Object.assign(channel, { rungs: move.rungs, moving: false, movedAtMs: atMs });
    }
    pending.splice(0, pending.length, ...pending.filter((p) => p.doneAtMs > atMs));

    if ((second - begin) % cycleSeconds === 0) {
      const snapshot: SwarmSnapshot = withTelemetry({
        cell: 'local',
        atMs,
        encoders: encoderIds.map((id) => encoderWith(id)),
        channels: structuredClone(channels),
      });
      const forecast = options.moves === false ? null : forecastAt(atMs);
      const fitness = fitnessOf(snapshot, forecast, defaultPolicy);
      const plan = makePlan(snapshot, forecast, fitness, defaultPolicy, { lowDemandSinceMs });
      lowDemandSinceMs = plan.lowDemandSinceMs;
      if (plan.scale.kind === 'provision') result.provisions++;
      const wanted = options.moves === false ? plan.moves.filter((m) => m.reason === 'ladder') : plan.moves;
      for (const move of wanted) {
        (channels.find((c) => c.spec.id === move.channelId) as ChannelObservation).moving = true;
        pending.push({ doneAtMs: atMs + HANDOFF_SECONDS * 1000, move });
        result.moves.push({ atSeconds: second, move });
      }
    }
    // Demand, not what is encoded: a ladder that is held back for want of room is an overload too.
    const loads = encoderIds.map((id) => unitsOn(id, deservedRungs));
    const over = loads.filter((units) => units > LIMIT_UNITS + 1e-6).length;
    result.overloadSeconds += over;
    if (over > 0) result.firstCrossingSeconds ??= second;
    const total = loads.reduce((sum, units) => sum + units, 0);
    result.meanUnits += total / seconds;
    result.peakUnits = Math.max(result.peakUnits, total);
  }
  result.forecastMs /= Math.max(1, forecasts);
  return result;
};
