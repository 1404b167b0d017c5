import { NOWHERE } from './book';
import { largestFirst, seen } from './context';
import type { PlanDraft } from './draft';
import { targetFor } from './targets';

/** Wants every channel off the encoders that are being drained, the largest first. */
export const planDrains = (draft: PlanDraft): void => {
  const { context } = draft;
  const { book } = context;
  for (const source of book.encoders.inOrder()) {
    const { draining, reachable, id } = seen(book, source);
    if (!draining || !reachable) continue;
    const cause = { reason: 'drain' as const, words: `${id} is being drained` };
    for (const channel of draft.freeChannelsOn(source).sort(largestFirst(book))) {
      const target = targetFor(context, channel, { atMost: 'limit', exclude: [source] });
      if (target !== NOWHERE) draft.want({ channel, target, cause });
    }
  }
};
