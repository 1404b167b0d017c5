import type { Move, MoveReason, Plan } from '../domain';
import type { PlanningContext } from './context';
import type { ChannelDemand } from './demand';
import { explainedMove } from './explain';
import type { EncoderLoad } from './load-book';
import type { TargetChoice } from './targets';

/** A plan in the making: its moves so far, and the loads as they will be after them. */
export class PlanDraft {
  readonly moves: Move[] = [];
  readonly unmet: Plan['unmet'] = [];
  /** Units that found no room anywhere: the reason to provision. */
  homelessUnits = 0;
  private readonly moved = new Set<string>();
  private budget: number;

  constructor(readonly context: PlanningContext) {
    this.budget = context.policy.maxMovesPerCycle;
  }

  /** Planned moves that the policy still allows in this cycle. */
  get movesLeft(): number {
    return this.budget;
  }

  /** May the plan touch this channel: somebody encodes it, and nothing moves it already. */
  isFree(demand: ChannelDemand): boolean {
    return (
      !demand.channel.moving && !this.moved.has(demand.channelId) && !this.context.waiting.includes(demand)
    );
  }

  isResting(demand: ChannelDemand): boolean {
    return demand.restsUntilMs > this.context.atMs;
  }

  /** Channels on an encoder that the plan may touch, by id. */
  freeChannelsOn(load: EncoderLoad): ChannelDemand[] {
    return [...load.placed.values()]
      .filter((d) => d.channel.owner?.encoderId === load.encoder.id && this.isFree(d))
      .sort((a, b) => (a.channelId < b.channelId ? -1 : 1));
  }

  /** Adds a move to another encoder and enters it in both loads. */
  moveAway(
    demand: ChannelDemand,
    source: EncoderLoad,
    choice: TargetChoice & { load: EncoderLoad },
    why: { reason: MoveReason; cause: string; figures?: Record<string, number> },
  ): void {
    this.moves.push(explainedMove(this.context, demand, choice.load, choice, why));
    if (source.placed.has(demand.channelId)) source.leaves(demand);
    choice.load.place(demand);
    this.spend(demand, why.reason);
  }

  /** Adds a move that keeps its encoder. */
  changeInPlace(move: Move, demand: ChannelDemand): void {
    this.moves.push(move);
    this.spend(demand, move.reason);
  }

  private spend(demand: ChannelDemand, reason: MoveReason): void {
    this.moved.add(demand.channelId);
    if (reason !== 'drain') this.budget -= 1;
  }
}

export const hasTarget = (choice: TargetChoice): choice is TargetChoice & { load: EncoderLoad } =>
  choice.load !== undefined;
