import { hasTarget, type PlanDraft } from './draft';
import { chooseAmong, formatUnits } from './targets';

/**
 * Moves every channel off the encoders that are being drained, the largest first. An operator's or the scaling's
 * wish: neither rest nor the number of moves per cycle holds it up.
 */
export const planDrains = (draft: PlanDraft): void => {
  const { context } = draft;
  for (const source of context.loads.values()) {
    if (!source.encoder.draining || !source.encoder.reachable) continue;
    const leaving = draft
      .freeChannelsOn(source)
      .sort((a, b) => b.peakUnits - a.peakUnits || (a.channelId < b.channelId ? -1 : 1));
    for (const demand of leaving) {
      const choice = chooseAmong(context, demand, { atMost: 'limit', exclude: [source.encoder.id] });
      if (hasTarget(choice)) {
        draft.moveAway(demand, source, choice, {
          reason: 'drain',
          cause: `${source.encoder.id} is being drained`,
        });
        continue;
      }
      draft.homelessUnits += demand.peakUnits;
      draft.unmet.push({
        channelId: demand.channelId,
        encoderId: source.encoder.id,
        why: `${source.encoder.id} is being drained, but no other encoder has room below its limit for ${demand.channelId} (${formatUnits(demand.peakUnits)} units at P90)`,
      });
    }
  }
};
