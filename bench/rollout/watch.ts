import { encoderClientFor } from '../../src/contracts/encoder/client';
import { OriginClient } from '../../src/contracts/origin';
import type { RunningSwarm } from '../../src/launch/swarm';

const LOOK_EVERY_MS = 250;
const LOOK_DEADLINE_MS = 1_000;

interface Peak {
  units: number;
  atMs: number;
  /** Sessions of each host. */
  description: string;
}
const NO_PEAK: Peak = { units: 0, atMs: 0, description: '' };

/** Watches from outside how much is encoded, and how many channels a build carries. */
export class RolloutWatch {
  /** Largest sum of encode units on all hosts, and what they were for. */
  peak = NO_PEAK;
  /** Largest part of all channels that hosts with the watched build owned at once. */
  peakShare = 0;
  /** When a host was first seen with the watched build. */
  firstSeenAtMs: number | null = null;
  private watchedDigest: string | null = null;
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;

  constructor(private readonly swarm: RunningSwarm) {
    this.ended = this.run();
  }

  /** From now on for this build. */
  watch(digest: string): void {
    this.watchedDigest = digest;
    this.peakShare = 0;
    this.firstSeenAtMs = null;
  }

  resetPeak(): void {
    this.peak = NO_PEAK;
  }

  /** What all hosts encode now; one that does not answer has no sessions to ask for. */
  private async load(): Promise<Peak> {
    const hosts = await Promise.all(
      this.swarm.fleet.list().map(async ({ id, grpcAddress }) => {
        const telemetry = await encoderClientFor(grpcAddress)
          .telemetry({ deadlineMs: LOOK_DEADLINE_MS })
          .catch(() => null);
        const sessions = telemetry?.sessions.filter(({ state }) => state !== 'failed') ?? [];
        const description = sessions.map((s) => `${s.channelId} ${s.state} ${s.units.toFixed(2)}`);
        return {
          units: telemetry?.unitsUsed ?? 0,
          description: `${id}: ${description.join(', ') || 'nothing'}`,
        };
      }),
    );
    const units = hosts.reduce((sum, host) => sum + host.units, 0);
    return { units, atMs: Date.now(), description: hosts.map((host) => host.description).join('; ') };
  }

  /** Digest of the build on each host; null for one that does not answer. */
  async builds(): Promise<Map<string, string | null>> {
    const hosts = this.swarm.fleet.list();
    const digests = await Promise.all(
      hosts.map(async ({ grpcAddress }) => {
        const info = await encoderClientFor(grpcAddress)
          .describe({ deadlineMs: LOOK_DEADLINE_MS })
          .catch(() => null);
        return info?.buildDigest ?? null;
      }),
    );
    return new Map(hosts.map(({ id }, i) => [id, digests[i] ?? null]));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  private async look(): Promise<void> {
    const { SWARM_ORIGIN_URL } = this.swarm.environment;
    const [load, builds, channels] = await Promise.all([
      this.load(),
      this.builds(),
      new OriginClient(SWARM_ORIGIN_URL).channels(),
    ]);
    if (load.units > this.peak.units) this.peak = load;
    const carriers = new Set([...builds].filter(([, d]) => d === this.watchedDigest).map(([id]) => id));
    if (carriers.size > 0) this.firstSeenAtMs ??= Date.now();
    const carried = channels.filter(({ owner }) => owner && carriers.has(owner.encoderId));
    this.peakShare = Math.max(this.peakShare, carried.length / Math.max(1, channels.length));
  }
}
