import type { PendingEncoder, ProvisioningOutcome } from '../domain';
import { chanceOf } from './chance';

/** How the simulated cloud behaves. */
export interface ProviderOptions {
  seed: number;
  /** An encoder is ready after a time drawn evenly from this range, seconds. */
  bootSeconds: readonly [fastest: number, slowest: number];
  /** Share of requests that bring nothing, and of those for several encoders that bring only half of them. */
  failureShare: number;
  partialShare: number;
}

interface Request extends PendingEncoder {
  readyAtMs: number;
  arrives: boolean;
  batch: number;
}

export interface Arrival {
  requestId: string;
  zone: string;
  askedAtMs: number;
}

/**
 * A cloud that takes its time, sometimes brings nothing, and sometimes fewer than asked for. The n-th request of a run
 * meets the same luck under every policy.
 */
export class SimulatedProvider {
  private readonly requests: Request[] = [];
  private readonly batches: {
    askedAtMs: number;
    open: number;
    asked: number;
    got: number;
    endedAtMs: number;
  }[] = [];
  private readonly ended: ProvisioningOutcome[] = [];

  constructor(private readonly options: ProviderOptions) {}

  /** Under way, whether they will arrive or not: that is not known before. */
  get pending(): readonly PendingEncoder[] {
    return this.requests;
  }

  /** Requests that have ended, oldest first. */
  get outcomes(): readonly ProvisioningOutcome[] {
    return this.ended;
  }

  /** Asks for encoders, one per zone named. */
  request(zones: readonly string[], atMs: number): void {
    const { seed, bootSeconds, failureShare, partialShare } = this.options;
    const batch = this.batches.length;
    const random = chanceOf(seed, 'provider', batch);
    const fails = random() < failureShare;
    const given = fails ? 0 : random() < partialShare ? Math.ceil(zones.length / 2) : zones.length;
    const [fastest, slowest] = bootSeconds;
    zones.forEach((zone, i) => {
      const readyAtMs = atMs + 1000 * (fastest + (slowest - fastest) * random());
      this.requests.push({
        requestId: `request-${batch}-${i}`,
        zone,
        askedAtMs: atMs,
        readyAtMs,
        arrives: i < given,
        batch,
      });
    });
    this.batches.push({ askedAtMs: atMs, open: zones.length, asked: zones.length, got: 0, endedAtMs: atMs });
  }

  /** Gives up the youngest requests. @returns how many there were to give up */
  cancel(count: number): number {
    const given = this.requests.splice(Math.max(0, this.requests.length - count), count);
    for (const { batch } of given) {
      const of = this.batches[batch];
      if (of) of.open -= 1;
    }
    return given.length;
  }

  /** Encoders that have become ready by now. */
  arrivals(atMs: number): Arrival[] {
    const due = this.requests.filter((r) => r.readyAtMs <= atMs);
    for (const request of due) {
      this.requests.splice(this.requests.indexOf(request), 1);
      const batch = this.batches[request.batch];
      if (!batch) continue;
      batch.open -= 1;
      if (request.arrives) batch.got += 1;
      if (batch.open === 0) {
        const { askedAtMs, asked, got } = batch;
        this.ended.push({ askedAtMs, endedAtMs: atMs, asked, got });
      }
    }
    return due
      .filter((r) => r.arrives)
      .map(({ requestId, zone, askedAtMs }) => ({ requestId, zone: zone ?? '', askedAtMs }));
  }
}
