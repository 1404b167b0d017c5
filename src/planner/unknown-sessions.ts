import { NOWHERE, type PlacementTable } from './placement-table';
import { toQuanta } from './quanta';
import { isLive, sessionsOf } from './sessions';

/** Sessions of channels that nobody knows: they take room now and at every step. */
export class UnknownSessions {
  /** By encoder, quanta. */
  private readonly taken: number[] = [];

  constructor(private readonly table: PlacementTable) {}

  /** Counts those of one encoder again. */
  count(slot: number): void {
    const { table } = this;
    let units = 0;
    for (const session of sessionsOf(table.encoderSeen[slot])) {
      if (isLive(session) && table.channels.slotOf(session.channelId) === NOWHERE)
        units += toQuanta(session.units);
    }
    const change = units - (this.taken[slot] ?? 0);
    this.taken[slot] = units;
    if (change === 0) return;
    table.occupiedOn[slot]! += change;
    table.encodedOn[slot]! += change;
    const start = slot * table.steps;
    for (let k = start; k < start + table.steps; k++) table.sums[k]! += change;
    table.peakOn[slot] = table.peakBetween(table.sums, start);
  }

  /** Channels came or went: their sessions are no longer, or from now on, those of unknown channels. */
  recount(channelIds: readonly string[]): void {
    const { table } = this;
    if (channelIds.length === 0 || table.encoderSeen.length === 0) return;
    const changed = new Set(channelIds);
    for (const e of table.encoders.inOrder()) {
      if (sessionsOf(table.encoderSeen[e]).some((s) => changed.has(s.channelId))) this.count(e);
    }
  }
}
