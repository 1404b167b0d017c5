import type { ChannelObservation, EncoderObservation } from '../domain';
import type { ChannelNeeds } from './channel-needs';
import { NOWHERE, type PlacementTable } from './placement-table';
import { isLive, isPreparing, sessionsOf } from './sessions';

const addTo = (map: Map<string, number[]>, key: string, value: number): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};

const removeFrom = (map: Map<string, number[]>, key: string, value: number): void => {
  const left = map.get(key)?.filter((other) => other !== value) ?? [];
  if (left.length > 0) map.set(key, left);
  else map.delete(key);
};

/**
 * Keeps the loads of a PlacementTable: enters each channel at the encoders where it is or is going, and takes it out
 * again before what is known of it changes.
 */
export class Placements {
  /** By channel id: encoders with a session for it that is starting or holding. */
  private readonly preparing = new Map<string, number[]>();
  /** By encoder: live sessions, channels whose owner it is. */
  private readonly liveSessions: number[] = [];
  private readonly ownedBy: number[][] = [];

  constructor(
    private readonly table: PlacementTable,
    private readonly needs: ChannelNeeds,
  ) {}

  /** Channels whose owner an encoder is. */
  ownedOn(encoder: number): readonly number[] {
    return this.ownedBy[encoder] ?? [];
  }

  /** Takes note of the sessions of an encoder. Call forgetEncoder before, with what was known of it. */
  readEncoder(slot: number, encoder: EncoderObservation): void {
    this.ownedBy[slot] ??= [];
    let live = 0;
    for (const session of sessionsOf(encoder)) {
      if (isLive(session)) live += 1;
      if (isPreparing(session) && encoder.reachable) addTo(this.preparing, session.channelId, slot);
    }
    this.liveSessions[slot] = live;
    this.countSessions(slot);
  }

  /** Forgets the sessions that were seen on an encoder. */
  forgetEncoder(slot: number): void {
    for (const session of sessionsOf(this.table.encoderSeen[slot]))
      if (isPreparing(session)) removeFrom(this.preparing, session.channelId, slot);
  }

  /** An encoder has left. Its channels must have been taken out. */
  dropEncoder(slot: number): void {
    this.forgetEncoder(slot);
    this.liveSessions[slot] = 0;
    this.ownedBy[slot] = [];
  }

  /** Enters where a channel is, or is going, in the loads of those encoders. */
  place(slot: number): void {
    const { table } = this;
    const channel = table.channelSeen[slot]!;
    const owner = channel.owner ? table.encoders.slotOf(channel.owner.encoderId) : NOWHERE;
    const destination = this.destinationOf(channel, owner);
    const lost = this.isLost(channel, owner);
    table.ownerOf[slot] = owner;
    if (owner !== NOWHERE) {
      this.ownedBy[owner]!.push(slot);
      this.countSessions(owner);
    }
    table.isWaiting[slot] = lost && destination === NOWHERE ? 1 : 0;
    const home = destination !== NOWHERE ? destination : lost ? NOWHERE : owner;
    if (home !== NOWHERE) {
      table.rehome(slot, home);
      this.occupy(home, slot, 1);
    }
    if (destination !== NOWHERE && !lost) {
      table.leftFrom[slot] = owner;
      this.occupy(owner, slot, 1);
    }
  }

  /** Takes a channel out of all loads. */
  remove(slot: number): void {
    const { table } = this;
    const home = table.homeOf[slot]!;
    if (home !== NOWHERE) {
      table.rehome(slot, NOWHERE);
      this.occupy(home, slot, -1);
    }
    const left = table.leftFrom[slot]!;
    if (left !== NOWHERE) {
      this.occupy(left, slot, -1);
      table.leftFrom[slot] = NOWHERE;
    }
    const owner = table.ownerOf[slot]!;
    if (owner !== NOWHERE) {
      this.ownedBy[owner] = this.ownedBy[owner]!.filter((c) => c !== slot);
      this.countSessions(owner);
      table.ownerOf[slot] = NOWHERE;
    }
  }

  /** Takes a channel out of all loads, with the needs that it has with this many rungs. Whose it was stays known. */
  removeWith(slot: number, rungs: number): void {
    const owner = this.table.ownerOf[slot]!;
    const sessions = owner === NOWHERE ? 0 : this.table.sessionsOn[owner]!;
    this.remove(slot);
    this.needs.write(slot, rungs);
    this.table.ownerOf[slot] = owner;
    if (owner !== NOWHERE) this.table.sessionsOn[owner] = sessions;
  }

  /** Nobody encodes it: no owner, or an owner that does not answer or no longer has the session. */
  private isLost(channel: ChannelObservation, owner: number): boolean {
    if (!channel.owner || owner === NOWHERE) return true;
    const encoder = this.table.encoderSeen[owner]!;
    if (!encoder.reachable) return true;
    const { sessionId } = channel.owner;
    const sessions = encoder.telemetry?.sessions;
    return sessions !== undefined && !sessions.some((s) => s.sessionId === sessionId && isLive(s));
  }

  /** Encoder that prepares a session for a channel that another one owns: the first by id. */
  private destinationOf(channel: ChannelObservation, owner: number): number {
    const { encoders } = this.table;
    let first = NOWHERE;
    if (this.preparing.size === 0) return first;
    for (const e of this.preparing.get(channel.spec.id) ?? []) {
      if (e !== owner && (first === NOWHERE || encoders.compare(e, first) < 0)) first = e;
    }
    return first;
  }

  private countSessions(slot: number): void {
    this.table.sessionsOn[slot] = Math.max(this.liveSessions[slot] ?? 0, this.ownedBy[slot]?.length ?? 0);
  }

  private occupy(encoder: number, channel: number, sign: 1 | -1): void {
    const { table } = this;
    table.occupiedOn[encoder]! += sign * table.occupancyOf(channel);
    table.encodedOn[encoder]! += sign * table.encodedOf[channel]!;
  }
}
