import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionOrder } from '../../src/contracts/encoder/requests';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { SwarmError } from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import { entryOf } from '../../src/launch/part-list';
import { DataPlane, cheapChannel } from '../lib/data-plane';
import { rounded } from '../lib/statistics';
import { CrowdProcess } from './crowd/crowd-process';
import type { Crowd, CrowdReport } from './crowd/gathering';

const CHANNELS = 6;
/** Longer than the default channel's GOP is not needed: GOPs of 1 s give twice the samples. */
const WARM_UP_GOPS = 5;
const GOP_MS = 1_000;

/** As many as the origin has places for. */
const IDLE_WAITS = 512;
const HALF_PUTS = 64;
const HANDOFF_EVERY_MS = 500;

export interface Handoffs {
  handoffs: number;
  handoffsRefused: number;
}

/** Grants one channel after the other anew, until the signal. */
const changeOwners = async (
  plane: DataPlane,
  ids: readonly string[],
  count: Handoffs,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const id = ids[count.handoffs % ids.length]!;
    count.handoffs += 1;
    await plane.ownAgain(id).catch(() => (count.handoffsRefused += 1));
    await sleep(HANDOFF_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
};

export interface PhaseFigures {
  phase: string;
  gopsPublished: number;
  publishDelayMsP50: number | null;
  publishDelayMsP99: number | null;
  originCores: number;
  /** Of the process that answers players for the origin. */
  playerCores: number;
  relayCores: number;
  originMiB: number;
  detail: string;
}

/**
 * What a crowd does, beside the same with a process that takes as much CPU as the crowd's did: both in turn, several times. So
 * it is the origin that is measured, and not the scheduler of a machine that the crowd stands on too.
 */
export interface CrowdFigures extends Handoffs {
  rounds: number;
  gopsWithout: number;
  gopsWith: number;
  publishDelayMsP50Without: number | null;
  publishDelayMsP50With: number | null;
  publishDelayMsP99Without: number | null;
  publishDelayMsP99With: number | null;
  /** The one by the other, over all rounds. */
  delayRatio: number | null;
  /** Of the crowd's own process, and of the one that stands in for it, on average. */
  coresOfCrowd: number | null;
  coresOfControl: number | null;
  /** Requests of readers that failed. */
  failures: number;
}

export interface DataPlaneFigures {
  phases: PhaseFigures[];
  /** Strangers that hold connections and places. */
  crowd: CrowdFigures;
  /** Players that read playlists and segments. */
  readers: CrowdFigures;
  channelsAsked: number;
  channelsRefused: number;
  refusedWithoutReason: number;
  framesChecked: number;
  framesLost: number;
  gapsDeclared: number;
}

export interface OverloadOptions {
  portBase: number;
  seconds: number;
  /** How often with and without a crowd are measured in turn. */
  rounds: number;
  readers: number;
  segmentReaders: number;
  slowClients: number;
  /** Idle ones, in a crowd that also holds all places for waits and for GOPs. */
  viewers: number;
  seed: number;
  /** Folder for a CPU profile of the origin. */
  profile?: string | undefined;
  log(line: string): void;
}

interface Phase extends PhaseFigures {
  delaysMs: number[];
}

/** What load that should not be does to channels on air, without any orchestrator. */
export const overloadDataPlane = async (options: OverloadOptions): Promise<DataPlaneFigures> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-overload-'));
  const { profile } = options;
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  // Each channel is one encode unit: the host is full with them.
  const plane = await DataPlane.start({
    stateDir,
    portBase: options.portBase,
    encoders: 1,
    capacityUnits: CHANNELS,
    nodeArgs: (part) => [...(part === 'media/origin' ? profiling : []), entryOf(part)],
  });
  const ids = Array.from({ length: CHANNELS }, (_, i) => `ch-${i + 1}`);
  const phases: Phase[] = [];
  const cpuNow = async (): Promise<[number, number, number]> => [
    await plane.cpuSeconds('origin'),
    await plane.cpuSecondsOfPlayers(),
    await plane.cpuSeconds('relay'),
  ];

  const during = async (phase: string, load: (signal: AbortSignal) => Promise<string>): Promise<Phase> => {
    options.log(`  ${phase} ...`);
    const beganAtMs = Date.now();
    const [originBefore, playersBefore, relayBefore] = await cpuNow();
    const ended = new AbortController();
    const loading = load(ended.signal);
    await sleep(options.seconds * 1_000);
    const [originAfter, playersAfter, relayAfter] = await cpuNow();
    const endedAtMs = Date.now();
    const originMiB = await plane.memoryMiB('origin');
    const seconds = (endedAtMs - beganAtMs) / 1_000;
    ended.abort();
    const detail = await loading;
    const origin = new OriginClient(plane.originUrl);
    const ledgers = await Promise.all(ids.map((id) => origin.wholeLedger(id)));
    const delaysMs = ledgers
      .flat()
      .flatMap((e) =>
        e.publishedAtMs >= beganAtMs && e.publishedAtMs < endedAtMs && e.delayMs !== null ? [e.delayMs] : [],
      );
    const measured = {
      phase,
      gopsPublished: delaysMs.length,
      publishDelayMsP50: rounded(percentile(delaysMs, 50), 0),
      publishDelayMsP99: rounded(percentile(delaysMs, 99), 0),
      originCores: rounded((originAfter - originBefore) / seconds, 3)!,
      playerCores: rounded((playersAfter - playersBefore) / seconds, 3)!,
      relayCores: rounded((relayAfter - relayBefore) / seconds, 3)!,
      originMiB: rounded(originMiB, 0)!,
      detail,
      delaysMs,
    };
    phases.push(measured);
    return measured;
  };

  /** Runs a crowd in a process of its own until the signal. */
  const withCrowd = async (crowd: Crowd, signal: AbortSignal): Promise<CrowdReport> => {
    const gathered = await CrowdProcess.start(crowd);
    try {
      gathered.go();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      return await gathered.end();
    } finally {
      gathered.kill();
    }
  };

  const inTurn = async (name: string, crowd: Crowd | null, moves: boolean): Promise<CrowdFigures> => {
    const count: Handoffs = { handoffs: 0, handoffsRefused: 0 };
    const delays: Record<'without' | 'with', number[]> = { without: [], with: [] };
    const cores: Record<'without' | 'with', number[]> = { without: [], with: [] };
    let failures = 0;
    const moving = async (counted: Handoffs, signal: AbortSignal): Promise<void> => {
      if (moves) await changeOwners(plane, ids, counted, signal);
    };
    const rounds = crowd === null ? 0 : options.rounds;
    const phaseOf = async (which: 'without' | 'with', name: string, gathered: Crowd): Promise<void> => {
      const counted: Handoffs = { handoffs: 0, handoffsRefused: 0 };
      const phase = await during(name, async (signal) => {
        const [report] = await Promise.all([withCrowd(gathered, signal), moving(counted, signal)]);
        if (which === 'with') {
          failures += report.failures;
          count.handoffs += counted.handoffs;
          count.handoffsRefused += counted.handoffsRefused;
        }
        cores[which].push(report.cpuSeconds / options.seconds);
        return (moves ? `${counted.handoffs} changes of owner; ` : '') + told(report, options.seconds);
      });
      delays[which].push(...phase.delaysMs);
    };
    for (let round = 1; crowd !== null && round <= rounds; round += 1) {
      const crowded = (): Promise<void> => phaseOf('with', `${name}, ${round}`, crowd);
      const alone = (): Promise<void> =>
        phaseOf('without', `as much CPU as they took, ${round}`, {
          kind: 'burning',
          cores: cores.with.at(-1)!,
        });
      // Each goes first as often, so that what changes on the machine meanwhile is nobody's advantage.
      if (round % 2 === 1) {
        await crowded();
        await alone();
      } else {
        await alone();
        await crowded();
      }
    }
    const [without, withIt] = [percentile(delays.without, 99), percentile(delays.with, 99)];
    const meanOf = (values: readonly number[]): number | null =>
      values.length === 0 ? null : rounded(values.reduce((sum, v) => sum + v, 0) / values.length, 2);
    return {
      ...count,
      rounds,
      gopsWithout: delays.without.length,
      gopsWith: delays.with.length,
      publishDelayMsP50Without: rounded(percentile(delays.without, 50), 0),
      publishDelayMsP50With: rounded(percentile(delays.with, 50), 0),
      publishDelayMsP99Without: rounded(without, 0),
      publishDelayMsP99With: rounded(withIt, 0),
      delayRatio: without && withIt ? rounded(withIt / without, 2) : null,
      coresOfCrowd: meanOf(cores.with),
      coresOfControl: meanOf(cores.without),
      failures,
    };
  };

  try {
    for (const id of ids) await plane.putOnAir(cheapChannel(id), 'enc-1');
    await Promise.all(ids.map((id) => plane.published(id, WARM_UP_GOPS)));
    const { originUrl, playerUrl, relayUrl } = plane;

    let refusals: unknown[] = [];
    await during(`${10 * CHANNELS} more channels than the host takes`, async () => {
      const encoder = plane.encoder('enc-1');
      const asked = Array.from({ length: 10 * CHANNELS }, (_, i) => {
        const place = { feedUrl: new RelayClient(relayUrl).feedUrl('ch-1'), originUrl };
        const sessionId = `extra-${i}/${randomUUID()}`;
        return encoder.prepare(sessionOrder(cheapChannel(`extra-${i}`), { ...place, sessionId, fromGop: 0 }));
      });
      refusals = (await Promise.allSettled(asked)).flatMap((a) =>
        a.status === 'rejected' ? [a.reason as unknown] : [],
      );
      return `${refusals.length} refused`;
    });
    if (options.slowClients > 0) {
      const slow: Crowd = { kind: 'slow', originUrl, playerUrl, relayUrl, count: options.slowClients };
      await during(`${3 * options.slowClients} slow clients of origin and relay`, async (signal) =>
        told(await withCrowd(slow, signal), options.seconds),
      );
    }
    const { readers: playlistReaders, segmentReaders, viewers } = options;
    const reading: Crowd = {
      kind: 'reading',
      ...{ originUrl, playerUrl, channels: ids, rendition: '180p' },
      ...{ playlistReaders, segmentReaders, everyMs: GOP_MS, seed: options.seed },
    };
    const readers = await inTurn(
      `${playlistReaders} playlist readers and ${segmentReaders} segment readers`,
      playlistReaders + segmentReaders > 0 ? reading : null,
      false,
    );
    // A change of owner breaks off the GOP that is being put: what the crowd does shows beside the same without it.
    const holding: Crowd = {
      kind: 'holding',
      ...{ originUrl, playerUrl, viewers },
      ...{ waits: IDLE_WAITS, halfPuts: HALF_PUTS, idle: viewers },
    };
    const crowd = await inTurn(
      `${viewers} viewers, ${IDLE_WAITS} waits, ${HALF_PUTS} half-sent GOPs`,
      viewers > 0 ? holding : null,
      true,
    );
    const next = await plane.channels();
    await Promise.all(next.map(({ id, nextGop }) => plane.published(id, nextGop)));
    options.log('  verifying every frame from outside ...');
    const report = await plane.verify(ids);
    for (const p of report.playlists) for (const problem of p.problems) options.log(`  ${p.url}: ${problem}`);
    return {
      phases: phases.map(({ delaysMs: _, ...figures }) => figures),
      ...{ crowd, readers },
      channelsAsked: 10 * CHANNELS,
      channelsRefused: refusals.length,
      refusedWithoutReason: refusals.filter((r) => !(r instanceof SwarmError && r.code === 'encoder-full'))
        .length,
      framesChecked: report.framesChecked,
      framesLost: report.framesLost,
      gapsDeclared: report.gapsDeclared,
    };
  } finally {
    await plane.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};

const told = (report: CrowdReport, seconds: number): string => {
  const { connected, requests, failures, latencyMsP50, latencyMsP99, cpuSeconds, niceness } = report;
  const still = Object.entries(connected).map(([who, count]) => `${count} ${who}`);
  return [
    ...(still.length > 0 ? [`still connected: ${still.join(', ')}`] : []),
    ...(requests > 0
      ? [
          `${(requests / seconds).toFixed(0)} requests/s, ${failures} failed, ${latencyMsP50} ms median, ${latencyMsP99} ms p99`,
        ]
      : []),
    `crowd ${(cpuSeconds / seconds).toFixed(2)} cores at nice ${niceness}`,
  ].join('; ');
};
