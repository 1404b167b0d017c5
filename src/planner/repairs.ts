import { NOWHERE } from './book';
import { breachOf } from './constraints';
import { isResting, largestFirst, type PlanningContext } from './context';
import type { PlanDraft } from './draft';
import type { Cause } from './explain';
import { targetFor } from './targets';

/** Why a channel, which is somewhere, must not stay there; null if it may. */
export const breachWhereItIs = ({ book, policy }: PlanningContext, channel: number): Cause | null => {
  const home = book.homeOf[channel]!;
  const breach = breachOf(book, policy, home, channel);
  return breach === null
    ? null
    : {
        reason: 'placement',
        words: `${book.encoders.idOf(home)}, which encodes ${book.channels.idOf(channel)}, ${breach}`,
      };
};

/** Channels that the plan may touch and that must not stay where they are, by id. */
export const misplacedChannels = (draft: PlanDraft): number[] =>
  draft.context.misplaced.filter((c) => draft.isFree(c) && breachWhereItIs(draft.context, c) !== null);

/** Wants channels away from encoders that their pins, their region or their redundancy group forbid. */
export const planRepairs = (draft: PlanDraft): void => {
  const { context } = draft;
  const { book } = context;
  const misplaced = misplacedChannels(draft)
    .filter((c) => !isResting(context, c))
    .sort(largestFirst(book));
  for (const channel of misplaced) {
    // Judged afresh: a group mate may have left the zone.
    const cause = breachWhereItIs(context, channel);
    if (cause === null) continue;
    const source = book.homeOf[channel]!;
    const target = targetFor(context, channel, { atMost: 'limit', exclude: [source] });
    if (target !== NOWHERE) draft.want({ channel, target, cause });
  }
};
