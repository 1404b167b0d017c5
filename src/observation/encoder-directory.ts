import type { EncoderClient } from '../contracts/encoder/client';
import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError } from '../domain';
import type { FleetProvider } from '../fleet/provider';
import { withinOrNull } from '../platform/deadline';
import { deadlinesMs } from './deadlines';

/** The calls of the encoder client that decisions and moves make; refusals are SwarmErrors. */
export type EncoderCalls = Pick<
  EncoderClient,
  'describe' | 'telemetry' | 'prepare' | 'session' | 'awaitReady' | 'commit' | 'release'
>;

/** For so long a list of the fleet is taken as it is. */
const FRESH_MS = 2_000;

/**
 * Knows where each encoder answers. A fleet agent that is silent costs at most one short wait: the last
 * list stays good, since an encoder keeps its address for life.
 */
export class EncoderDirectory {
  private known = new Map<string, FleetEncoder>();
  private listedAtMs = 0;
  private listing: Promise<void> | undefined;

  constructor(
    private readonly fleet: Pick<FleetProvider, 'list'>,
    private readonly clientFor: (grpcAddress: string) => EncoderCalls,
  ) {}

  /** Encoders that should answer: every one of the fleet that is not stopped. */
  async list(): Promise<FleetEncoder[]> {
    if (Date.now() - this.listedAtMs > FRESH_MS) await this.refresh();
    return [...this.known.values()].filter((encoder) => encoder.state !== 'stopped');
  }

  /** Asks the fleet again, whatever the age of the last list. */
  async refresh(): Promise<void> {
    this.listing ??= this.fetchList().finally(() => {
      this.listing = undefined;
    });
    await withinOrNull(deadlinesMs.fleet, this.listing);
  }

  /** @throws SwarmError unknown-encoder */
  async client(encoderId: string): Promise<EncoderCalls> {
    if (!this.known.has(encoderId)) await this.refresh();
    const encoder = this.known.get(encoderId);
    if (!encoder && this.known.size === 0) {
      throw new SwarmError('unavailable', 'The fleet has not said yet which encoders there are.');
    }
    if (!encoder) {
      throw new SwarmError(
        'unknown-encoder',
        `No encoder ${encoderId} in this swarm; it has ${[...this.known.keys()].join(', ')}.`,
        'Name one of those listed by `encoder-swarm status`.',
      );
    }
    return this.clientFor(encoder.grpcAddress);
  }

  private async fetchList(): Promise<void> {
    try {
      const encoders = await this.fleet.list();
      this.known = new Map(encoders.map((encoder) => [encoder.id, encoder]));
      this.listedAtMs = Date.now();
    } catch {
      // The last list stays in use, and is asked for again after FRESH_MS; without one, at the next call.
      if (this.known.size > 0) this.listedAtMs = Date.now();
    }
  }
}
