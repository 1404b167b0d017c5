import { NOWHERE } from './book';
import { hasSessionLeft } from './constraints';
import type { Intent, PlanDraft } from './draft';
import { explainedMove } from './explain';

/** Moves that wait for each other in a longer circle than this wait for the next cycle. */
const LONGEST_CIRCLE = 6;

/**
 * Puts the wanted moves in an order in which no encoder is over its limit at any time, and lets as many as the
 * policy allows into the plan. Moves of one wave run side by side; each wave begins when the one before is done.
 *
 * - While a wave runs, a channel that moves is counted on both its encoders, with what it needs now; sessions and
 *   the zones of redundancy groups are counted so too.
 * - After each move of the order, no encoder that receives a channel needs more than its limit at P90 of any step.
 *   So a plan may be broken off after any wave. Only where moves wait for each other in a circle do they go together.
 *
 * Moves that find no place in the order, or no budget, are left out.
 *
 * @param start mark of the book at which none of the wanted moves is entered
 */
export const schedule = (draft: PlanDraft, start: number): void => {
  let waiting = byUrgency([...draft.intents.values()]);
  draft.rollBack(start);
  draft.intents.clear();
  const stage = new Stage(draft);
  for (let wave = 0; waiting.length > 0; wave++) {
    const left = stage.perform(waiting, wave);
    if (left.length === waiting.length) break;
    waiting = left;
  }
  stage.end();
};

/** Drains first: they do not use up the moves of the cycle. Then what is over the limit soonest. */
const byUrgency = (intents: readonly Intent[]): Intent[] => {
  const rankOf = ({ cause: { reason } }: Intent): number =>
    reason === 'drain' ? 0 : reason === 'make-room' ? 2 : 1;
  const secondsOf = ({ cause: { figures } }: Intent): number => figures?.secondsUntilOverload ?? 0;
  const excessOf = ({ cause: { figures } }: Intent): number =>
    figures ? (figures.predictedUnits ?? 0) - (figures.limitUnits ?? 0) : 0;
  return intents
    .map((intent, i) => ({ intent, i }))
    .sort(
      (a, b) =>
        rankOf(a.intent) - rankOf(b.intent) ||
        secondsOf(a.intent) - secondsOf(b.intent) ||
        excessOf(b.intent) - excessOf(a.intent) ||
        a.i - b.i,
    )
    .map(({ intent }) => intent);
};

/** The encoders as they are while the plan is carried out. */
class Stage {
  /** Channels that have left in earlier waves, and whence. */
  private readonly departed: [channel: number, source: number][] = [];
  private readonly movesOf = new Map<number, number>();
  /** Where channels that moved in this wave still are. */
  private readonly stillOn = new Map<number, number>();

  constructor(private readonly draft: PlanDraft) {}

  /** Enters all moves that can run in this wave; @returns the others */
  perform(intents: readonly Intent[], wave: number): Intent[] {
    let left = [...intents];
    for (let progress = true; progress;) {
      const before = left.length;
      left = left.filter((intent) => !(this.hasRoomNow(intent) && this.hasRoomLater([intent]) && this.enter(intent, wave))); // prettier-ignore
      progress = left.length < before;
    }
    if (left.length === intents.length) {
      const circle = this.circleIn(left);
      circle.forEach((intent, i) => this.enter(intent, wave, circle.slice(i + 1)));
      left = left.filter((intent) => !circle.includes(intent));
    }
    this.endWave();
    return left;
  }

  private hasBudget({ channel, target, cause }: Intent): boolean {
    if (cause.reason === 'drain') return true;
    const { book, policy } = this.draft.context;
    const most = policy.maxMovesPerEncoder;
    const count = (e: number): number => this.movesOf.get(e) ?? 0;
    return this.draft.movesLeft > 0 && count(target) < most && count(book.homeOf[channel] as number) < most;
  }

  private hasRoomNow(intent: Intent): boolean {
    const { channel, target } = intent;
    const { book } = this.draft.context;
    const now = (book.occupiedOn[target] as number) + book.needOf(channel, 0);
    return (
      this.hasBudget(intent) &&
      now <= (book.limitOf[target] as number) &&
      hasSessionLeft(book, target) &&
      !this.mateIsIn(channel, book.zoneOf[target] as number)
    );
  }

  /** Would the targets be within their limits at P90, once these channels have moved? */
  private hasRoomLater(intents: readonly Intent[]): boolean {
    const { book } = this.draft.context;
    const mark = book.mark();
    for (const { channel, target } of intents) book.relocate(channel, target);
    const fits = intents.every(({ target }) => (book.peakOn[target] as number) <= (book.limitOf[target] as number)); // prettier-ignore
    book.rollBack(mark);
    return fits;
  }

  private mateIsIn(channel: number, zone: number): boolean {
    const { book } = this.draft.context;
    const group = book.groupOf[channel] as number;
    if (group === NOWHERE) return false;
    return (book.groups[group] ?? []).some(
      (mate) =>
        mate !== channel &&
        [book.homeOf[mate], book.leftFrom[mate], this.stillOn.get(mate)].some(
          (e) => e !== undefined && e !== NOWHERE && book.zoneOf[e] === zone,
        ),
    );
  }

  /** Nothing can go alone: moves that can go at once, each into the place of another; none if there are none. */
  private circleIn(intents: readonly Intent[]): Intent[] {
    const { book } = this.draft.context;
    for (const first of intents) {
      const circle = [first];
      while (circle.length <= LONGEST_CIRCLE && !this.hasRoomLater(circle)) {
        const targets = new Set(circle.map(({ target }) => target));
        const next = intents.find(
          (intent) => !circle.includes(intent) && targets.has(book.homeOf[intent.channel] as number),
        );
        if (!next) break;
        circle.push(next);
      }
      if (circle.length <= LONGEST_CIRCLE && this.canGoTogether(circle)) return circle;
    }
    return [];
  }

  private canGoTogether(intents: readonly Intent[]): boolean {
    const { book } = this.draft.context;
    const counted = intents.filter(({ cause }) => cause.reason !== 'drain').length;
    if (counted > this.draft.movesLeft || !intents.every((intent) => this.hasRoomNow(intent))) return false;
    const distinct = new Set(intents.flatMap(({ channel, target }) => [target, book.homeOf[channel]]));
    // Each encoder gives one and takes one: what was asked of a single move holds for all of them together.
    return distinct.size === intents.length && this.hasRoomLater(intents);
  }

  private enter(intent: Intent, wave: number, alongside: readonly Intent[] = []): true {
    const { draft } = this;
    const { context } = draft;
    const { channel, target, cause } = intent;
    const { book } = context;
    const source = book.homeOf[channel] as number;
    // What the target then needs is told without those that leave it at the same time.
    const mark = book.mark();
    for (const other of alongside) if (other !== intent) book.relocate(other.channel, other.target);
    const move = explainedMove(context, channel, target, cause);
    book.rollBack(mark);
    draft.settle(wave === 0 ? move : { ...move, wave }, channel);
    draft.relocate(channel, target);
    this.stillOn.set(channel, source);
    if (cause.reason === 'drain') return true;
    for (const e of [source, target]) this.movesOf.set(e, (this.movesOf.get(e) ?? 0) + 1);
    return true;
  }

  /** The channels that moved have left the encoders they came from. */
  private endWave(): void {
    for (const [channel, source] of this.stillOn) {
      this.draft.context.book.depart(channel, source, 1);
      this.departed.push([channel, source]);
    }
    this.stillOn.clear();
  }

  /** Back to this moment, at which nothing has left yet. */
  end(): void {
    for (const [channel, source] of this.departed) this.draft.context.book.depart(channel, source, -1);
  }
}
