import { encoderClientFor } from '../../src/media/encoder/client';
import { callJson } from '../../src/service/http';
import type { RunningSwarm } from '../../src/start/swarm';

const LOOK_EVERY_MS = 250;
const LOOK_DEADLINE_MS = 1_000;

interface OwnedChannel {
  id: string;
  owner: { encoderId: string } | null;
}

/** Watches from outside how much is encoded, and how many channels a build carries. */
export class RolloutWatch {
  peakUnits = 0;
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

  /** Encode units in use on all hosts now; the largest of a few looks, as sessions come and go. */
  async units(): Promise<number> {
    const loads = await Promise.all(
      this.swarm.fleet.list().map(async ({ grpcAddress }) => {
        const telemetry = await encoderClientFor(grpcAddress)
          .telemetry({ deadlineMs: LOOK_DEADLINE_MS })
          .catch(() => null);
        return telemetry?.unitsUsed ?? 0;
      }),
    );
    return loads.reduce((sum, units) => sum + units, 0);
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
    const [units, builds, channels] = await Promise.all([
      this.units(),
      this.builds(),
      callJson<OwnedChannel[]>(`${SWARM_ORIGIN_URL}/channels`),
    ]);
    this.peakUnits = Math.max(this.peakUnits, units);
    const carriers = new Set([...builds].filter(([, d]) => d === this.watchedDigest).map(([id]) => id));
    if (carriers.size > 0) this.firstSeenAtMs ??= Date.now();
    const carried = channels.filter(({ owner }) => owner && carriers.has(owner.encoderId));
    this.peakShare = Math.max(this.peakShare, carried.length / Math.max(1, channels.length));
  }
}
