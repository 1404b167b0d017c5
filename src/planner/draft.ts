import type { Move, Plan } from '../domain';
import { isMovable, type PlanningContext } from './context';
import type { Cause } from './explain';
import type { PlacementTable } from './placement-table';

/** At most so many unmet needs are reported one by one: a plan travels in messages of bounded size. */
const MOST_UNMET = 100;

/** A move that the plan wants, before its turn and the moves allowed per cycle are looked at. */
export interface Intent {
  channel: number;
  target: number;
  cause: Cause;
}

const hasInput = (table: PlacementTable, channel: number): boolean =>
  table.channelSeen[channel]?.hasNoInput !== true;

const isLeaving = (table: PlacementTable, channel: number): boolean =>
  table.isDraining[table.homeOf[channel]!] === 1;

/** A plan in the making: what it wants to move, what it has settled on, and the loads as they will be after it. */
export class PlanDraft {
  /** By channel: moves wanted so far, entered in the loads. */
  readonly intents = new Map<number, Intent>();
  readonly moves: Move[] = [];
  /** By encoder: moves of the plan that it takes part in, drains and changes in place aside. */
  readonly movesOn = new Map<number, number>();
  /** Channels of `moves`. */
  readonly moved = new Set<number>();
  private readonly reportedUnmet: Plan['unmet'] = [];
  private unreportedCount = 0;
  /** Quanta that found no room anywhere: the reason to provision. */
  unplaced = 0;
  private budget: number;

  constructor(readonly context: PlanningContext) {
    this.budget = context.policy.maxMovesPerCycle;
  }

  /** Planned moves that the policy still allows in this cycle. */
  get movesLeft(): number {
    return this.budget;
  }

  get unmet(): Plan['unmet'] {
    if (this.unreportedCount === 0) return this.reportedUnmet;
    return [...this.reportedUnmet, { why: `${this.unreportedCount} more needs could not be met` }];
  }

  /**
   * May the plan touch this channel: somebody encodes it, there is something to encode, and nothing moves it already. One
   * whose input is away would fail each of its moves, and take the place of others in every cycle.
   */
  isFree(channel: number): boolean {
    const { table } = this.context;
    const mayMove = isMovable(table, channel) && (hasInput(table, channel) || isLeaving(table, channel));
    return mayMove && !this.intents.has(channel) && !this.moved.has(channel);
  }

  /** Channels on an encoder that the plan may touch, by id. */
  freeChannelsOn(encoder: number): number[] {
    const { table } = this.context;
    return table.residentsOf[encoder]!.filter((c) => this.isFree(c)).sort((a, b) =>
      table.channels.compare(a, b),
    );
  }

  /** Enters a wanted move in the loads. */
  want(intent: Intent): void {
    this.relocate(intent.channel, intent.target);
    this.intents.set(intent.channel, intent);
  }

  /** Enters a channel's departure in the loads; taken back by `rollBack`. */
  relocate(channel: number, target: number): void {
    const { table, index } = this.context;
    const source = table.homeOf[channel]!;
    table.relocate(channel, target);
    index.update(target);
    if (source >= 0) index.update(source);
  }

  /** Takes the loads back to `mark` of the table; the channels so put back are wanted elsewhere no more. */
  rollBack(mark: number): void {
    const { table, index } = this.context;
    const changed = table.changedSince(mark);
    table.rollBack(mark);
    for (const encoder of changed) index.update(encoder);
  }

  /**
   * Adds a move to the plan. A drain does not use up the moves of the cycle.
   *
   * @param between the encoders that it leaves and enters, if it is not one and the same
   */
  settle(move: Move, channel: number, between: readonly number[] = []): void {
    this.moves.push(move);
    this.moved.add(channel);
    if (move.reason === 'drain') return;
    this.budget -= 1;
    for (const e of between) this.movesOn.set(e, (this.movesOn.get(e) ?? 0) + 1);
  }

  /** Does the policy allow one more move of this cycle between these encoders? */
  allowsMove(...between: readonly number[]): boolean {
    const most = this.context.policy.maxMovesPerEncoder;
    return this.budget > 0 && between.every((e) => (this.movesOn.get(e) ?? 0) < most);
  }

  report(unmet: Plan['unmet'][number]): void {
    if (this.reportedUnmet.length < MOST_UNMET) this.reportedUnmet.push(unmet);
    else this.unreportedCount += 1;
  }
}
