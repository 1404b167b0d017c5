import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, type ChannelSpec } from '../../src/domain';
import { ticksToMs } from '../../src/domain/media-time';
import type { RunningSwarm } from '../../src/launch/swarm';
import { Continuity } from './continuity';
import { Deaths } from './deaths';
import type { Kind } from './kinds';
import { publishPauseMs } from './pauses';
import { PublicGops } from './public-gops';
import { pauseFigures, type KindResult } from './result';
import type { Viewer } from './viewer';

/** Longer than every patience of the parts, shorter than what encoders hold and the relay's ring. */
const STOPPED_MS = 8_000;

/** Deaths of one kind after the other in a swarm that is on air, and what became of its channels. */
export class FailoverRun {
  readonly pausesMs: number[] = [];
  private readonly random: () => number;
  private readonly gops: PublicGops;
  private readonly deaths: Deaths;
  private readonly continuity: Continuity;
  private readonly channelIds: readonly string[];

  constructor(
    private readonly options: {
      swarm: RunningSwarm;
      channels: readonly ChannelSpec[];
      viewer: Viewer | null;
      seed: number;
      log: (line: string) => void;
    },
  ) {
    const { swarm, channels, seed } = options;
    this.random = seededRandom(seed);
    this.channelIds = channels.map(({ id }) => id);
    const urls = swarm.environment.SWARM_ORIGIN_PEERS.map(({ url }) => url);
    this.gops = new PublicGops(urls, this.channelIds);
    this.deaths = new Deaths(swarm, this.channelIds, this.gops);
    this.continuity = new Continuity(swarm, this.channelIds);
  }

  async perform(kind: Kind, times: number): Promise<KindResult> {
    const pausesMs: number[] = [];
    let stalls: number | null = null;
    for (let n = 1; n <= times; n += 1) {
      const death = await this.die(kind);
      pausesMs.push(death.pauseMs);
      if (death.stalls !== null) stalls = (stalls ?? 0) + death.stalls;
      const seen = death.stalls ? `; the player stood ${death.stalls} times` : '';
      this.options.log(
        `  ${kind} ${n}/${times}: ${death.parts.join(' and ')}: paused for ${death.pauseMs} ms${seen}`,
      );
    }
    const { problems, ...checked } = await this.continuity.check();
    for (const problem of problems) this.options.log(`  ${problem}`);
    this.pausesMs.push(...pausesMs);
    return { kind, deaths: times, ...checked, ...pauseFigures(pausesMs), playerStalls: stalls };
  }

  /** Until every channel is on air at every origin. */
  untilWell(): Promise<void> {
    return this.deaths.untilWell();
  }

  stop(): Promise<void> {
    return this.gops.stop();
  }

  private async die(kind: Kind): Promise<{ parts: string[]; pauseMs: number; stalls: number | null }> {
    const { channels, viewer } = this.options;
    const gopMs = Math.max(...channels.map((channel) => ticksToMs(channel.gopDurationTicks)));
    // Any moment of a GOP.
    await sleep(Math.floor(this.random() * gopMs));
    const [fromMs, fromWallMs] = [performance.now(), Date.now()];
    const { parts, resume } = await this.deaths.begin(kind, this.random);
    try {
      await sleep(STOPPED_MS);
    } finally {
      resume();
    }
    await this.deaths.untilWell();
    const toMs = performance.now();
    const pauses = channels.map(({ id, gopDurationTicks }) =>
      publishPauseMs(this.gops.of(id), { fromMs, toMs, gopMs: ticksToMs(gopDurationTicks) }),
    );
    const stalls = viewer && (await viewer.stalls(fromWallMs, Date.now()));
    return { parts, pauseMs: Math.max(...pauses), stalls };
  }
}
