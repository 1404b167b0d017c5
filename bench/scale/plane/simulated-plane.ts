import { SwarmError, ticksToMs, type ChannelSpec, type Owner } from '../../../src/domain';
import { SimulatedChannel } from './simulated-channel';
import { SimulatedEncoder, type SimulatedEncoderOptions } from './simulated-encoder';

type Registered = Pick<ChannelSpec, 'id' | 'gopDurationTicks' | 'framesPerSecond'>;

/** A channel that is on air from the beginning has been so for as long as a ring. */
const ON_AIR_GOPS = 30;

/** Relay, origin, source and encoders of a cell in one process, without media. */
export class SimulatedPlane {
  readonly startedAtMs = Date.now();
  private readonly byId = new Map<string, SimulatedChannel>();
  private readonly encoders = new Map<string, SimulatedEncoder>();

  get size(): number {
    return this.byId.size;
  }

  channels(): SimulatedChannel[] {
    return [...this.byId.values()];
  }

  /** @throws SwarmError unknown-channel */
  channel(id: string): SimulatedChannel {
    const channel = this.byId.get(id);
    if (channel) return channel;
    throw new SwarmError('unknown-channel', `The simulated data plane has no channel ${id}.`);
  }

  /** Adds a channel, whose GOPs begin at a moment of their own: real inputs do not either begin together. */
  register(spec: Registered): SimulatedChannel {
    const known = this.byId.get(spec.id);
    if (known) return known;
    const gopMs = ticksToMs(spec.gopDurationTicks);
    const phaseMs = (this.byId.size * 37) % gopMs;
    const epochMs = this.startedAtMs - ON_AIR_GOPS * gopMs - phaseMs;
    const channel = new SimulatedChannel(spec, epochMs, (owner, token) => this.publishes(owner, token));
    this.byId.set(spec.id, channel);
    return channel;
  }

  remove(id: string): void {
    this.byId.delete(id);
  }

  addEncoder(options: Omit<SimulatedEncoderOptions, 'channel'>): SimulatedEncoder {
    const encoder = new SimulatedEncoder({ ...options, channel: (id) => this.channel(id) });
    this.encoders.set(options.id, encoder);
    return encoder;
  }

  /** Has an encoder publish a channel, as after its first placement. @returns the owner */
  putOnAir(spec: ChannelSpec, encoderId: string): { owner: Owner; token: number } {
    const channel = this.register(spec);
    const owner = { encoderId, sessionId: `recovery/${spec.id}/1` };
    const encoder = this.encoders.get(encoderId);
    if (!encoder) throw new SwarmError('unknown-encoder', `There is no encoder ${encoderId}.`);
    const { gopDurationTicks, framesPerSecond, ladder } = spec;
    encoder.prepare({
      ...{ sessionId: owner.sessionId, channelId: spec.id, gopDurationTicks, framesPerSecond },
      ...{ feedUrl: 'http://127.0.0.1/feed', originUrl: 'http://127.0.0.1' },
      renditions: [...ladder],
      fromGop: 0,
    });
    const nowMs = Date.now();
    const request = { requestId: 'start', expectToken: channel.token, owner, fromGop: 0 };
    const { token, firstGop } = channel.own(request, nowMs);
    encoder.commit(owner.sessionId, token, firstGop);
    return { owner, token };
  }

  private publishes({ encoderId, sessionId }: Owner, token: number): number | undefined {
    return this.encoders.get(encoderId)?.publishesFrom(sessionId, token);
  }
}
