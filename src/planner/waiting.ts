import type { PlanDraft } from './draft';
import { NOWHERE } from './placement-table';
import { targetFor } from './targets';

/**
 * Reserves room for waiting channels in their fixed order, up to the one named. So all that ask for a target at
 * the same time, of the same snapshot, are spread as if they had asked one after the other.
 * @returns those that found no room
 */
export const reserveForWaiting = (draft: PlanDraft, before?: string): number[] => {
  const { context } = draft;
  const unplaced: number[] = [];
  for (const channel of context.waiting) {
    if (context.table.channels.idOf(channel) === before) break;
    const target = targetFor(context, channel, { atMost: 'limit' });
    if (target !== NOWHERE) draft.relocate(channel, target);
    else unplaced.push(channel);
  }
  return unplaced;
};
