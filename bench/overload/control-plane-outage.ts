import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WAITING } from '../../src/collector/signal-queue';
import { operations } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { callJson } from '../../src/contracts/call';
import { collectorHealthSchema, type CollectorHealth } from '../../src/contracts/health';
import { OriginClient, masterPlaylistUrl, type OriginChannel } from '../../src/contracts/origin';
import { defaultChannels } from '../../src/domain/default-channels';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { connectableHost, hostAndPort } from '../../src/platform/addresses';
import { BUFFER_POINTS } from '../../src/telemetry/influx-store';
import { verifierFfmpegPaths, verifyPlaylists } from '../../src/verify';
import { startBenchSwarm } from '../lib/bench-swarm';
import { rounded } from '../lib/statistics';

const ON_AIR_LIMIT_MS = 60_000;
const RESUME_LIMIT_MS = 120_000;
/** With Temporal alive, a control cycle is never older than this: three of them, and a slow one. */
const DECISION_AGE_LIMIT_SECONDS = 20;

export const controlPlaneParts = ['temporal', 'influxdb'] as const;
export type ControlPlanePart = (typeof controlPlaneParts)[number];

export interface OutageFigures {
  silent: string;
  outageSeconds: number;
  /** Age of the last control cycle as the outage ended. */
  lastDecisionAgeSeconds: number;
  /** Seconds from the end of the outage to the next control cycle. */
  resumedAfterSeconds: number | null;
  collectorBufferedPoints: number;
  collectorDroppedPoints: number;
  /** Reports of lost encoders and failed sessions that waited for Temporal as the outage ended. */
  signalsWaiting: number;
  workerMiBBefore: number;
  workerMiBAfter: number;
  collectorMiBBefore: number;
  collectorMiBAfter: number;
  framesChecked: number;
  framesLost: number;
  gapsDeclared: number;
}

/** Whether an outage left everything as it must: every frame, backlogs within bounds, decisions again or still. */
export const outageHeld = (figures: OutageFigures): boolean =>
  figures.framesLost === 0 &&
  figures.gapsDeclared === 0 &&
  figures.framesChecked > 0 &&
  figures.resumedAfterSeconds !== null &&
  figures.collectorBufferedPoints <= BUFFER_POINTS &&
  figures.signalsWaiting <= MAX_WAITING &&
  (figures.silent.includes('temporal') || figures.lastDecisionAgeSeconds < DECISION_AGE_LIMIT_SECONDS);

const residentMiB = async (pid: number | undefined): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
};

/**
 * A whole swarm whose Temporal or InfluxDB, or both, stop answering for a while: SIGSTOP, so that connections stay open and
 * nothing is refused, which is worse than an end.
 */
export const outageOfControlPlane = async (options: {
  portBase: number;
  outageSeconds: number;
  parts: readonly ControlPlanePart[];
  log(line: string): void;
}): Promise<OutageFigures> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-outage-'));
  const channels = defaultChannels();
  const swarm = await startBenchSwarm({
    stateDir,
    portBase: options.portBase,
    encoderCount: 3,
    encoderCapacityUnits: 6,
    channels,
    onEvent: (event) => options.log(`  ${event.text}`),
  });
  const { environment } = swarm;
  /** When the last control cycle decided; 0 before the first. */
  const decidedAtMs = async (): Promise<number> => {
    const status = await callApi(environment.SWARM_API_URL, operations.getStatus, {}).catch(() => null);
    return status?.cycle?.atMs ?? 0;
  };
  const origin = new OriginClient(environment.SWARM_ORIGIN_URL);
  const published = (): Promise<OriginChannel[]> => origin.channels();
  const collector = (): Promise<CollectorHealth> =>
    callJson(
      `http://${hostAndPort(connectableHost(environment.SWARM_HOST), environment.SWARM_COLLECTOR_PORT)}/healthz`,
      collectorHealthSchema,
    );
  const until = async (holds: () => Promise<boolean>, limitMs: number): Promise<boolean> => {
    const deadline = Date.now() + limitMs;
    while (Date.now() < deadline) {
      if (await holds()) return true;
      await sleep(250);
    }
    return false;
  };
  const stopped: number[] = [];
  const goOn = (): void => {
    for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT');
  };
  try {
    await until(async () => {
      const now = await published();
      return now.length === channels.length && now.every((c) => c.nextGop >= 5);
    }, ON_AIR_LIMIT_MS);
    await until(async () => (await decidedAtMs()) > 0, ON_AIR_LIMIT_MS);
    const pids = swarm.pids();
    const [workerMiBBefore, collectorMiBBefore] = [
      await residentMiB(pids.worker),
      await residentMiB(pids.collector),
    ];
    options.log(`  ${options.parts.join(' and ')} stop answering for ${options.outageSeconds} s ...`);
    for (const name of options.parts) {
      const pid = pids[name];
      if (pid === undefined)
        throw new Error(`${name} is not a process of this swarm: unset TEMPORAL_ADDRESS and INFLUX_URL.`);
      process.kill(pid, 'SIGSTOP');
      stopped.push(pid);
    }
    await sleep(options.outageSeconds * 1_000);
    const { points, signals } = await collector();
    const lastDecisionAgeSeconds = rounded((Date.now() - (await decidedAtMs())) / 1_000, 1) ?? 0;
    const [workerMiBAfter, collectorMiBAfter] = [
      await residentMiB(pids.worker),
      await residentMiB(pids.collector),
    ];
    goOn();
    const endedAtMs = Date.now();
    const resumed = await until(async () => (await decidedAtMs()) > endedAtMs, RESUME_LIMIT_MS);
    const resumedAfterSeconds = resumed ? rounded((Date.now() - endedAtMs) / 1_000, 1) : null;
    await until(async () => (await collector()).points.buffered === 0, RESUME_LIMIT_MS);
    options.log('  verifying every frame from outside ...');
    const report = await verifyPlaylists({
      playlists: channels.map((c) => masterPlaylistUrl(environment.SWARM_ORIGIN_URL, c.id)),
      key: await loadOrCreateStampKey(stateDir),
      ffmpegPaths: await verifierFfmpegPaths(environment),
      windowSeconds: 3_600,
    });
    for (const p of report.playlists) for (const problem of p.problems) options.log(`  ${p.url}: ${problem}`);
    const { framesChecked, framesLost, gapsDeclared } = report;
    return {
      silent: options.parts.join(' and '),
      outageSeconds: options.outageSeconds,
      lastDecisionAgeSeconds,
      resumedAfterSeconds,
      collectorBufferedPoints: points.buffered,
      collectorDroppedPoints: points.dropped,
      signalsWaiting: signals.waiting,
      ...{ workerMiBBefore, workerMiBAfter, collectorMiBBefore, collectorMiBAfter },
      ...{ framesChecked, framesLost, gapsDeclared },
    };
  } finally {
    goOn();
    await swarm.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};
