import { breachOf } from './constraints';
import { isResting, largestFirst, type PlanningContext } from './context';
import type { PlanDraft } from './draft';
import type { Cause } from './explain';
import { NOWHERE } from './placement-table';
import { targetFor } from './targets';

/** Why a channel, which is somewhere, must not stay there; null if it may. */
export const breachWhereItIs = ({ table, policy }: PlanningContext, channel: number): Cause | null => {
  const home = table.homeOf[channel]!;
  const breach = breachOf(table, policy, home, channel);
  return breach === null
    ? null
    : {
        reason: 'placement',
        words: `${table.encoders.idOf(home)}, which encodes ${table.channels.idOf(channel)}, ${breach}`,
      };
};

/** Channels that the plan may touch and that must not stay where they are, by id. */
export const misplacedChannels = (draft: PlanDraft): number[] =>
  draft.context.misplaced.filter((c) => draft.isFree(c) && breachWhereItIs(draft.context, c) !== null);

/** Wants channels away from encoders that their pins, their region or their redundancy group forbid. */
export const planRepairs = (draft: PlanDraft): void => {
  const { context } = draft;
  const { table } = context;
  const misplaced = misplacedChannels(draft)
    .filter((c) => !isResting(context, c))
    .sort(largestFirst(table));
  for (const channel of misplaced) {
    // Judged again: a group mate may have left the zone.
    const cause = breachWhereItIs(context, channel);
    if (cause === null) continue;
    const source = table.homeOf[channel]!;
    const target = targetFor(context, channel, { atMost: 'limit', exclude: [source] });
    if (target !== NOWHERE) draft.want({ channel, target, cause });
  }
};
