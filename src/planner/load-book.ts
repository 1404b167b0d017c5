import type { EncoderObservation } from '../domain';
import type { ChannelDemand } from './demand';

/** Sums of the same units in another order differ in the last digits; a limit is not crossed by those. */
export const UNITS_TOLERANCE = 1e-6;

/** What one encoder carries and will carry, as the plan goes on. Encode units. */
export class EncoderLoad {
  /** Channels placed here by id, with what they need. */
  readonly placed = new Map<string, ChannelDemand>();
  /** Sum of the placed channels' needs per step (see ChannelDemand.needs). */
  readonly needs: number[];
  /**
   * What is encoded here at this moment and soon: placed channels at the larger of what they have and deserve,
   * and channels that are leaving, until they have left.
   */
  private occupiedUnits = 0;
  /** The same without growth that has not been granted: what is encoded now, and what this plan has added. */
  private encodedUnits = 0;
  private sessions: number;

  constructor(
    readonly encoder: EncoderObservation,
    readonly limitUnits: number,
    steps: number,
    liveSessions: number,
  ) {
    this.needs = new Array<number>(steps).fill(0);
    this.sessions = liveSessions;
  }

  get peakUnits(): number {
    return Math.max(...this.needs);
  }

  /** First step at which the needs exceed the limit, or -1. */
  get firstStepOverLimit(): number {
    return this.needs.findIndex((units) => units > this.limitUnits + UNITS_TOLERANCE);
  }

  get nowUnits(): number {
    return this.occupiedUnits;
  }

  /** Units encoded here once this channel has the rungs it deserves, others staying as they are. */
  encodedUnitsAfterChange(demand: ChannelDemand): number {
    return this.encodedUnits - demand.encodedUnits + (demand.needs[0] as number);
  }

  get hasSessionLeft(): boolean {
    return this.sessions < this.encoder.maxSessions;
  }

  /** A channel that is encoded here already. */
  holds(demand: ChannelDemand): void {
    this.add(demand);
    this.occupiedUnits += Math.max(demand.encodedUnits, demand.needs[0] as number);
    this.encodedUnits += demand.encodedUnits;
  }

  /** A channel here is given the larger ladder it deserves. */
  grows(demand: ChannelDemand): void {
    this.encodedUnits = this.encodedUnitsAfterChange(demand);
  }

  /** A channel that comes here with the rungs it deserves. */
  place(demand: ChannelDemand): void {
    this.add(demand);
    this.occupiedUnits += demand.needs[0] as number;
    this.encodedUnits += demand.needs[0] as number;
    this.sessions += 1;
  }

  /** Takes a placement back. */
  unplace(demand: ChannelDemand): void {
    this.leaves(demand);
    this.occupiedUnits -= demand.needs[0] as number;
    this.encodedUnits -= demand.needs[0] as number;
    this.sessions -= 1;
  }

  /** A channel that will leave: it needs nothing here in future, but occupies its units until it has left. */
  leaves(demand: ChannelDemand): void {
    this.placed.delete(demand.channelId);
    demand.needs.forEach((units, k) => (this.needs[k] = (this.needs[k] as number) - units));
  }

  /** A channel that is gone from here altogether. */
  vacate(demand: ChannelDemand): void {
    this.leaves(demand);
    this.occupiedUnits -= Math.max(demand.encodedUnits, demand.needs[0] as number);
    this.encodedUnits -= demand.encodedUnits;
  }

  /** Units that something unknown to the plan occupies. */
  occupy(units: number): void {
    this.occupiedUnits += units;
    this.encodedUnits += units;
    this.needs.forEach((needed, k) => (this.needs[k] = needed + units));
  }

  /** Most units this encoder would carry, now or at P90 of any step, with one more channel. */
  peakUnitsWith(demand: ChannelDemand): number {
    const future = this.needs.map((units, k) => units + (demand.needs[k] as number));
    return Math.max(this.occupiedUnits + (demand.needs[0] as number), ...future);
  }

  private add(demand: ChannelDemand): void {
    this.placed.set(demand.channelId, demand);
    demand.needs.forEach((units, k) => (this.needs[k] = (this.needs[k] as number) + units));
  }
}
