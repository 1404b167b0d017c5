import { setTimeout as sleep } from 'node:timers/promises';
import { playerUrl } from '../config/config';
import { playKeysFolder } from '../config/players';
import { OriginClient, type OriginChannel } from '../contracts/origin';
import { seededRandom, stampsOf } from '../domain';
import { ticksToMs } from '../domain/media-time';
import type { RunningSwarm } from '../launch/swarm';
import { PlaySigner } from '../playback';
import type { StepReporter } from '../setup';
import { CpuMeter } from './cpu-meter';
import { type FirstGop } from './first-gops';
import { MovesWatch, moveInWords } from './moves-watch';
import { makeRunReport, type RunReport } from './run-report';
import { Scenario } from './scenario';

const MOVES_END_LIMIT_MS = 20_000;
const LATE_AFTER_GOPS = 3;

/**
 * Runs the scenario on a swarm that is on air, and checks from outside that a viewer of every channel was shown
 * every frame exactly once.
 * @throws SwarmError when the run itself can't go on; what went wrong on air is in the report
 */
export const boundedRun = async (options: {
  swarm: RunningSwarm;
  firstGops: readonly FirstGop[];
  durationSeconds: number;
  /** Wall clock of the start, and how long it took until all parts worked. */
  startedAtMs: number;
  startSeconds: number;
  seed: number;
  reporter: StepReporter;
  /** Ends the swarm; called when all is on record, so that verifying has the machine for itself. */
  stopSwarm: () => Promise<void>;
  signal: AbortSignal;
}): Promise<RunReport> => {
  const { swarm, reporter } = options;
  const { environment, channels } = swarm;
  const originUrl = environment.SWARM_ORIGIN_URL;
  const say = (line: string): void => reporter.line(`  ${new Date().toLocaleTimeString('en-GB')} ${line}`);
  const { PlaylistFollower, verifierFfmpegPaths, verifyCollected } = await import('../verify');
  const { loadOrCreateStampKey } = await import('../media/stamp');

  const followers = channels.map(() => new PlaylistFollower());
  const watch = new MovesWatch({
    apiUrl: environment.SWARM_API_URL,
    sinceMs: options.startedAtMs,
    everyMs: 1_000,
    onEnded: (move) => say(moveInWords(move)),
  });
  const cpu = new CpuMeter(() => Object.values(swarm.pids()));
  try {
    const playersAt = playerUrl(environment);
    const signer = await PlaySigner.of(playKeysFolder(environment));
    const follow = async (follower: (typeof followers)[number], i: number): Promise<void> =>
      follower.start((await signer.urlsOf(playersAt, channels[i]!.id)).hls);
    await Promise.all(followers.map(follow));
    watch.start();
    await cpu.start();
    const beganAtMs = Date.now();
    const random = seededRandom(options.seed);
    const { durationSeconds } = options;
    const plannerHasMoved = (): boolean =>
      watch.moves().some((m) => m.reason === 'predicted-overload' && m.outcome === 'completed');
    const scenario = await new Scenario({ swarm, durationSeconds, random, say, plannerHasMoved }).perform(
      options.signal,
    );
    const ranSeconds = (Date.now() - beganAtMs) / 1000;
    const cpuCoresMean = await cpu.stop();
    await awaitMovesEnd(watch, options.signal);
    const onAir = await channelsOnAir(originUrl);
    const collected = (await Promise.all(followers.map((f) => f.stop()))).flat();
    await watch.stop();
    await options.stopSwarm();
    const verified = await reporter.step(
      'verify',
      async (progress) =>
        verifyCollected(collected, {
          key: await loadOrCreateStampKey(environment.SWARM_STATE_DIR),
          ffmpegPaths: await verifierFfmpegPaths(environment),
          fromGop: Object.fromEntries(options.firstGops.map((first) => [first.channelId, first.gop])),
          ...stampsOf(channels),
          onProgress: (done, total) => progress(`${done} of ${total} playlists`),
        }),
      (report) => `${report.framesChecked} frames, decoded by ffmpeg ${report.decoders.join(' and ')}`,
    );
    return makeRunReport({
      verified,
      moves: watch.moves(),
      scenario,
      channelIds: channels.map((c) => c.id),
      onAir,
      firstGops: options.firstGops,
      startedAtMs: options.startedAtMs,
      startSeconds: options.startSeconds,
      durationSeconds: ranSeconds,
      cpuCoresMean,
      seed: options.seed,
    });
  } finally {
    await cpu.stop();
    await watch.stop();
    await Promise.allSettled(followers.map((f) => f.dispose()));
  }
};

/** Lets the moves under way end, so that each of them is in the report with its outcome. */
const awaitMovesEnd = async (watch: MovesWatch, signal: AbortSignal): Promise<void> => {
  const endMs = Date.now() + MOVES_END_LIMIT_MS;
  await watch.read();
  while (watch.moves().some((m) => m.outcome === 'running') && Date.now() < endMs) {
    await sleep(500, undefined, { signal });
    await watch.read();
  }
};

const channelsOnAir = async (originUrl: string): Promise<string[]> => {
  const channels = await new OriginClient(originUrl).channels();
  const isLate = (c: OriginChannel): boolean =>
    Date.now() - (c.lastPublishedAtMs ?? 0) > LATE_AFTER_GOPS * ticksToMs(c.gopDurationTicks);
  return channels.filter((c) => !isLate(c)).map((c) => c.id);
};
