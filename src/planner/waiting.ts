import type { PlanningContext } from './context';
import type { ChannelDemand } from './demand';
import { chooseAmong } from './targets';

/**
 * Reserves room for waiting channels in their fixed order, up to the one named. So all that ask for a target at
 * the same time, of the same snapshot, are spread as if they had asked one after the other.
 * @returns those that found no room
 */
export const reserveForWaiting = (context: PlanningContext, before?: string): ChannelDemand[] => {
  const homeless: ChannelDemand[] = [];
  for (const demand of context.waiting) {
    if (demand.channelId === before) break;
    const choice = chooseAmong(context, demand, { atMost: 'limit' });
    if (choice.load) choice.load.place(demand);
    else homeless.push(demand);
  }
  return homeless;
};
