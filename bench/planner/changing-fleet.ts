import {
  shuffled,
  type ChannelObservation,
  type DemandCurve,
  type EncoderObservation,
  type Move,
  type Plan,
  type SwarmChange,
  type SwarmSnapshot,
} from '../../src/domain';
import { changedAudience, withSessions } from './instances';

const CYCLE_MS = 10_000;

/** A fleet on which plans are carried out and audiences change: what a control loop would see of it next. */
export class ChangingFleet {
  private readonly channels: Map<string, ChannelObservation>;
  private readonly encoders: Map<string, EncoderObservation>;
  private readonly owned = new Map<string, Set<string>>();
  private readonly leaving = new Set<string>();
  private readonly disturbed = new Set<string>();
  private atMs: number;

  constructor(
    snapshot: SwarmSnapshot,
    private readonly horizonSteps: number,
    private readonly random: () => number,
  ) {
    this.atMs = snapshot.atMs;
    this.channels = new Map(snapshot.channels.map((c) => [c.spec.id, c]));
    this.encoders = new Map(snapshot.encoders.map((e) => [e.id, e]));
    for (const { id } of snapshot.encoders) this.owned.set(id, new Set());
    for (const { spec, owner } of snapshot.channels) this.owned.get(owner?.encoderId ?? '')?.add(spec.id);
  }

  get encodersUsed(): number {
    return [...this.owned.values()].filter((channels) => channels.size > 0).length;
  }

  /** The whole of it at this moment: what a planner without books would be given. */
  get snapshot(): SwarmSnapshot {
    const { atMs } = this;
    return {
      cell: 'bench',
      atMs,
      encoders: [...this.encoders.values()],
      channels: [...this.channels.values()],
    };
  }

  /** Something happens to an encoder; reported with the next change. */
  disturb(id: string, what: Partial<Pick<EncoderObservation, 'reachable' | 'cordoned' | 'draining'>>): void {
    this.encoders.set(id, { ...(this.encoders.get(id) as EncoderObservation), ...what });
    this.disturbed.add(id);
  }

  /** Carries out a plan, changes the audience of a share of the channels; @returns what is new */
  next({ moves, scale }: Plan, changedShare: number): SwarmChange {
    this.atMs += CYCLE_MS;
    const touched = new Set<string>(this.disturbed);
    this.disturbed.clear();
    const changed = new Set<string>();
    const channelUnits: Record<string, DemandCurve> = {};
    for (const move of moves) this.carryOut(move, touched, changed);
    const count = Math.ceil(changedShare * this.channels.size);
    for (const id of count > 0 ? shuffled([...this.channels.keys()], this.random).slice(0, count) : []) {
      const { channel, curve } = changedAudience(
        this.channels.get(id) as ChannelObservation,
        this.horizonSteps,
        this.random,
      );
      this.channels.set(id, channel);
      channelUnits[id] = curve;
      changed.add(id);
      if (channel.owner) touched.add(channel.owner.encoderId);
    }
    const gone = this.letGo(scale, touched);
    return {
      atMs: this.atMs,
      channels: [...changed].map((id) => this.channels.get(id) as ChannelObservation),
      encoders: [...touched].map((id) => this.observed(id)),
      removedEncoders: gone,
      channelUnits,
    };
  }

  /** An encoder that is released drains, and is gone when it is empty; @returns those that are gone now */
  private letGo(scale: Plan['scale'], touched: Set<string>): string[] {
    if (scale.kind === 'deprovision') this.leaving.add(scale.encoderId);
    const gone: string[] = [];
    for (const id of this.leaving) {
      if (this.owned.get(id)?.size) {
        this.encoders.set(id, {
          ...(this.encoders.get(id) as EncoderObservation),
          cordoned: true,
          draining: true,
        });
        touched.add(id);
        continue;
      }
      gone.push(id);
      this.leaving.delete(id);
      this.encoders.delete(id);
      this.owned.delete(id);
      touched.delete(id);
    }
    return gone;
  }

  private carryOut(
    { channelId, fromEncoderId, toEncoderId, rungs }: Move,
    touched: Set<string>,
    changed: Set<string>,
  ): void {
    const channel = this.channels.get(channelId) as ChannelObservation;
    const owner = { encoderId: toEncoderId, sessionId: `${channelId}-${this.atMs}` };
    const movedAtMs = this.atMs;
    this.channels.set(channelId, { ...channel, owner, rungs, token: channel.token + 1, movedAtMs });
    this.owned.get(fromEncoderId ?? '')?.delete(channelId);
    this.owned.get(toEncoderId)?.add(channelId);
    for (const id of [fromEncoderId, toEncoderId]) if (id !== null) touched.add(id);
    changed.add(channelId);
  }

  private observed(id: string): EncoderObservation {
    const owned = [...(this.owned.get(id) ?? [])].map((c) => this.channels.get(c) as ChannelObservation);
    const encoder = withSessions(this.encoders.get(id) as EncoderObservation, owned, this.atMs);
    this.encoders.set(id, encoder);
    return encoder;
  }
}
