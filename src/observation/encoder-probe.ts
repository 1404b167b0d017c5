import type { FleetEncoder } from '../contracts/fleet';
import type { Cordons, EncoderInfo, EncoderObservation } from '../domain';
import { withinOrNull } from '../platform/deadline';
import type { EncoderDirectory } from './encoder-directory';

/** Choices made at the same moment, as after the loss of an encoder, share one look at the fleet. */
const SHARED_FOR_MS = 250;

interface Look {
  deadlineMs: number;
  /** An encoder that was started anew a moment ago is waited for, up to the deadline. */
  waitForReady?: boolean;
}

type Probe = Omit<EncoderObservation, 'cordoned' | 'draining' | 'troubles'>;

/** An encoder that has not said yet what it is: what the fleet knows of it, and no capacity. */
const undescribed = (fleetEncoder: FleetEncoder): EncoderInfo => ({
  id: fleetEncoder.id,
  grpcAddress: fleetEncoder.grpcAddress,
  region: fleetEncoder.region,
  zone: fleetEncoder.zone,
  version: 'unknown',
  ffmpegVersion: 'unknown',
  capacityUnits: 0,
  maxSessions: 0,
});

/** Looks at every encoder of the fleet at once; a silent one costs the deadline, once. */
export class EncoderProbe {
  /** What hosts said of themselves when they last answered. */
  private readonly described = new Map<string, EncoderInfo>();
  private shared: { probes: Promise<Probe[]>; atMs: number } | undefined;

  constructor(private readonly directory: EncoderDirectory) {}

  async observe(
    cordons: Cordons,
    troublesOf: (encoderId: string) => number,
    options: { deadlineMs: number; fresh?: boolean },
  ): Promise<EncoderObservation[]> {
    const nowMs = Date.now();
    if (options.fresh || !this.shared || nowMs - this.shared.atMs > SHARED_FOR_MS) {
      this.shared = { probes: this.probeAll(options.deadlineMs, options.fresh ?? false), atMs: nowMs };
    }
    const probes = await this.shared.probes;
    return probes.map((probe) => ({
      ...probe,
      cordoned: cordons[probe.id] !== undefined,
      draining: cordons[probe.id]?.draining ?? false,
      troubles: troublesOf(probe.id),
    }));
  }

  /**
   * Asks those encoders once more that a decision rests on and that were silent, and waits longer for them: a
   * connection to a host that was started anew comes back within a second or two, and a busy host answers late.
   */
  async insist(
    observed: EncoderObservation[],
    isNeeded: (encoder: EncoderObservation, wasEverHeard: boolean) => boolean,
    deadlineMs: number,
  ): Promise<EncoderObservation[]> {
    const isSilent = (e: EncoderObservation): boolean =>
      !e.reachable && isNeeded(e, this.described.has(e.id));
    if (!observed.some(isSilent)) return observed;
    const fleet = new Map((await this.directory.list()).map((encoder) => [encoder.id, encoder]));
    return Promise.all(
      observed.map(async (seen) => {
        const encoder = isSilent(seen) && fleet.get(seen.id);
        return encoder
          ? { ...seen, ...(await this.probe(encoder, { deadlineMs, waitForReady: true })) }
          : seen;
      }),
    );
  }

  private async probeAll(deadlineMs: number, fresh: boolean): Promise<Probe[]> {
    // An encoder that another worker has just seen to answer is no request any more: it must not be missing here.
    if (fresh) await this.directory.refresh();
    const fleet = await this.directory.list();
    // A host that starts for the first time is a request under way, not an encoder that went silent.
    const expected = fleet.filter(({ id, state }) => state !== 'starting' || this.described.has(id));
    return Promise.all(expected.map((encoder) => this.probe(encoder, { deadlineMs })));
  }

  private async probe(encoder: FleetEncoder, look: Look): Promise<Probe> {
    const known = this.described.get(encoder.id) ?? undescribed(encoder);
    const silent: Probe = { ...known, reachable: false };
    // A second guard: a gRPC deadline alone has been seen not to fire after a restart of the host.
    const answer = await withinOrNull(look.deadlineMs + 100, this.ask(encoder, look));
    return answer ?? silent;
  }

  private async ask(encoder: FleetEncoder, look: Look): Promise<Probe> {
    const client = await this.directory.client(encoder.id);
    // Also what seems constant is asked each time: a build that was changed a moment ago decides over a handoff.
    const [described, telemetry] = await Promise.all([client.describe(look), client.telemetry(look)]);
    const info = { ...described, grpcAddress: encoder.grpcAddress };
    this.described.set(encoder.id, info);
    return { ...info, reachable: true, telemetry };
  }
}
