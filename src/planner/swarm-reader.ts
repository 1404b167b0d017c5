import {
  plannedFraction,
  type CellForecast,
  type ChannelObservation,
  type EncoderObservation,
  type PendingEncoder,
  type Policy,
  type ProvisioningOutcome,
  type SwarmChange,
} from '../domain';
import { stepAt } from '../forecast';
import { NOWHERE, PlacementBook } from './book';
import { ChannelNeeds } from './channel-needs';
import { isUsable } from './constraints';
import { WordTable } from './id-table';
import { Placements } from './placements';
import { toQuanta } from './quanta';
import { isPreparing, sessionsOf } from './sessions';
import { UnknownSessions } from './unknown-sessions';

/** Encoders whose word stands for the same thing may take over from each other without a discontinuity. */
const classWordOf = ({ compatibilityClass, buildDigest }: EncoderObservation): string =>
  compatibilityClass !== undefined ? `class ${compatibilityClass}` : `digest ${buildDigest ?? 'unknown'}`;

/** Reads what is observed of a swarm into a PlacementBook, and keeps that up to date. */
export class SwarmReader {
  readonly book: PlacementBook;
  readonly regions = new WordTable();
  readonly zones = new WordTable();
  private readonly classes = new WordTable();
  private readonly groups = new WordTable();
  readonly placements: Placements;
  private readonly needs: ChannelNeeds;
  private readonly unknown: UnknownSessions;
  atMs = 0;
  pendingEncoders: readonly PendingEncoder[] = [];
  provisioning: readonly ProvisioningOutcome[] = [];

  constructor(
    readonly forecast: CellForecast | null,
    private readonly policy: Policy,
  ) {
    this.book = new PlacementBook(1 + (forecast?.horizonSteps ?? 0));
    this.needs = new ChannelNeeds(this.book, forecast);
    this.placements = new Placements(this.book, this.needs);
    this.unknown = new UnknownSessions(this.book);
  }

  /** Enters everything that changed. */
  read(change: SwarmChange): void {
    const { book } = this;
    this.setTime(change.atMs);
    if (change.pendingEncoders) this.pendingEncoders = change.pendingEncoders;
    if (change.provisioning) this.provisioning = change.provisioning;
    this.needs.renew(change.channelUnits ?? {});

    const isFirst = book.channels.slotCount === 0;
    const touched = isFirst ? new Set<number>() : this.touchedBy(change);
    for (const channel of touched) this.placements.remove(channel);

    for (const id of change.removedChannels ?? []) this.dropChannel(id);
    for (const id of change.removedEncoders ?? []) this.dropEncoder(id);
    // Looking up 100,000 ids costs as much as reading the channels: once is enough.
    const slots = this.addIds(change);
    for (const encoder of change.encoders ?? []) this.readEncoder(encoder);
    change.channels?.forEach((channel, i) => {
      const slot = slots[i]!;
      if (!isFirst) touched.add(slot);
      this.readChannel(slot, channel);
    });
    for (const id of Object.keys(change.channelUnits ?? {})) {
      const slot = book.channels.slotOf(id);
      if (slot !== NOWHERE) this.needs.write(slot);
    }
    if (isFirst) for (let slot = 0; slot < book.channels.slotCount; slot++) this.placements.place(slot);
    else for (const slot of touched) if (book.channelSeen[slot]) this.placements.place(slot);
  }

  /** The forecast, with the demand of all channels together. */
  forecastOfTotal(): CellForecast | null {
    return this.needs.forecastOfTotal();
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
    this.placements.ownedOn(slot).forEach((c) => touched.add(c));
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
    this.unknown.recount(arrived);
    return slots;
  }

  private readEncoder(encoder: EncoderObservation): void {
    const { book } = this;
    const slot = book.encoders.slotOf(encoder.id);
    this.placements.forgetEncoder(slot);
    book.encoderSeen[slot] = encoder;
    book.residentsOf[slot] ??= [];
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
    this.placements.readEncoder(slot, encoder);
    this.unknown.count(slot);
  }

  private dropEncoder(id: string): void {
    const { book } = this;
    const slot = book.encoders.slotOf(id);
    if (slot === NOWHERE) return;
    this.placements.dropEncoder(slot);
    book.encoderSeen[slot] = undefined;
    this.unknown.count(slot);
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
    this.needs.write(slot);
  }

  private setGroup(slot: number, name: string | undefined): void {
    const { book } = this;
    const group = name === undefined ? NOWHERE : this.groups.numberOf(name);
    const before = book.groupOf[slot]!;
    if (group === before) return;
    if (before !== NOWHERE) book.groups[before] = (book.groups[before] ?? []).filter((c) => c !== slot);
    if (group !== NOWHERE) (book.groups[group] ??= []).push(slot);
    book.groupOf[slot] = group;
  }

  private dropChannel(id: string): void {
    const { book } = this;
    const slot = book.channels.slotOf(id);
    if (slot === NOWHERE) return;
    this.setGroup(slot, undefined);
    this.needs.drop(slot, id);
    book.channelSeen[slot] = undefined;
    book.isWaiting[slot] = 0;
    book.channels.remove(id);
    this.unknown.recount([id]);
  }
}
