import { SwarmError } from '../domain';
import { upperMedian } from '../domain/statistics';
import type { TelemetryStore } from '../telemetry';
import { learnSpec, type LadderSample } from './learned-ladder';
import type { Measures } from './measures';
import type { World, WorldChannel } from './world';

/** Steps of a forecast in a day, and days of history that it is made from: as in the live swarm. */
const DAY_STEPS = 24;
const HISTORY_DAYS = 21;
const SECONDS_PER_DAY = 86_400;
const MAX_CYCLE_SECONDS = 15;
/** A hole in the audience's record up to this many samples long is bridged; a longer one is time off the air. */
const BRIDGED_SAMPLES = 3;

export interface HistoryOptions {
  cell: string;
  /** Length of a forecast's step (SWARM_STEP_SECONDS). */
  stepSeconds: number;
  /** How far the simulated time goes back from `endMs`. */
  seconds: number;
  endMs: number;
  limitFraction: number;
  seed: number;
}

/** A past time of a swarm: what policies can be played in, and what really happened. */
export interface SwarmHistory {
  world: World;
  capacityUnits: number;
  zones: string[];
  asItWas: Measures;
}

type Rows = Awaited<ReturnType<TelemetryStore['recent']>>;

const nothing = (what: string): SwarmError =>
  new SwarmError(
    'not-found',
    `The telemetry store holds no ${what} of that time.`,
    'Let the swarm run for a while, ask for less of the past, or check INFLUX_URL, INFLUX_DATABASE and SWARM_CELL.',
  );

/** Samples per step of a forecast: as fine as divides it, one a second at most. */
const sampleSecondsOf = (stepSeconds: number): number =>
  stepSeconds / ([12, 10, 6, 5, 4, 3, 2].find((parts) => stepSeconds % parts === 0) ?? 1);

const bridge = (samples: (number | null)[]): Float32Array => {
  const bridged = Float32Array.from(samples, (value) => value ?? NaN);
  let missing = 0;
  for (let i = 1; i < bridged.length; i++) {
    missing = samples[i] === null || samples[i] === undefined ? missing + 1 : 0;
    if (missing > 0 && missing <= BRIDGED_SAMPLES) bridged[i] = bridged[i - 1] as number;
  }
  return bridged;
};

/** What the swarm itself did in that time, by its encoders' and channels' points. */
const measuresOf = (
  encoders: Rows,
  channels: Rows,
  { sampleSeconds, limitUnits, startMs }: { sampleSeconds: number; limitUnits: number; startMs: number },
): Measures => {
  const seen = encoders.filter((row) => row.atMs >= startMs && row.fields.units_used !== null);
  const perMoment = new Map<number, number>();
  for (const { atMs } of seen) perMoment.set(atMs, (perMoment.get(atMs) ?? 0) + 1);
  const onAir = channels.filter((row) => row.atMs >= startMs && (row.fields.units ?? 0) > 0);
  const owner = new Map<string, string>();
  let handoffs = 0;
  for (const { tags } of onAir) {
    const { channel = '', encoder = '' } = tags;
    if (owner.has(channel) && owner.get(channel) !== encoder) handoffs++;
    owner.set(channel, encoder);
  }
  const channelDays = (onAir.length * sampleSeconds) / SECONDS_PER_DAY;
  return {
    overloadedMinutes:
      (seen.filter((row) => (row.fields.units_used ?? 0) > limitUnits + 1e-6).length * sampleSeconds) / 60,
    encoderHours: (seen.length * sampleSeconds) / 3_600,
    handoffsPerChannelDay: channelDays > 0 ? handoffs / channelDays : 0,
    lateGops: 0,
    movesThatPrevented: null,
    movesBeforeOverloadShare: null,
    leadTimeMinutes: null,
    falseMoves: null,
    waitingMinutes: 0,
    peakEncoders: Math.max(0, ...perMoment.values()),
  };
};

/**
 * Reads a past time of a running swarm from its own telemetry: audience per channel, what channels and encoders did.
 * Ladders are learned from it (see learnSpec).
 *
 * @throws SwarmError not-found: nothing was recorded then; unavailable, timeout: the store does not answer
 */
export const readHistory = async (store: TelemetryStore, options: HistoryOptions): Promise<SwarmHistory> => {
  const sampleSeconds = sampleSecondsOf(options.stepSeconds);
  const stepMs = options.stepSeconds * 1000;
  const endMs = Math.floor(options.endMs / stepMs) * stepMs;
  const startMs = endMs - Math.ceil(options.seconds / options.stepSeconds) * stepMs;
  const since = { cell: options.cell, sinceMs: startMs, stepSeconds: sampleSeconds };
  const [channelRows, encoderRows] = await Promise.all([
    store.recent('channel', { ...since, fields: ['units', 'rungs'] }),
    store.recent('encoder', { ...since, fields: ['units_used', 'capacity_units'] }),
  ]);
  const channelIds = [...new Set(channelRows.map((row) => row.tags.channel ?? ''))].filter(Boolean).sort();
  if (channelIds.length === 0) throw nothing('channel');
  const capacities = encoderRows.flatMap((row) => row.fields.capacity_units ?? []);
  if (capacities.length === 0) throw nothing('encoder');

  const historySamples = (HISTORY_DAYS * DAY_STEPS * options.stepSeconds) / sampleSeconds;
  const samples = (endMs - startMs) / 1000 / sampleSeconds;
  const audience = await store.audienceHistory({
    cell: options.cell,
    channelIds,
    stepSeconds: sampleSeconds,
    steps: historySamples + samples,
    endMs,
  });
  const channels = channelIds.flatMap((id): WorldChannel[] => {
    const viewers = bridge(audience[id] ?? []);
    const rows = channelRows.filter((row) => row.tags.channel === id);
    const learned = rows.flatMap(({ atMs, fields }): LadderSample[] => {
      const index = historySamples + Math.floor((atMs - startMs) / 1000 / sampleSeconds);
      const seen = viewers[index] ?? NaN;
      const rungs = Math.round(fields.rungs ?? 0);
      return Number.isNaN(seen) || rungs === 0 ? [] : [{ viewers: seen, rungs, units: fields.units ?? 0 }];
    });
    if (learned.length === 0) return [];
    const spec = learnSpec(id, rows[0]?.tags.region ?? '', learned);
    return [{ spec, source: 'history', viewers }];
  });
  if (channels.length === 0) throw nothing('audience');

  const capacityUnits = upperMedian(capacities) ?? 0;
  const cycleSeconds = Math.min(MAX_CYCLE_SECONDS, sampleSeconds);
  return {
    capacityUnits,
    zones: [...new Set(encoderRows.map((row) => row.tags.zone ?? ''))].sort(),
    asItWas: measuresOf(encoderRows, channelRows, {
      sampleSeconds,
      startMs,
      limitUnits: capacityUnits * options.limitFraction,
    }),
    world: {
      cell: options.cell,
      seed: options.seed,
      startMs,
      sampleSeconds,
      historySamples,
      cycleSeconds,
      cycles: Math.floor((endMs - startMs) / 1000 / cycleSeconds),
      forecastStepSeconds: options.stepSeconds,
      daySteps: DAY_STEPS,
      channels,
    },
  };
};
