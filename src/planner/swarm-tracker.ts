import {
  hasBasics,
  isForEveryHost,
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
import { ChannelNeeds } from './channel-needs';
import { isUsable } from './constraints';
import { WordTable } from './id-table';
import { NOWHERE, PlacementTable } from './placement-table';
import { Placements } from './placements';
import { toQuanta } from './quanta';
import { isPreparing, sessionsOf } from './sessions';
import { UnknownSessions } from './unknown-sessions';

/** Encoders whose word stands for the same thing may take over from each other without a discontinuity. */
const classWordOf = ({ compatibilityClass, buildDigest }: EncoderObservation): string =>
  compatibilityClass !== undefined ? `class ${compatibilityClass}` : `digest ${buildDigest ?? 'unknown'}`;

/** Keeps a PlacementTable up to date with what is observed of a swarm. */
export class SwarmTracker {
  readonly table: PlacementTable;
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
    this.table = new PlacementTable(1 + (forecast?.horizonSteps ?? 0));
    this.needs = new ChannelNeeds(this.table, forecast);
    this.placements = new Placements(this.table, this.needs);
    this.unknown = new UnknownSessions(this.table);
  }

  /** Enters everything that changed. */
  read(change: SwarmChange): void {
    const { table } = this;
    this.setTime(change.atMs);
    if (change.pendingEncoders) this.pendingEncoders = change.pendingEncoders;
    if (change.provisioning) this.provisioning = change.provisioning;
    this.needs.renew(change.channelUnits ?? {});

    const isFirst = table.channels.slotCount === 0;
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
      const slot = table.channels.slotOf(id);
      if (slot !== NOWHERE) this.needs.write(slot);
    }
    if (isFirst) for (let slot = 0; slot < table.channels.slotCount; slot++) this.placements.place(slot);
    else for (const slot of touched) if (table.channelSeen[slot]) this.placements.place(slot);
  }

  /** The forecast, with the demand of all channels together. */
  forecastOfTotal(): CellForecast | null {
    return this.needs.forecastOfTotal();
  }

  private setTime(atMs: number): void {
    const { table, forecast } = this;
    this.atMs = atMs;
    const firstStep = forecast ? Math.min(1 + stepAt(forecast, atMs), table.steps) : table.steps;
    if (firstStep === table.firstStep) return;
    table.firstStep = firstStep;
    for (let c = 0; c < table.channels.slotCount; c++)
      table.peakOf[c] = table.peakBetween(table.needs, c * table.steps);
    for (const e of table.encoders.inOrder())
      table.peakOn[e] = table.peakBetween(table.sums, e * table.steps);
  }

  /** Channels that are on air elsewhere, or otherwise, for what changed. */
  private touchedBy(change: SwarmChange): Set<number> {
    const { table } = this;
    const touched = new Set<number>();
    const touchId = (id: string): void => {
      const slot = table.channels.slotOf(id);
      if (slot !== NOWHERE) touched.add(slot);
    };
    change.channels?.forEach(({ spec }) => touchId(spec.id));
    change.removedChannels?.forEach(touchId);
    Object.keys(change.channelUnits ?? {}).forEach(touchId);
    const arrived = new Set<string>();
    for (const encoder of change.encoders ?? []) {
      const slot = table.encoders.slotOf(encoder.id);
      if (slot === NOWHERE) arrived.add(encoder.id);
      else this.touchWithEncoder(slot, touched, touchId);
      for (const session of sessionsOf(encoder)) if (isPreparing(session)) touchId(session.channelId);
    }
    for (const id of change.removedEncoders ?? []) {
      const slot = table.encoders.slotOf(id);
      if (slot !== NOWHERE) this.touchWithEncoder(slot, touched, touchId);
    }
    if (arrived.size > 0) {
      for (let c = 0; c < table.channels.slotCount; c++) {
        const owner = table.channelSeen[c]?.owner;
        if (owner && arrived.has(owner.encoderId)) touched.add(c);
      }
    }
    return touched;
  }

  private touchWithEncoder(slot: number, touched: Set<number>, touchId: (id: string) => void): void {
    this.placements.ownedOn(slot).forEach((c) => touched.add(c));
    for (const session of sessionsOf(this.table.encoderSeen[slot]))
      if (isPreparing(session)) touchId(session.channelId);
  }

  /** @returns slots of the change's channels, in their order */
  private addIds({ channels = [], encoders = [] }: SwarmChange): Int32Array {
    const { table } = this;
    for (const { id } of encoders) table.encoders.add(id);
    table.reserveEncoders(table.encoders.slotCount);
    const arrived: string[] = [];
    table.reserveChannels(table.channels.slotCount + (table.channels.size === 0 ? channels.length : 0));
    const slots = new Int32Array(channels.length);
    channels.forEach(({ spec }, i) => {
      const known = table.channels.size;
      const slot = (slots[i] = table.channels.add(spec.id));
      if (table.channels.size > known) {
        arrived.push(spec.id);
        table.reserveChannels(table.channels.slotCount);
        table.homeOf[slot] = table.leftFrom[slot] = table.groupOf[slot] = table.ownerOf[slot] = NOWHERE;
      }
    });
    this.unknown.recount(arrived);
    return slots;
  }

  private readEncoder(encoder: EncoderObservation): void {
    const { table } = this;
    const slot = table.encoders.slotOf(encoder.id);
    this.placements.forgetEncoder(slot);
    table.encoderSeen[slot] = encoder;
    table.residentsOf[slot] ??= [];
    table.isStaying[slot] = encoder.reachable && !encoder.draining ? 1 : 0;
    table.isDraining[slot] = encoder.reachable && encoder.draining ? 1 : 0;
    table.isUsable[slot] = isUsable(encoder) ? 1 : 0;
    table.lacksBasics[slot] = hasBasics(encoder) ? 0 : 1;
    table.mostSessionsOf[slot] = encoder.maxSessions;
    table.capacityOf[slot] = toQuanta(encoder.capacityUnits);
    table.limitOf[slot] = toQuanta(encoder.capacityUnits * plannedFraction(this.policy));
    table.fullLimitOf[slot] = toQuanta(encoder.capacityUnits * this.policy.limitFraction);
    table.regionOf[slot] = this.regions.numberOf(encoder.region);
    table.zoneOf[slot] = this.zones.numberOf(encoder.zone);
    table.classOf[slot] = this.classes.numberOf(classWordOf(encoder));
    this.placements.readEncoder(slot, encoder);
    this.unknown.count(slot);
  }

  private dropEncoder(id: string): void {
    const { table } = this;
    const slot = table.encoders.slotOf(id);
    if (slot === NOWHERE) return;
    this.placements.dropEncoder(slot);
    table.encoderSeen[slot] = undefined;
    this.unknown.count(slot);
    table.encoders.remove(id);
  }

  private readChannel(slot: number, channel: ChannelObservation): void {
    const { table } = this;
    const { spec, moving, movedAtMs, rungs } = channel;
    table.channelSeen[slot] = channel;
    table.isMoving[slot] = moving ? 1 : 0;
    table.rungsNow[slot] = rungs;
    table.movedAtMs[slot] = movedAtMs ?? -Infinity;
    table.nearRegionOf[slot] = this.regions.numberOf(spec.region);
    table.hasRules[slot] = spec.placement === undefined && isForEveryHost(spec.ladder) ? 0 : 1;
    this.setGroup(slot, spec.placement?.redundancyGroup);
    this.needs.write(slot);
  }

  private setGroup(slot: number, name: string | undefined): void {
    const { table } = this;
    const group = name === undefined ? NOWHERE : this.groups.numberOf(name);
    const before = table.groupOf[slot]!;
    if (group === before) return;
    if (before !== NOWHERE) table.groups[before] = (table.groups[before] ?? []).filter((c) => c !== slot);
    if (group !== NOWHERE) (table.groups[group] ??= []).push(slot);
    table.groupOf[slot] = group;
  }

  private dropChannel(id: string): void {
    const { table } = this;
    const slot = table.channels.slotOf(id);
    if (slot === NOWHERE) return;
    this.setGroup(slot, undefined);
    this.needs.drop(slot, id);
    table.channelSeen[slot] = undefined;
    table.isWaiting[slot] = 0;
    table.channels.remove(id);
    this.unknown.recount([id]);
  }
}
