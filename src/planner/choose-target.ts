import type {
  CellForecast,
  ChannelObservation,
  ErrorCode,
  Fitness,
  MoveExplanation,
  Policy,
  SwarmSnapshot,
} from '../domain';
import { fillRejectionOf, rejectionOf, type FillBound } from './constraints';
import { buildContext } from './context';
import { PlanDraft } from './draft';
import { explanationOf } from './explain';
import { NOWHERE } from './placement-table';
import { SwarmTracker } from './swarm-tracker';
import { alternativesTo, targetFor, type ChoiceCounts } from './targets';
import { reserveForWaiting } from './waiting';

export interface TargetRequest {
  channelId: string;
  /** Rungs of the ladder to encode there. */
  rungs: number;
  /** Absent: the fittest encoder is chosen. */
  toEncoderId?: string;
  /** Encoders that must not be chosen, e.g. one that was just lost. */
  exclude?: string[];
}

export type TargetAnswer =
  | { ok: true; encoderId: string; explanation: MoveExplanation }
  | { ok: false; code: ErrorCode; message: string; rejected: { encoderId: string; why: string }[] };

const refuse = (
  code: ErrorCode,
  message: string,
  rejected: { encoderId: string; why: string }[] = [],
): TargetAnswer => ({
  ok: false,
  code,
  message,
  rejected: rejected.map(({ encoderId, why }) => ({ encoderId, why })),
});

/**
 * Finds a target for one channel: an operator's handoff, or the recovery of a channel that nobody encodes.
 *
 * Unlike a planned move it may fill an encoder beyond its limit, up to its capacity, when nothing else is left:
 * a channel off air is worse than an encoder near its capacity. Channels that nobody encodes are counted in a
 * fixed order, so that requests made at once of the same snapshot do not all get the same answer.
 *
 * Refusals: unknown-channel, bad-request (rungs beyond the ladder), unknown-encoder, same-encoder (its owner, with
 * the same rungs), encoder-unreachable, encoder-cordoned, encoder-incompatible (region, pins, compatibility class,
 * redundancy group), encoder-full, no-target.
 */
export const chooseTarget = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
  request: TargetRequest,
): TargetAnswer => {
  const { channelId, rungs, toEncoderId, exclude = [] } = request;
  const channel = snapshot.channels.find((c) => c.spec.id === channelId);
  if (!channel) return refuse('unknown-channel', `There is no channel ${channelId}.`);
  const rungsKnown = channel.spec.ladder.length;
  if (!Number.isInteger(rungs) || rungs < 1 || rungs > rungsKnown) {
    return refuse('bad-request', `${channelId} has 1 to ${rungsKnown} renditions, not ${rungs}.`);
  }
  const tracker = new SwarmTracker(forecast, policy);
  tracker.read(snapshot);
  const context = buildContext(tracker, new Map(fitness.map((f) => [f.encoderId, f])), policy);
  reserveForWaiting(new PlanDraft(context), channelId);
  return new Choice(context, channel, rungs).answer(toEncoderId, exclude);
};

/** Why none of a large fleet can take a channel. */
const inWords = (counts: ChoiceCounts): string =>
  [
    `${counts.silentCordonedOrDraining} do not answer, are cordoned or being drained`,
    `${counts.otherRegion} are in another region`,
    `${counts.otherClassOrZone} are of another class or zone`,
    `${counts.fullOrLessFit} have no room`,
  ]
    .filter((words) => !words.startsWith('0 '))
    .join('; ');

class Choice {
  private readonly slot: number;
  private readonly isLost: boolean;
  private readonly owner: number;

  constructor(
    private readonly context: ReturnType<typeof buildContext>,
    private readonly channel: ChannelObservation,
    private readonly rungs: number,
  ) {
    const { table, tracker } = context;
    this.slot = table.channels.slotOf(channel.spec.id);
    this.isLost = table.isWaiting[this.slot] === 1;
    this.owner = this.isLost ? NOWHERE : table.ownerOf[this.slot]!;
    // Its own units are no reason against any encoder, and it may ask for other rungs than it has.
    const home = table.homeOf[this.slot]!;
    tracker.placements.removeWith(this.slot, rungs);
    for (const encoder of [this.owner, home]) if (encoder !== NOWHERE) context.index.update(encoder);
  }

  answer(toEncoderId: string | undefined, exclude: readonly string[]): TargetAnswer {
    return toEncoderId === undefined ? this.fittest(exclude) : this.named(toEncoderId, exclude);
  }

  private accept(target: number, words: string, atMost: FillBound, exclude: readonly number[]): TargetAnswer {
    const cause = { reason: 'operator' as const, words };
    const explanation = explanationOf(this.context, this.slot, target, cause, { atMost, exclude });
    return { ok: true, encoderId: this.context.table.encoders.idOf(target), explanation };
  }

  private fittest(excludedIds: readonly string[]): TargetAnswer {
    const { context, slot } = this;
    const { table } = context;
    const { id } = this.channel.spec;
    const excluded = excludedIds.map((e) => table.encoders.slotOf(e));
    const exclude = [...excluded, this.owner].filter((e) => e !== NOWHERE);
    const words = this.isLost ? `nobody encodes ${id}` : `a move of ${id} was asked for`;
    const below = targetFor(context, slot, { atMost: 'limit', exclude });
    if (below !== NOWHERE) return this.accept(below, words, 'limit', exclude);
    const within = targetFor(context, slot, { atMost: 'capacity', exclude });
    if (within !== NOWHERE) {
      return this.accept(within, `${words}, and no encoder has room below its limit`, 'capacity', exclude);
    }
    const { rejected, counts } = alternativesTo(context, slot, NOWHERE, { atMost: 'capacity', exclude });
    const reasons = counts ? inWords(counts) : rejected.map((r) => `${r.encoderId} ${r.why}`).join('; ');
    return refuse(
      'no-target',
      `No encoder can take ${id}: ${reasons || 'there is no other encoder'}.`,
      rejected,
    );
  }

  private named(encoderId: string, excludedIds: readonly string[]): TargetAnswer {
    const { context, slot } = this;
    const { table, policy } = context;
    const { id } = this.channel.spec;
    const target = table.encoders.slotOf(encoderId);
    if (target === NOWHERE) return refuse('unknown-encoder', `There is no encoder ${encoderId}.`);
    if (excludedIds.includes(encoderId)) {
      return refuse('no-target', `${encoderId} is excluded by this very request.`);
    }
    const isOwner = target === this.owner;
    if (isOwner && this.rungs === this.channel.rungs) {
      return refuse('same-encoder', `${encoderId} encodes ${id} already.`);
    }
    const rejection = isOwner
      ? fillRejectionOf(table, target, slot, 'capacity')
      : rejectionOf(table, policy, target, slot, 'capacity');
    if (rejection) return refuse(rejection.code, `${encoderId} ${rejection.why}.`, [rejection]);
    const others = table.encoders.inOrder().filter((e) => e !== target);
    return this.accept(target, `a move of ${id} to ${encoderId} was asked for`, 'capacity', others);
  }
}
