import { NOWHERE, type PlacementBook } from './book';
import { toQuanta } from './quanta';
import { isLive, sessionsOf } from './sessions';

/** Sessions of channels that nobody knows: they take room now and at every step. */
export class UnknownSessions {
  /** By encoder, quanta. */
  private readonly taken: number[] = [];

  constructor(private readonly book: PlacementBook) {}

  /** Counts those of one encoder again. */
  count(slot: number): void {
    const { book } = this;
    let units = 0;
    for (const session of sessionsOf(book.encoderSeen[slot])) {
      if (isLive(session) && book.channels.slotOf(session.channelId) === NOWHERE)
        units += toQuanta(session.units);
    }
    const change = units - (this.taken[slot] ?? 0);
    this.taken[slot] = units;
    if (change === 0) return;
    book.occupiedOn[slot]! += change;
    book.encodedOn[slot]! += change;
    const start = slot * book.steps;
    for (let k = start; k < start + book.steps; k++) book.sums[k]! += change;
    book.peakOn[slot] = book.peakBetween(book.sums, start);
  }

  /** Channels came or went: their sessions are no longer, or from now on, those of unknown channels. */
  recount(channelIds: readonly string[]): void {
    const { book } = this;
    if (channelIds.length === 0 || book.encoderSeen.length === 0) return;
    const changed = new Set(channelIds);
    for (const e of book.encoders.inOrder()) {
      if (sessionsOf(book.encoderSeen[e]).some((s) => changed.has(s.channelId))) this.count(e);
    }
  }
}
