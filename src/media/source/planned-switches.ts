import { SwarmError } from '../../domain';
import type { KeptWish } from './kept-channel';

/** Of a channel, at one time. */
const MOST_PLANNED = 100;

/** Switches of a channel's inputs that are to be made at a moment of the wall clock, the earliest first. */
export class PlannedSwitches {
  private planned: KeptWish[];

  constructor(kept: readonly KeptWish[] = []) {
    this.planned = [...kept];
  }

  get list(): KeptWish[] {
    return [...this.planned];
  }

  /**
   * Another one for the same moment takes the place of the first.
   * @throws SwarmError bad-request for a moment that is over, at-capacity-limit
   */
  add(request: KeptWish, nowMs: number): void {
    const { atMs } = request;
    if (atMs <= nowMs)
      throw new SwarmError(
        'bad-request',
        `${new Date(atMs).toISOString()} is over: a switch can be planned for a moment to come.`,
        'Name a later one, or leave it out to switch now.',
      );
    const others = this.planned.filter((each) => each.atMs !== atMs);
    if (others.length >= MOST_PLANNED)
      throw new SwarmError(
        'at-capacity-limit',
        `${MOST_PLANNED} switches are planned for the channel, and no more can be.`,
        'Cancel them (encoder-swarm channel switch NAME --cancel), or wait for some of them.',
      );
    this.planned = [...others, request].sort((a, b) => a.atMs - b.atMs);
  }

  clear(): void {
    this.planned = [];
  }

  /** The latest of those whose moment has come, which are planned no more; those before it came to nothing. */
  takeDue(nowMs: number): KeptWish | undefined {
    if (!(this.planned[0] && this.planned[0].atMs <= nowMs)) return undefined;
    const due = this.planned.filter(({ atMs }) => atMs <= nowMs);
    this.planned = this.planned.slice(due.length);
    return due.at(-1);
  }
}
