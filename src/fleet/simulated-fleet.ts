import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError, seededRandom, type InstalledBuild } from '../domain';
import type { FleetProvider } from './provider';

/** How a simulated cloud behaves. */
export interface SimulatedFleetOptions {
  seed: number;
  /** An encoder is there after a time drawn evenly from this range, seconds. */
  bootSeconds: readonly [fastest: number, slowest: number];
  /** Share of requests that bring nothing, after their time. */
  failureShare: number;
}

const FORM = /^boot=(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?),fail=(0(?:\.\d+)?|1)(?:,seed=(\d+))?$/;

/** @throws SwarmError bad-request that shows the form */
export const parseSimulatedFleet = (text: string): SimulatedFleetOptions => {
  const [, fastest, slowest, failureShare, seed = '1'] = FORM.exec(text) ?? [];
  if (fastest === undefined || Number(slowest) < Number(fastest)) {
    throw new SwarmError(
      'bad-request',
      `SWARM_FLEET_SIMULATED is "${text}".`,
      'Write it as boot=20-60,fail=0.2,seed=1: seconds until an encoder is there, share of requests that fail.',
    );
  }
  return {
    seed: Number(seed),
    bootSeconds: [Number(fastest), Number(slowest)],
    failureShare: Number(failureShare),
  };
};

interface Request {
  outcome: Promise<void>;
}

/**
 * A cloud in front of another provider: what that gives at once comes after a cloud's time here, and sometimes not at
 * all, as in the discrete simulator. The n-th request of a seed meets the same luck; the same requestId again is the
 * same request.
 */
export class SimulatedFleet implements FleetProvider {
  private readonly random: () => number;
  private readonly requests = new Map<string, Request>();

  constructor(
    private readonly behind: FleetProvider,
    private readonly options: SimulatedFleetOptions,
    private readonly sleep: (ms: number) => Promise<void> = (ms) =>
      new Promise((resolve) => void setTimeout(resolve, ms).unref()),
  ) {
    this.random = seededRandom(options.seed);
  }

  get canProvision(): boolean {
    return this.behind.canProvision;
  }

  list(): Promise<FleetEncoder[]> {
    return this.behind.list();
  }

  /** @throws SwarmError at-capacity-limit when the simulated cloud has none to give, or what the provider behind it throws */
  async provision(requestId: string, zone?: string, build?: InstalledBuild): Promise<FleetEncoder> {
    let request = this.requests.get(requestId);
    if (!request) {
      request = { outcome: this.draw() };
      // Whoever asks awaits it; an outcome that nobody waits for any more is no fault.
      request.outcome.catch(() => undefined);
      this.requests.set(requestId, request);
    }
    await request.outcome;
    return this.behind.provision(requestId, zone, build);
  }

  setBuild(encoderId: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder> {
    return this.behind.setBuild(encoderId, build, requestId);
  }

  deprovision(encoderId: string): Promise<void> {
    return this.behind.deprovision(encoderId);
  }

  private async draw(): Promise<void> {
    const { bootSeconds, failureShare } = this.options;
    const [fastest, slowest] = bootSeconds;
    const fails = this.random() < failureShare;
    await this.sleep(1_000 * (fastest + (slowest - fastest) * this.random()));
    if (!fails) return;
    throw new SwarmError(
      'at-capacity-limit',
      'The simulated provider has no encoder to give.',
      'Ask again later; SWARM_FLEET_SIMULATED says how often it fails.',
    );
  }
}
