import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../src/domain/statistics';
import type { Tools } from '../../src/setup';
import { connectTemporal } from '../../src/temporal/client';
import { rounded } from '../lib/statistics';
import { beginCell } from './begin-cell';
import { HANDOFF_STEPS, measureCeiling } from './ceiling';
import type { CellSize } from './cell';
import { driveHandoffs, type Handoffs } from './handoffs';
import { closedRuns, cpuBetween, pointsWritten, readUsage, swarmHistory, type Usage } from './measures';
import { startScaleSwarm } from './scale-swarm';

/** Cycles and forecasts have begun, and code is compiled. */
const SETTLE_MS = 12_000;
const SECONDS_PER_DAY = 86_400;
const FIRST_SHARE = 0.4;
const CEILING_SHARE = 0.15;

export interface ScaleRunOptions {
  cell: CellSize;
  minutes: number;
  seed: number;
  atOnce: number;
  portBase: number;
  tools: Tools;
  collects: boolean;
  /** No handoffs and no ceiling: the cost of a cell at rest. */
  isReference: boolean;
  log: (text: string) => void;
}

export interface Steady {
  cycleMsP50: number | null;
  cycleMsP99: number | null;
  cycles: number;
  /** Cycles that ended otherwise than they should. */
  cyclesFailed: number;
  /** CPU milliseconds a second, by part. */
  cpu: Record<string, number>;
  /** The same of all parts but the simulated ones, divided by the channels. */
  cpuPerChannel: number;
  rssMiB: Record<string, number>;
  historyBytesPerChannelDay: number;
  influxPointsPerSecond: number;
  recoveries: number;
}

export interface Moving {
  handoffs: Handoffs;
  ceilingPerSecond: number;
  /** The same of workflows with as many local activities as a handoff. */
  ceilingOfSameKindsPerSecond: number;
  cpu: Record<string, number>;
  rssMiB: Record<string, number>;
  historyBytesPerHandoff: number | null;
  cycleMsP99: number | null;
  recoveries: number;
}

export interface ScaleRunResult {
  beginSeconds: number;
  steady: Steady;
  moving: Moving | null;
}

const sum = (values: Record<string, number>): number =>
  Object.values(values).reduce((all, one) => all + one, 0);

/** Starts a cell, measures it at rest, then the server's ceiling, then handoffs. */
export const runScale = async (options: ScaleRunOptions): Promise<ScaleRunResult> => {
  const { cell, minutes, seed, atOnce, log } = options;
  const swarm = await startScaleSwarm({ ...options, onEvent: (text) => log(`  ${text}`) });
  const { environment } = swarm;
  const { SWARM_CELL: name, INFLUX_URL: influxUrl } = environment;
  const temporal = await connectTemporal(environment);
  const { client } = temporal;
  const usage = (): Promise<Usage> => readUsage(swarm.pids());
  const ended = (type: string, fromMs: number, toMs: number) =>
    closedRuns(client, { cell: name, type, fromMs, toMs });
  try {
    const beganAt = performance.now();
    await beginCell(client, environment, cell);
    const beginSeconds = (performance.now() - beganAt) / 1_000;
    log(
      `  ${cell.channels} channels on ${cell.encoders} encoders: workflows begun in ${beginSeconds.toFixed(1)} s`,
    );
    await sleep(SETTLE_MS);

    const totalMs = minutes * 60_000;
    const restMs = options.isReference ? totalMs : FIRST_SHARE * totalMs;
    const before = {
      usage: await usage(),
      history: await swarmHistory(client, name),
      points: await pointsWritten(influxUrl),
    };
    await sleep(restMs);
    const after = {
      usage: await usage(),
      history: await swarmHistory(client, name),
      points: await pointsWritten(influxUrl),
    };
    const [fromMs, toMs] = [before.usage.atMs, after.usage.atMs];
    const seconds = (toMs - fromMs) / 1_000;
    const cycles = await ended('controlCycle', fromMs, toMs);
    const swarmBytes =
      before.history.runId === after.history.runId
        ? after.history.bytes - before.history.bytes
        : after.history.bytes;
    const cpu = cpuBetween(before.usage, after.usage);
    const { plane: _, ...ours } = cpu;
    const steady: Steady = {
      cycleMsP50: rounded(percentile(cycles.tookMs, 50), 0),
      cycleMsP99: rounded(percentile(cycles.tookMs, 99), 0),
      cycles: cycles.tookMs.length,
      cyclesFailed: cycles.tookMs.length - (cycles.statuses.COMPLETED ?? 0),
      cpu,
      cpuPerChannel: Number((sum(ours) / cell.channels).toFixed(4)),
      rssMiB: after.usage.rssMiB,
      historyBytesPerChannelDay: Math.round(
        ((cycles.historyBytes + swarmBytes) / seconds / cell.channels) * SECONDS_PER_DAY,
      ),
      influxPointsPerSecond: Math.round((after.points - before.points) / seconds),
      recoveries: (await ended('recovery', fromMs, toMs)).tookMs.length,
    };
    log(`  at rest: ${JSON.stringify(steady)}`);
    if (options.isReference) return { beginSeconds, steady, moving: null };

    const ceilingOf = (steps: { activities: number; local: number }): Promise<number> =>
      measureCeiling(client, { environment, atOnce, forMs: CEILING_SHARE * totalMs, ...steps });
    const { activities, local } = HANDOFF_STEPS;
    const ceilingPerSecond = await ceilingOf({ activities: activities + local, local: 0 });
    const ceilingOfSameKindsPerSecond = await ceilingOf({ activities, local });
    log(`  ceiling: ${ceilingPerSecond.toFixed(1)} and ${ceilingOfSameKindsPerSecond.toFixed(1)} a second`);
    const movingFrom = await usage();
    const forMs = (1 - FIRST_SHARE - 2 * CEILING_SHARE) * totalMs;
    const handoffs = await driveHandoffs(client, cell, { seed, atOnce, forMs });
    const movingTo = await usage();
    const moved = await ended('handoff', movingFrom.atMs, movingTo.atMs);
    const cyclesMeanwhile = await ended('controlCycle', movingFrom.atMs, movingTo.atMs);
    const recovered = await ended('recovery', movingFrom.atMs, movingTo.atMs);
    const moving: Moving = {
      handoffs,
      ceilingPerSecond,
      ceilingOfSameKindsPerSecond,
      cpu: cpuBetween(movingFrom, movingTo),
      rssMiB: movingTo.rssMiB,
      historyBytesPerHandoff: moved.tookMs.length
        ? Math.round(moved.historyBytes / moved.tookMs.length)
        : null,
      cycleMsP99: rounded(percentile(cyclesMeanwhile.tookMs, 99), 0),
      recoveries: recovered.tookMs.length,
    };
    log(
      `  moving: ${JSON.stringify({ ...moving, handoffs: { ...handoffs, tookMs: undefined, others: [...handoffs.others] } })}`,
    );
    return { beginSeconds, steady, moving };
  } finally {
    await temporal.close();
    await swarm.stop();
  }
};
