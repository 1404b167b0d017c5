import type { FleetEncoder } from '../../../src/contracts/fleet';
import { SwarmError, type InstalledBuild } from '../../../src/domain';
import type { BuildModel, EncoderModel } from './media-model';
import type { Part } from './network-model';

/** Time without its agent: the hosts run on. */
const RESTART_MS = 1_000;

/** The builds that there are: the one that all hosts run at first, one as good, and one that can't keep up. */
const build = (buildId: string, realTimeRatio: number): BuildModel => ({
  buildId,
  executablePath: `/opt/${buildId}/ffmpeg`,
  digest: Buffer.from(buildId).toString('hex').padEnd(64, '0'),
  realTimeRatio,
});
export const builds = { older: build('older', 1), newer: build('newer', 1), bad: build('bad', 0.5) } as const;
export type BuildName = keyof typeof builds;

const withDigest = (digest: string): BuildModel => {
  const found = Object.values(builds).find((known) => known.digest === digest);
  if (!found) throw new SwarmError('not-found', `There is no build ${digest}.`);
  return found;
};

/**
 * The fleet agent: starts a host anew with another build, by the rules of src/fleet/local-fleet.ts: one change of a
 * host after the other; a request that was carried out, and a build that runs already, restart nothing.
 */
export class FleetModel implements Part {
  readonly name = 'fleet';
  isUp = true;
  private readonly done = new Set<string>();
  private readonly latest = new Map<string, Promise<void>>();

  constructor(
    private readonly encoders: readonly EncoderModel[],
    /** Told before a host is ended. */
    private readonly beforeChange: (encoder: EncoderModel) => void,
    private readonly isDeaf: (build: BuildModel) => boolean = () => false,
  ) {}

  async setBuild(encoderId: string, { digest }: InstalledBuild, requestId: string): Promise<FleetEncoder> {
    const encoder = this.encoders.find((e) => e.info.id === encoderId);
    if (!encoder) throw new SwarmError('unknown-encoder', `The fleet has no encoder ${encoderId}.`);
    const wanted = withDigest(digest);
    const before = this.latest.get(encoderId) ?? Promise.resolve();
    const change = before.then(async () => {
      if (this.done.has(`${encoderId} ${requestId}`) || this.isDeaf(wanted)) return;
      if (encoder.build?.digest !== digest) {
        this.beforeChange(encoder);
        await encoder.changeBuild(wanted);
      }
      this.done.add(`${encoderId} ${requestId}`);
    });
    this.latest.set(encoderId, change);
    await change;
    return fleetEncoder(encoder);
  }

  crash(): void {
    this.isUp = false;
    setTimeout(() => (this.isUp = true), RESTART_MS);
  }
}

export const fleetEncoder = ({ info, life }: EncoderModel): FleetEncoder => ({
  id: info.id,
  grpcAddress: info.id,
  region: info.region,
  zone: info.zone,
  pid: 1,
  state: 'running',
  restarts: life - 1,
  startedAtMs: 0,
});
