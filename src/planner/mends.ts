import { NOWHERE } from './book';
import { isResting, largestFirst, seen } from './context';
import { breachOf } from './constraints';
import type { PlanDraft } from './draft';
import type { Cause } from './explain';
import { targetFor } from './targets';

/** Why a channel must not stay where it is; null if it may. */
export const breachWhereItIs = (draft: PlanDraft, channel: number): Cause | null => {
  const { book, policy } = draft.context;
  const home = book.homeOf[channel] as number;
  const spec = book.channelSeen[channel]?.spec;
  if (spec?.placement === undefined && seen(book, home).region === spec?.region) return null;
  const breach = breachOf(book, policy, home, channel);
  return breach === null
    ? null
    : {
        reason: 'placement',
        words: `${book.encoders.idOf(home)}, which encodes ${book.channels.idOf(channel)}, ${breach}`,
      };
};

/** Wants channels away from encoders that their pins, their region or their redundancy group forbid. */
export const planMends = (draft: PlanDraft): void => {
  const { context } = draft;
  const { book } = context;
  const misplaced = book.channels
    .inOrder()
    .filter((c) => draft.isFree(c) && !isResting(context, c) && breachWhereItIs(draft, c) !== null)
    .sort(largestFirst(book));
  for (const channel of misplaced) {
    // Judged afresh: a group mate may have left the zone.
    const cause = breachWhereItIs(draft, channel);
    if (cause === null) continue;
    const source = book.homeOf[channel] as number;
    const target = targetFor(context, channel, { atMost: 'limit', exclude: [source] });
    if (target !== NOWHERE) draft.want({ channel, target, cause });
  }
};
