import {
  plannedFraction,
  renditionUnits,
  type CellForecast,
  type ChannelObservation,
  type DemandCurve,
  type EncoderObservation,
  type PendingEncoder,
  type Policy,
  type ProvisioningOutcome,
  type SessionInfo,
  type SwarmChange,
} from '../domain';
import { stepAt } from '../forecast';
import { NOWHERE, PlacementBook } from './book';
import { TotalDemand } from './capacity';
import { isUsable } from './constraints';
import { deservedRungs } from './demand';
import { WordTable } from './id-table';
import { toQuanta } from './quanta';

const isLive = ({ state }: SessionInfo): boolean => state !== 'failed' && state !== 'released';
const isPreparing = ({ state }: SessionInfo): boolean => state === 'starting' || state === 'holding';

const sessionsOf = (encoder: EncoderObservation | undefined): readonly SessionInfo[] =>
  encoder?.telemetry?.sessions ?? [];

/** Encoders whose word stands for the same thing may take over from each other without a discontinuity. */
const classWordOf = ({ compatibilityClass, buildDigest }: EncoderObservation): string =>
  compatibilityClass !== undefined ? `class ${compatibilityClass}` : `digest ${buildDigest ?? 'unknown'}`;

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

/** Reads what is observed of a swarm into a PlacementBook, and keeps that up to date. */
export class SwarmReader {
  readonly book: PlacementBook;
  readonly regions = new WordTable();
  readonly zones = new WordTable();
  private readonly classes = new WordTable();
  private readonly groups = new WordTable();
  /** By channel id: encoders with a session for it that is starting or holding. */
  private readonly preparing = new Map<string, number[]>();
  /** By encoder: live sessions, what sessions of unknown channels take, channels whose owner it is. */
  private liveSessions: number[] = [];
  private strangersTake: number[] = [];
  private ownedBy: number[][] = [];
  private readonly renewedUnits = new Map<string, DemandCurve>();
  /** By channel: its forecast as it is counted in the total. */
  private readonly countedCurves: (DemandCurve | undefined)[] = [];
  /** Null where the forecast has a total of its own, or there is none. */
  private readonly total: TotalDemand | null;
  atMs = 0;
  pendingEncoders: readonly PendingEncoder[] = [];
  provisioning: readonly ProvisioningOutcome[] = [];

  constructor(
    readonly forecast: CellForecast | null,
    private readonly policy: Policy,
  ) {
    this.book = new PlacementBook(1 + (forecast?.horizonSteps ?? 0));
    this.total = forecast && !forecast.totalUnits ? new TotalDemand(forecast.horizonSteps) : null;
  }

  /** Enters everything that changed. */
  read(change: SwarmChange): void {
    const { book } = this;
    this.setTime(change.atMs);
    if (change.pendingEncoders) this.pendingEncoders = change.pendingEncoders;
    if (change.provisioning) this.provisioning = change.provisioning;
    for (const [id, curve] of Object.entries(change.channelUnits ?? {})) this.renewedUnits.set(id, curve);

    const isFirst = book.channels.slotCount === 0;
    const touched = isFirst ? new Set<number>() : this.touchedBy(change);
    for (const channel of touched) this.unsettle(channel);

    for (const id of change.removedChannels ?? []) this.dropChannel(id);
    for (const id of change.removedEncoders ?? []) this.dropEncoder(id);
    // Looking up 100,000 ids costs as much as reading the channels: once is enough.
    const slots = this.addIds(change);
    for (const encoder of change.encoders ?? []) this.readEncoder(encoder);
    change.channels?.forEach((channel, i) => {
      const slot = slots[i] as number;
      if (!isFirst) touched.add(slot);
      this.readChannel(slot, channel);
    });
    for (const id of Object.keys(change.channelUnits ?? {})) {
      const slot = book.channels.slotOf(id);
      if (slot !== NOWHERE) this.writeNeeds(slot);
    }
    if (isFirst) for (let slot = 0; slot < book.channels.slotCount; slot++) this.settle(slot);
    else for (const slot of touched) if (book.channelSeen[slot]) this.settle(slot);
  }

  /** The forecast, with the demand of all channels together. */
  forecastOfTotal(): CellForecast | null {
    const { forecast, total } = this;
    return forecast && total ? { ...forecast, totalUnits: total.curve() } : forecast;
  }

  private setTime(atMs: number): void {
    const { book, forecast } = this;
    this.atMs = atMs;
    const firstStep = forecast ? Math.min(1 + stepAt(forecast, atMs), book.steps) : book.steps;
    if (firstStep === book.firstStep) return;
    book.firstStep = firstStep;
    for (let c = 0; c < book.channels.slotCount; c++)
      book.peakOf[c] = book.peakBetween(book.needs, c * book.steps);
    for (const e of book.encoders.inOrder()) book.peakOn[e] = book.peakBetween(book.sums, e * book.steps);
  }

  /** Channels that are on air elsewhere, or otherwise, for what changed. */
  private touchedBy(change: SwarmChange): Set<number> {
    const { book } = this;
    const touched = new Set<number>();
    const touchId = (id: string): void => {
      const slot = book.channels.slotOf(id);
      if (slot !== NOWHERE) touched.add(slot);
    };
    change.channels?.forEach(({ spec }) => touchId(spec.id));
    change.removedChannels?.forEach(touchId);
    Object.keys(change.channelUnits ?? {}).forEach(touchId);
    const arrived = new Set<string>();
    for (const encoder of change.encoders ?? []) {
      const slot = book.encoders.slotOf(encoder.id);
      if (slot === NOWHERE) arrived.add(encoder.id);
      else this.touchWithEncoder(slot, touched, touchId);
      for (const session of sessionsOf(encoder)) if (isPreparing(session)) touchId(session.channelId);
    }
    for (const id of change.removedEncoders ?? []) {
      const slot = book.encoders.slotOf(id);
      if (slot !== NOWHERE) this.touchWithEncoder(slot, touched, touchId);
    }
    if (arrived.size > 0) {
      for (let c = 0; c < book.channels.slotCount; c++) {
        const owner = book.channelSeen[c]?.owner;
        if (owner && arrived.has(owner.encoderId)) touched.add(c);
      }
    }
    return touched;
  }

  private touchWithEncoder(slot: number, touched: Set<number>, touchId: (id: string) => void): void {
    this.ownedBy[slot]?.forEach((c) => touched.add(c));
    for (const session of sessionsOf(this.book.encoderSeen[slot]))
      if (isPreparing(session)) touchId(session.channelId);
  }

  /** @returns slots of the change's channels, in their order */
  private addIds({ channels = [], encoders = [] }: SwarmChange): Int32Array {
    const { book } = this;
    for (const { id } of encoders) book.encoders.add(id);
    book.reserveEncoders(book.encoders.slotCount);
    const arrived: string[] = [];
    book.reserveChannels(book.channels.slotCount + (book.channels.size === 0 ? channels.length : 0));
    const slots = new Int32Array(channels.length);
    channels.forEach(({ spec }, i) => {
      const known = book.channels.size;
      const slot = (slots[i] = book.channels.add(spec.id));
      if (book.channels.size > known) {
        arrived.push(spec.id);
        book.reserveChannels(book.channels.slotCount);
        book.homeOf[slot] = book.leftFrom[slot] = book.groupOf[slot] = book.ownerOf[slot] = NOWHERE;
      }
    });
    this.recountStrangers(arrived);
    return slots;
  }

  private readEncoder(encoder: EncoderObservation): void {
    const { book } = this;
    const slot = book.encoders.slotOf(encoder.id);
    this.forgetPreparing(slot);
    book.encoderSeen[slot] = encoder;
    book.residentsOf[slot] ??= [];
    this.ownedBy[slot] ??= [];
    book.isStaying[slot] = encoder.reachable && !encoder.draining ? 1 : 0;
    book.isDraining[slot] = encoder.reachable && encoder.draining ? 1 : 0;
    book.isUsable[slot] = isUsable(encoder) ? 1 : 0;
    book.mostSessionsOf[slot] = encoder.maxSessions;
    book.capacityOf[slot] = toQuanta(encoder.capacityUnits);
    book.limitOf[slot] = toQuanta(encoder.capacityUnits * plannedFraction(this.policy));
    book.fullLimitOf[slot] = toQuanta(encoder.capacityUnits * this.policy.limitFraction);
    book.regionOf[slot] = this.regions.numberOf(encoder.region);
    book.zoneOf[slot] = this.zones.numberOf(encoder.zone);
    book.classOf[slot] = this.classes.numberOf(classWordOf(encoder));
    let live = 0;
    for (const session of sessionsOf(encoder)) {
      if (isLive(session)) live += 1;
      if (isPreparing(session) && encoder.reachable) addTo(this.preparing, session.channelId, slot);
    }
    this.liveSessions[slot] = live;
    this.countSessions(slot);
    this.countStrangers(slot);
  }

  private forgetPreparing(slot: number): void {
    for (const session of sessionsOf(this.book.encoderSeen[slot]))
      if (isPreparing(session)) removeFrom(this.preparing, session.channelId, slot);
  }

  private countSessions(slot: number): void {
    this.book.sessionsOn[slot] = Math.max(this.liveSessions[slot] ?? 0, this.ownedBy[slot]?.length ?? 0);
  }

  /** Sessions of channels that nobody knows take room now and at every step. */
  private countStrangers(slot: number): void {
    const { book } = this;
    let units = 0;
    for (const session of sessionsOf(book.encoderSeen[slot])) {
      if (isLive(session) && book.channels.slotOf(session.channelId) === NOWHERE)
        units += toQuanta(session.units);
    }
    const change = units - (this.strangersTake[slot] ?? 0);
    this.strangersTake[slot] = units;
    if (change === 0) return;
    book.occupiedOn[slot] = (book.occupiedOn[slot] as number) + change;
    book.encodedOn[slot] = (book.encodedOn[slot] as number) + change;
    const start = slot * book.steps;
    for (let k = start; k < start + book.steps; k++) book.sums[k] = (book.sums[k] as number) + change;
    book.peakOn[slot] = book.peakBetween(book.sums, start);
  }

  /** Channels came or went: their sessions are no longer, or from now on, those of strangers. */
  private recountStrangers(channelIds: readonly string[]): void {
    const { book } = this;
    if (channelIds.length === 0 || book.encoderSeen.length === 0) return;
    const changed = new Set(channelIds);
    for (const e of book.encoders.inOrder()) {
      if (sessionsOf(book.encoderSeen[e]).some((s) => changed.has(s.channelId))) this.countStrangers(e);
    }
  }

  private dropEncoder(id: string): void {
    const { book } = this;
    const slot = book.encoders.slotOf(id);
    if (slot === NOWHERE) return;
    this.forgetPreparing(slot);
    book.encoderSeen[slot] = undefined;
    this.liveSessions[slot] = 0;
    this.countStrangers(slot);
    this.ownedBy[slot] = [];
    book.encoders.remove(id);
  }

  private readChannel(slot: number, channel: ChannelObservation): void {
    const { book } = this;
    const { spec, moving, movedAtMs, rungs } = channel;
    book.channelSeen[slot] = channel;
    book.isMoving[slot] = moving ? 1 : 0;
    book.rungsNow[slot] = rungs;
    book.movedAtMs[slot] = movedAtMs ?? -Infinity;
    book.nearRegionOf[slot] = this.regions.numberOf(spec.region);
    book.hasRules[slot] = spec.placement === undefined ? 0 : 1;
    this.setGroup(slot, spec.placement?.redundancyGroup);
    this.writeNeeds(slot);
  }

  private setGroup(slot: number, name: string | undefined): void {
    const { book } = this;
    const group = name === undefined ? NOWHERE : this.groups.numberOf(name);
    const before = book.groupOf[slot] as number;
    if (group === before) return;
    if (before !== NOWHERE) book.groups[before] = (book.groups[before] ?? []).filter((c) => c !== slot);
    if (group !== NOWHERE) (book.groups[group] ??= []).push(slot);
    book.groupOf[slot] = group;
  }

  /** Takes a channel out of all loads, with the needs that it has with so many rungs. Whose it was stays known. */
  takeOut(slot: number, rungs: number): void {
    const owner = this.book.ownerOf[slot] as number;
    const sessions = owner === NOWHERE ? 0 : (this.book.sessionsOn[owner] as number);
    this.unsettle(slot);
    this.writeNeeds(slot, rungs);
    this.book.ownerOf[slot] = owner;
    if (owner !== NOWHERE) this.book.sessionsOn[owner] = sessions;
  }

  /** @param rungs to encode now; absent: as its audience deserves. Call only while the channel is not settled. */
  private writeNeeds(slot: number, rungs?: number): void {
    const { book, forecast } = this;
    const { steps, needs, totals } = book;
    const channel = book.channelSeen[slot] as ChannelObservation;
    const { spec } = channel;
    const wanted = rungs ?? deservedRungs(channel);
    const start = slot * steps;
    let now = 0;
    let encoded = 0;
    for (let rung = 0; rung < spec.ladder.length; rung++) {
      const rendition = spec.ladder[rung];
      if (!rendition || (rung >= wanted && rung >= channel.rungs)) break;
      const units = renditionUnits(rendition, spec.framesPerSecond);
      if (rung < wanted) now += units;
      if (rung < channel.rungs) encoded += units;
    }
    book.rungsOf[slot] = wanted;
    book.encodedOf[slot] = toQuanta(encoded);
    const nowQuanta = toQuanta(now);
    // A channel that the forecast doesn't know goes on as it is.
    const curve = this.renewedUnits.get(spec.id) ?? forecast?.channelUnits[spec.id];
    this.countInTotal(slot, curve);
    for (let k = 0; k < steps; k++) {
      const upcoming = k === 0 ? undefined : curve?.p90[k - 1];
      const units = upcoming === undefined ? nowQuanta : toQuanta(upcoming);
      totals[k] = (totals[k] as number) + units - (needs[start + k] as number);
      needs[start + k] = units;
    }
    book.peakOf[slot] = book.peakBetween(needs, start);
  }

  private countInTotal(slot: number, curve: DemandCurve | undefined): void {
    const before = this.countedCurves[slot];
    if (!this.total || before === curve) return;
    if (before) this.total.add(before, -1);
    if (curve) this.total.add(curve, 1);
    this.countedCurves[slot] = curve;
  }

  private dropChannel(id: string): void {
    const { book } = this;
    const slot = book.channels.slotOf(id);
    if (slot === NOWHERE) return;
    this.setGroup(slot, undefined);
    this.countInTotal(slot, undefined);
    const start = slot * book.steps;
    for (let k = 0; k < book.steps; k++) {
      book.totals[k] = (book.totals[k] as number) - (book.needs[start + k] as number);
      book.needs[start + k] = 0;
    }
    book.channelSeen[slot] = undefined;
    book.isWaiting[slot] = 0;
    this.renewedUnits.delete(id);
    book.channels.remove(id);
    this.recountStrangers([id]);
  }

  /** Nobody encodes it: no owner, or an owner that does not answer or no longer has the session. */
  private isLost(channel: ChannelObservation, owner: number): boolean {
    if (!channel.owner || owner === NOWHERE) return true;
    const encoder = this.book.encoderSeen[owner] as EncoderObservation;
    if (!encoder.reachable) return true;
    const { sessionId } = channel.owner;
    const sessions = encoder.telemetry?.sessions;
    return sessions !== undefined && !sessions.some((s) => s.sessionId === sessionId && isLive(s));
  }

  /** Encoder that prepares a session for a channel that another one owns: the first by id. */
  private destinationOf(channel: ChannelObservation, owner: number): number {
    const { encoders } = this.book;
    let first = NOWHERE;
    if (this.preparing.size === 0) return first;
    for (const e of this.preparing.get(channel.spec.id) ?? []) {
      if (e !== owner && (first === NOWHERE || encoders.compare(e, first) < 0)) first = e;
    }
    return first;
  }

  /** Enters where a channel is, or is going, in the loads of those encoders. */
  private settle(slot: number): void {
    const { book } = this;
    const channel = book.channelSeen[slot] as ChannelObservation;
    const owner = channel.owner ? book.encoders.slotOf(channel.owner.encoderId) : NOWHERE;
    const destination = this.destinationOf(channel, owner);
    const lost = this.isLost(channel, owner);
    book.ownerOf[slot] = owner;
    if (owner !== NOWHERE) {
      (this.ownedBy[owner] as number[]).push(slot);
      this.countSessions(owner);
    }
    book.isWaiting[slot] = lost && destination === NOWHERE ? 1 : 0;
    const home = destination !== NOWHERE ? destination : lost ? NOWHERE : owner;
    if (home !== NOWHERE) {
      book.rehome(slot, home);
      this.occupy(home, slot, 1);
    }
    if (destination !== NOWHERE && !lost) {
      book.leftFrom[slot] = owner;
      this.occupy(owner, slot, 1);
    }
  }

  /** Takes a channel out of all loads. */
  private unsettle(slot: number): void {
    const { book } = this;
    const home = book.homeOf[slot] as number;
    if (home !== NOWHERE) {
      book.rehome(slot, NOWHERE);
      this.occupy(home, slot, -1);
    }
    const left = book.leftFrom[slot] as number;
    if (left !== NOWHERE) {
      this.occupy(left, slot, -1);
      book.leftFrom[slot] = NOWHERE;
    }
    const owner = book.ownerOf[slot] as number;
    if (owner !== NOWHERE) {
      this.ownedBy[owner] = (this.ownedBy[owner] as number[]).filter((c) => c !== slot);
      this.countSessions(owner);
      book.ownerOf[slot] = NOWHERE;
    }
  }

  private occupy(encoder: number, channel: number, sign: 1 | -1): void {
    const { book } = this;
    book.occupiedOn[encoder] = (book.occupiedOn[encoder] as number) + sign * book.occupancyOf(channel);
    book.encodedOn[encoder] =
      (book.encodedOn[encoder] as number) + sign * (book.encodedOf[channel] as number);
  }
}
