import type { EncoderClient } from '../contracts/encoder/client';
import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError } from '../domain';
import type { PartReadings } from './part-readings';

/** The calls of the encoder client that decisions and moves make; refusals are SwarmErrors. */
export type EncoderCalls = Pick<
  EncoderClient,
  'describe' | 'telemetry' | 'prepare' | 'session' | 'awaitReady' | 'commit' | 'release'
>;

/**
 * Knows where each encoder answers. A fleet agent that is silent costs at most one short wait: the last
 * list stays valid, since an encoder keeps its address for life.
 */
export class EncoderDirectory {
  constructor(
    private readonly readings: Pick<PartReadings, 'fleet'>,
    private readonly clientFor: (grpcAddress: string) => EncoderCalls,
  ) {}

  /** Encoders that should answer: every one of the fleet that is not stopped. */
  async list(): Promise<FleetEncoder[]> {
    const { fleet } = this.readings;
    // Without any list yet there is nothing else to go by.
    const { value } = await fleet.get({ insists: fleet.last.value === null });
    return (value ?? []).filter((encoder) => encoder.state !== 'stopped');
  }

  /** Asks the fleet again, whatever the age of the last list. */
  async refresh(): Promise<void> {
    await this.readings.fleet.now();
  }

  /** @throws SwarmError unknown-encoder */
  async client(encoderId: string): Promise<EncoderCalls> {
    const isAsked = (encoder: FleetEncoder): boolean => encoder.id === encoderId;
    if (!this.known.some(isAsked)) await this.refresh();
    const { known } = this;
    const encoder = known.find(isAsked);
    if (!encoder && known.length === 0) {
      throw new SwarmError('unavailable', 'The fleet has not said yet which encoders there are.');
    }
    if (!encoder) {
      throw new SwarmError(
        'unknown-encoder',
        `No encoder ${encoderId} in this swarm; it has ${known.map(({ id }) => id).join(', ')}.`,
        'Name one of those listed by `encoder-swarm status`.',
      );
    }
    return this.clientFor(encoder.grpcAddress);
  }

  private get known(): FleetEncoder[] {
    return this.readings.fleet.last.value ?? [];
  }
}
