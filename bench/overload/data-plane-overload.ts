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
import { DataPlane, cheapChannel } from '../lib/data-plane';
import { rounded } from '../lib/statistics';
import { readPlaylists } from './playlist-readers';
import { SlowClients } from './slow-clients';

const CHANNELS = 6;
/** Longer than the default channel's GOP is not needed: GOPs of 1 s give twice the samples. */
const WARM_UP_GOPS = 5;

/** As many as the origin has places for. */
const IDLE_WAITS = 512;
const HALF_PUTS = 64;
const HANDOFF_EVERY_MS = 500;

/** Strangers that know what anybody can read: they hold connections and places, and do nothing with them. */
const gather = (plane: DataPlane, count: number): { viewers: SlowClients; publishers: SlowClients } => {
  const viewers = new SlowClients(plane.playerUrl);
  viewers.open(count, '', { reads: true });
  const publishers = new SlowClients(plane.originUrl);
  const wait = 'GET /channels/ch-1/wait?gop=99999999&timeout_ms=60000 HTTP/1.1';
  publishers.open(IDLE_WAITS, `${wait}\r\nhost: localhost\r\n\r\n`, { reads: true });
  const halfPut = [
    ...['PUT /channels/ch-1/gops/1 HTTP/1.1', 'host: localhost', 'content-type: video/mp2t'],
    ...['content-length: 188000', 'x-renditions: 180p=188000', 'x-fencing-token: 1'],
    ...['x-encoder-id: enc-1', 'x-session-id: ch-1/a-guess', '', 'G'],
  ];
  publishers.open(HALF_PUTS, halfPut.join('\r\n'), { reads: true });
  publishers.open(count, '', { reads: true });
  return { viewers, publishers };
};

/** Grants one channel after the other anew, until the signal. */
const changeOwners = async (
  plane: DataPlane,
  ids: readonly string[],
  count: { handoffs: number; handoffsRefused: number },
  signal: AbortSignal,
): Promise<string> => {
  while (!signal.aborted) {
    const id = ids[count.handoffs % ids.length]!;
    count.handoffs += 1;
    await plane.ownAgain(id).catch(() => (count.handoffsRefused += 1));
    await sleep(HANDOFF_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return `${count.handoffs} changes, ${count.handoffsRefused} refused`;
};

export interface PhaseFigures {
  phase: string;
  gopsPublished: number;
  publishDelayMsP50: number | null;
  publishDelayMsP99: number | null;
  originCores: number;
  relayCores: number;
  originMiB: number;
  detail: string;
}

export interface CrowdFigures {
  handoffs: number;
  handoffsRefused: number;
  /** Publish delay p99 with the crowd, by that without. */
  delayRatio: number | null;
}

export interface DataPlaneFigures {
  phases: PhaseFigures[];
  crowd: CrowdFigures;
  channelsAsked: number;
  channelsRefused: number;
  refusedWithoutReason: number;
  framesChecked: number;
  framesLost: number;
  gapsDeclared: number;
}

/** What load that should not be does to channels on air, without any orchestrator. */
export const overloadDataPlane = async (options: {
  portBase: number;
  seconds: number;
  readers: number;
  slowClients: number;
  /** Idle ones, in a crowd that also holds all places for waits and for GOPs. */
  viewers: number;
  random: () => number;
  log(line: string): void;
}): Promise<DataPlaneFigures> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-overload-'));
  // Each channel is one encode unit: the host is full with them.
  const plane = await DataPlane.start({
    stateDir,
    portBase: options.portBase,
    encoders: 1,
    capacityUnits: CHANNELS,
  });
  const ids = Array.from({ length: CHANNELS }, (_, i) => `ch-${i + 1}`);
  try {
    for (const id of ids) await plane.putOnAir(cheapChannel(id), 'enc-1');
    await Promise.all(ids.map((id) => plane.published(id, WARM_UP_GOPS)));

    const during = async (
      phase: string,
      load: (signal: AbortSignal) => Promise<string>,
    ): Promise<PhaseFigures> => {
      options.log(`  ${phase} ...`);
      const beganAtMs = Date.now();
      const cpu = async (): Promise<[number, number]> => [
        await plane.cpuSeconds('origin'),
        await plane.cpuSeconds('relay'),
      ];
      const [originBefore, relayBefore] = await cpu();
      const ended = new AbortController();
      const loading = load(ended.signal);
      await sleep(options.seconds * 1_000);
      const [originAfter, relayAfter] = await cpu();
      const originMiB = await plane.memoryMiB('origin');
      const seconds = (Date.now() - beganAtMs) / 1_000;
      ended.abort();
      const detail = await loading;
      const origin = new OriginClient(plane.originUrl);
      const ledgers = await Promise.all(ids.map((id) => origin.wholeLedger(id)));
      const delays = ledgers
        .flat()
        .flatMap((e) => (e.publishedAtMs >= beganAtMs && e.delayMs !== null ? [e.delayMs] : []));
      return {
        phase,
        gopsPublished: delays.length,
        publishDelayMsP50: rounded(percentile(delays, 50), 0),
        publishDelayMsP99: rounded(percentile(delays, 99), 0),
        originCores: rounded((originAfter - originBefore) / seconds, 3)!,
        relayCores: rounded((relayAfter - relayBefore) / seconds, 3)!,
        originMiB: rounded(originMiB, 0)!,
        detail,
      };
    };

    const quiet = await during('nothing but the channels', async () => '');
    let refusals: unknown[] = [];
    const tooMany = await during(`${10 * CHANNELS} more channels than the host takes`, async () => {
      const encoder = plane.encoder('enc-1');
      const asked = Array.from({ length: 10 * CHANNELS }, (_, i) => {
        const place = {
          feedUrl: new RelayClient(plane.relayUrl).feedUrl('ch-1'),
          originUrl: plane.originUrl,
        };
        const sessionId = `extra-${i}/${randomUUID()}`;
        return encoder.prepare(sessionOrder(cheapChannel(`extra-${i}`), { ...place, sessionId, fromGop: 0 }));
      });
      refusals = (await Promise.allSettled(asked)).flatMap((a) =>
        a.status === 'rejected' ? [a.reason as unknown] : [],
      );
      return `${refusals.length} refused`;
    });
    const readers = await during(
      `${options.readers} playlist readers, once a second each`,
      async (signal) => {
        const urls = ids.map((id) => `${plane.originUrl}/hls/${id}/180p/index.m3u8`);
        const { requests, failures, latenciesMs } = await readPlaylists({
          urls,
          readers: options.readers,
          random: options.random,
          signal,
        });
        const ms = (p: number): string => (percentile(latenciesMs, p) ?? 0).toFixed(1);
        return `${(requests / options.seconds).toFixed(0)} requests/s, ${failures} failed, ${ms(50)} ms median, ${ms(99)} ms p99`;
      },
    );
    const slow = await during(
      `${3 * options.slowClients} slow clients of origin and relay`,
      async (signal) => {
        const atOrigin = new SlowClients(plane.originUrl);
        const atRelay = new SlowClients(plane.relayUrl);
        for (const clients of [atOrigin, atRelay]) {
          clients.open(options.slowClients, 'GET /channels HTTP/1.1\r\nhost: x\r\n', { reads: true });
          clients.open(options.slowClients / 2, '', { reads: true });
        }
        atOrigin.open(options.slowClients / 2, 'GET /hls/ch-1/180p/5.ts HTTP/1.1\r\nhost: x\r\n\r\n', {
          reads: false,
        });
        atRelay.open(
          options.slowClients / 2,
          'GET /channels/ch-1/feed?from_gop=1 HTTP/1.1\r\nhost: x\r\n\r\n',
          {
            reads: false,
          },
        );
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        const left = { origin: atOrigin.counts.connected, relay: atRelay.counts.connected };
        for (const clients of [atOrigin, atRelay]) clients.close();
        return `still connected: ${left.origin} at the origin, ${left.relay} at the relay`;
      },
    );
    // A change of owner breaks off the GOP that is being put: what the crowd does shows beside the same without it.
    const alone = { handoffs: 0, handoffsRefused: 0 };
    const moving = await during('changes of owner', (signal) => changeOwners(plane, ids, alone, signal));
    const crowd = { handoffs: 0, handoffsRefused: 0 };
    const crowded = await during(
      `the same in a crowd: ${options.viewers} viewers, ${IDLE_WAITS} waits, ${HALF_PUTS} half-sent GOPs`,
      async (signal) => {
        const { viewers, publishers } = gather(plane, options.viewers);
        await changeOwners(plane, ids, crowd, signal);
        const left = [viewers, publishers].map((clients) => clients.counts.connected);
        for (const clients of [viewers, publishers]) clients.close();
        return `still connected: ${left[0]} viewers, ${left[1]} others`;
      },
    );
    const [without, withCrowd] = [moving.publishDelayMsP99, crowded.publishDelayMsP99];
    const delayRatio = without && withCrowd ? rounded(withCrowd / without, 2) : null;
    const next = await plane.channels();
    await Promise.all(next.map(({ id, nextGop }) => plane.published(id, nextGop)));
    options.log('  verifying every frame from outside ...');
    const report = await plane.verify(ids);
    for (const p of report.playlists) for (const problem of p.problems) options.log(`  ${p.url}: ${problem}`);
    return {
      phases: [quiet, tooMany, readers, slow, moving, crowded],
      crowd: { ...crowd, delayRatio },
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
