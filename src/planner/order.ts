import { hasSessionLeft } from './constraints';
import type { Intent, PlanDraft } from './draft';
import { NOWHERE } from './placement-table';

/** Moves that wait for each other in a longer circle than this find no place in the order. */
const LONGEST_CIRCLE = 6;

/** A wanted move with its turn. */
export interface Turn {
  intent: Intent;
  wave: number;
  /** Moves that go at the very same time, each into the place of another; empty for most. */
  alongside: readonly Intent[];
}

/**
 * Puts wanted moves in an order in which no encoder is over its limit at any time. Moves of one wave run side by
 * side; each wave begins when the one before is done.
 *
 * - While a wave runs, a channel that moves is counted on both its encoders, with what it needs now; sessions and
 *   the zones of redundancy groups are counted so too.
 * - After each move of the order, no encoder that receives a channel needs more than its limit at P90 of any step.
 *   So a plan may be broken off after any wave. Only where moves wait for each other in a circle do they go together.
 *
 * Expects the loads without the wanted moves, and leaves them so.
 *
 * @param budget most moves other than drains in all, and on any one encoder
 * @returns the moves that found a place, in order
 */
export const orderOf = (
  draft: PlanDraft,
  intents: readonly Intent[],
  budget: { moves: number; movesPerEncoder: number } = { moves: Infinity, movesPerEncoder: Infinity },
): Turn[] => {
  const { table } = draft.context;
  const builder = new WaveBuilder(draft, budget.moves, budget.movesPerEncoder);
  const start = table.mark();
  let waiting = [...intents];
  for (let wave = 0; waiting.length > 0; wave++) {
    const left = builder.fillWave(waiting, wave);
    if (left.length === waiting.length) break;
    waiting = left;
  }
  builder.end();
  table.rollBack(start);
  return builder.turns;
};

/** Fills one wave after the other, with the loads as they are while the moves are carried out. */
class WaveBuilder {
  readonly turns: Turn[] = [];
  /** Channels that have left in earlier waves, and the encoder that they left. */
  private readonly departed: [channel: number, source: number][] = [];
  private readonly movesOn: Map<number, number>;
  /** Where channels that move in this wave still are. */
  private readonly stillOn = new Map<number, number>();

  constructor(
    private readonly draft: PlanDraft,
    private movesLeft: number,
    private readonly movesPerEncoder: number,
  ) {
    this.movesOn = new Map(draft.movesOn);
  }

  /** Enters all moves that can run in this wave; @returns the others */
  fillWave(intents: readonly Intent[], wave: number): Intent[] {
    let left = [...intents];
    for (let progress = true; progress;) {
      const waiting = left;
      left = [];
      for (const intent of waiting) {
        if (this.hasBudget([intent]) && this.hasRoomNow(intent) && this.hasRoomLater([intent]))
          this.enter(intent, wave, []);
        else left.push(intent);
      }
      progress = left.length < waiting.length && left.length > 0;
    }
    if (left.length === intents.length) {
      const circle = this.circleIn(left);
      for (const intent of circle) this.enter(intent, wave, circle);
      left = left.filter((intent) => !circle.includes(intent));
    }
    this.endWave();
    return left;
  }

  /** In a circle an encoder takes part in two moves. */
  private hasBudget(intents: readonly Intent[]): boolean {
    const { homeOf } = this.draft.context.table;
    const counted = intents.filter(({ cause }) => cause.reason !== 'drain');
    const movesOn = new Map<number, number>();
    for (const { channel, target } of counted) {
      for (const e of [homeOf[channel]!, target]) {
        movesOn.set(e, (movesOn.get(e) ?? this.movesOn.get(e) ?? 0) + 1);
      }
    }
    return counted.length <= this.movesLeft && [...movesOn.values()].every((n) => n <= this.movesPerEncoder);
  }

  private hasRoomNow(intent: Intent): boolean {
    const { channel, target } = intent;
    const { table } = this.draft.context;
    const now = table.occupiedOn[target]! + table.needOf(channel, 0);
    return (
      now <= table.limitOf[target]! &&
      hasSessionLeft(table, target) &&
      !this.mateIsIn(channel, table.zoneOf[target]!)
    );
  }

  /** Would the targets be within their limits at P90, once these channels have moved? */
  private hasRoomLater(intents: readonly Intent[]): boolean {
    const { table } = this.draft.context;
    const mark = table.mark();
    for (const { channel, target } of intents) table.relocate(channel, target);
    const fits = intents.every(({ target }) => table.peakOn[target]! <= table.limitOf[target]!);
    table.rollBack(mark);
    return fits;
  }

  private mateIsIn(channel: number, zone: number): boolean {
    const { table } = this.draft.context;
    const group = table.groupOf[channel]!;
    if (group === NOWHERE) return false;
    return (table.groups[group] ?? []).some(
      (mate) =>
        mate !== channel &&
        [table.homeOf[mate], table.leftFrom[mate], this.stillOn.get(mate)].some(
          (e) => e !== undefined && e !== NOWHERE && table.zoneOf[e] === zone,
        ),
    );
  }

  /** Nothing can go alone: moves that can go at once, each into the place of another; none if there are none. */
  private circleIn(intents: readonly Intent[]): Intent[] {
    const { table } = this.draft.context;
    for (const first of intents) {
      const circle = [first];
      while (circle.length <= LONGEST_CIRCLE && !this.hasRoomLater(circle)) {
        const targets = new Set(circle.map(({ target }) => target));
        const next = intents.find(
          (intent) => !circle.includes(intent) && targets.has(table.homeOf[intent.channel]!),
        );
        if (!next) break;
        circle.push(next);
      }
      if (circle.length <= LONGEST_CIRCLE && this.canGoTogether(circle)) return circle;
    }
    return [];
  }

  private canGoTogether(intents: readonly Intent[]): boolean {
    const { table } = this.draft.context;
    if (!this.hasBudget(intents) || !intents.every((intent) => this.hasRoomNow(intent))) return false;
    // Each encoder takes one: the room that a single move was given is there for all of them together.
    const targets = new Set(intents.map(({ target }) => target));
    const sources = new Set(intents.map(({ channel }) => table.homeOf[channel]));
    return targets.size === intents.length && sources.size === intents.length && this.hasRoomLater(intents);
  }

  private enter(intent: Intent, wave: number, circle: readonly Intent[]): void {
    const { channel, target, cause } = intent;
    const { table } = this.draft.context;
    const source = table.homeOf[channel]!;
    this.turns.push({ intent, wave, alongside: circle.filter((other) => other !== intent) });
    table.relocate(channel, target);
    this.stillOn.set(channel, source);
    if (cause.reason === 'drain') return;
    this.movesLeft -= 1;
    for (const e of [source, target]) this.movesOn.set(e, (this.movesOn.get(e) ?? 0) + 1);
  }

  /** The channels that moved have left the encoders they came from. */
  private endWave(): void {
    for (const [channel, source] of this.stillOn) {
      this.draft.context.table.depart(channel, source, 1);
      this.departed.push([channel, source]);
    }
    this.stillOn.clear();
  }

  /** Back to the beginning, when nothing had left yet. */
  end(): void {
    for (const [channel, source] of this.departed) this.draft.context.table.depart(channel, source, -1);
  }
}
