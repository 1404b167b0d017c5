import { channelWithDefaults, SwarmError } from '../domain';
import { chanceOf, normalOf } from './chance';
import { sessionMinutesAt } from './session-lengths';
import type { Trace } from './trace-files';
import type { World, WorldChannel } from './world';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HOURS_PER_DAY = 24;
const MINUTES_PER_DAY = 1_440;
const HISTORY_DAYS = 14;
const MIN_HISTORY_DAYS = 2;
/** Wall clock of every simulation's start: a midnight. Traces are of different years. */
const EPOCH_MS = Date.UTC(2026, 0, 5);

/** Hour of day at which the cell's audience is largest. */
const PRIME_HOUR = 20;

/** Channels of one trace are ahead of or behind it by up to this long. */
const MAX_PHASE_MINUTES = 90;
/** Mean time that a viewer stays: the audience is the trace's arrivals, smoothed by that. */
const WATCH_MINUTES = 10;
/** Viewers of a channel at the trace's 99th percentile; log-uniform between. The ladder's marks are 1,000 and 2,800. */
const LEAST_VIEWERS = 800;
const MOST_VIEWERS = 8_000;
/** Each channel's own restlessness: an Ornstein-Uhlenbeck process on the logarithm of its audience. */
const NOISE_SD = 0.05;
const NOISE_MINUTES = 30;
/** How long a channel is off air between two sessions; it rather starts when its trace is high. */
const MEAN_OFF_AIR_MINUTES = 240;

export interface TraceWorldOptions {
  hours: number;
  channels: number;
  seed: number;
}

const quantile = (sorted: Float64Array, level: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))] as number;

/** Value of a trace at a moment, straight lines between known rows. */
const interpolator = ({ startMs, stepMs, values }: Trace): ((atMs: number) => number) => {
  const known = Float64Array.from(values);
  let last = -1;
  for (let i = 0; i <= known.length; i++) {
    if (i < known.length && Number.isNaN(known[i])) continue;
    const from = last >= 0 ? (known[last] as number) : (known[i] as number);
    const to = i < known.length ? (known[i] as number) : from;
    for (let k = last + 1; k < i; k++) known[k] = from + ((to - from) * (k - last)) / (i - last);
    last = i;
  }
  return (atMs) => {
    const position = (atMs - startMs) / stepMs;
    const index = Math.floor(position);
    const before = known[index];
    const after = known[index + 1];
    if (before === undefined || after === undefined) return NaN;
    return before + (after - before) * (position - index);
  };
};

/**
 * Hour of day at which a trace's mean day is highest. Traces come from different time zones, some with made-up dates;
 * the channels of one cell have one prime time.
 */
const peakHourOf = ({ startMs, stepMs, values }: Trace): number => {
  const sums = new Float64Array(HOURS_PER_DAY);
  const counts = new Float64Array(HOURS_PER_DAY);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const hour = Math.floor(((startMs + i * stepMs) % DAY_MS) / HOUR_MS);
    // Smeared over the neighbours, so that one lonely hour is no prime time.
    for (let near = hour - 2; near <= hour + 2; near++) {
      const index = (near + HOURS_PER_DAY) % HOURS_PER_DAY;
      sums[index] = (sums[index] as number) + value;
      counts[index] = (counts[index] as number) + 1;
    }
  });
  const means = sums.map((sum, i) => sum / Math.max(1, counts[i] as number));
  return means.indexOf(Math.max(...means));
};

/**
 * The moment of a trace that falls on the simulation's start: seeded, such that its prime time falls on the cell's, with
 * as much of the wished history before it as there is.
 */
const anchorOf = (trace: Trace, hours: number, random: () => number): number => {
  const marginMs = 2 * MAX_PHASE_MINUTES * MINUTE_MS;
  const shiftMs = (peakHourOf(trace) - PRIME_HOUR) * HOUR_MS;
  const firstMs = trace.startMs + marginMs - shiftMs;
  const lastMs =
    trace.startMs + (trace.values.length - 1) * trace.stepMs - marginMs - hours * HOUR_MS - shiftMs;
  const latest = Math.floor(lastMs / DAY_MS);
  const earliest = Math.min(latest, Math.ceil(firstMs / DAY_MS) + HISTORY_DAYS);
  if (latest * DAY_MS - firstMs < MIN_HISTORY_DAYS * DAY_MS) {
    throw new SwarmError(
      'bad-request',
      `The trace ${trace.name} is too short for ${hours} h and ${MIN_HISTORY_DAYS} days of history before them.`,
      'Simulate fewer hours, or leave that trace out.',
    );
  }
  return (earliest + Math.floor(random() * (latest - earliest + 1))) * DAY_MS + shiftMs;
};

/**
 * A trace as the shape of an audience, one value per minute, 0 at its 1st percentile and 1 at its 99th: a CPU or
 * request trace has a floor that no audience has.
 */
const shapeOf = (trace: Trace, anchorMs: number, minutes: number, historyMinutes: number): Float64Array => {
  const sorted = trace.values.filter((value) => !Number.isNaN(value)).sort();
  const low = quantile(sorted, 0.01);
  const width = quantile(sorted, 0.99) - low || low || 1;
  const at = interpolator(trace);
  const keep = Math.exp(-1 / WATCH_MINUTES);
  const shape = new Float64Array(minutes + historyMinutes + 2 * MAX_PHASE_MINUTES);
  let smoothed = NaN;
  for (let minute = 0; minute < shape.length; minute++) {
    const value = at(anchorMs + (minute - historyMinutes - MAX_PHASE_MINUTES) * MINUTE_MS);
    const arrivals = Math.max(0, (value - low) / width);
    smoothed = Number.isNaN(smoothed) ? arrivals : keep * smoothed + (1 - keep) * arrivals;
    shape[minute] = smoothed;
  }
  return shape;
};

const channelOf = (
  index: number,
  source: string,
  shape: Float64Array,
  length: number,
  seed: number,
): WorldChannel => {
  const random = chanceOf(seed, 'channel', index);
  const normal = normalOf(chanceOf(seed, 'noise', index));
  const phase = Math.round(random() * 2 * MAX_PHASE_MINUTES);
  const scale = LEAST_VIEWERS * (MOST_VIEWERS / LEAST_VIEWERS) ** random();
  const keep = Math.exp(-1 / NOISE_MINUTES);
  const meanShape = shape.reduce((sum, v) => sum + (v || 0), 0) / shape.length || 1;
  const viewers = new Float32Array(length).fill(NaN);
  let noise = normal();
  // In the middle of a session at first: most of a random moment's sessions are long ones.
  let endsAt = Math.round(random() * sessionMinutesAt(random()));
  for (let minute = 0; minute < length; minute++) {
    noise = keep * noise + Math.sqrt(1 - keep * keep) * normal();
    const value = shape[minute + phase] as number;
    if (Number.isNaN(value)) continue;
    if (minute >= endsAt) {
      if (random() * MEAN_OFF_AIR_MINUTES * meanShape >= value) continue;
      endsAt = minute + Math.round(sessionMinutesAt(random()));
    }
    viewers[minute] = scale * value * Math.exp(NOISE_SD * noise);
  }
  return { spec: channelWithDefaults(`ch-${index + 1}`), source, viewers };
};

/**
 * A swarm's world made from real traces: each channel follows one of them with a scale, a phase and noise of its own,
 * and goes on and off the air in sessions of real lengths. The same traces, options and seed give the same world.
 *
 * @throws SwarmError bad-request: a trace is too short
 */
export const worldOfTraces = (traces: readonly Trace[], options: TraceWorldOptions): World => {
  const minutes = options.hours * 60 + 1;
  const historyMinutes = HISTORY_DAYS * MINUTES_PER_DAY;
  const shapes = traces.map((trace, i) =>
    shapeOf(
      trace,
      anchorOf(trace, options.hours, chanceOf(options.seed, 'anchor', i)),
      minutes,
      historyMinutes,
    ),
  );
  const channels = Array.from({ length: options.channels }, (_, i) => {
    const t = i % traces.length;
    return channelOf(
      i,
      (traces[t] as Trace).name,
      shapes[t] as Float64Array,
      minutes + historyMinutes,
      options.seed,
    );
  });
  return {
    cell: 'simulated',
    seed: options.seed,
    startMs: EPOCH_MS,
    sampleSeconds: 60,
    historySamples: historyMinutes,
    cycleSeconds: 15,
    cycles: options.hours * 240,
    forecastStepSeconds: 900,
    daySteps: 96,
    channels,
  };
};
