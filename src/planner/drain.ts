import { largestFirst } from './context';
import type { PlanDraft } from './draft';
import { NOWHERE } from './placement-table';
import { targetFor } from './targets';

/** Wants every channel off the encoders that are being drained, the largest first. */
export const planDrains = (draft: PlanDraft): void => {
  const { context } = draft;
  const { table } = context;
  for (const source of table.encoders.filter((e) => table.isDraining[e] === 1)) {
    const words = `${table.encoders.idOf(source)} is being drained`;
    const cause = { reason: 'drain' as const, words };
    for (const channel of draft.freeChannelsOn(source).sort(largestFirst(table))) {
      const target = targetFor(context, channel, { atMost: 'limit', exclude: [source] });
      if (target !== NOWHERE) draft.want({ channel, target, cause });
    }
  }
};
