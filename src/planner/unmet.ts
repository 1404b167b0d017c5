import { isResting } from './context';
import type { PlanDraft } from './draft';
import { overloadOf } from './explain';
import { formatQuanta } from './quanta';
import { overloadedEncoders } from './relief';
import { breachWhereItIs, misplacedChannels } from './repairs';

/** Tells of channels off air for which no room was found. */
export const reportHomeless = (draft: PlanDraft, channels: readonly number[]): void => {
  const { book } = draft.context;
  for (const channel of channels) {
    const channelId = book.channels.idOf(channel);
    draft.homeless += book.peakOf[channel]!;
    draft.report({
      channelId,
      why: `nobody encodes ${channelId}, and no encoder has room for its ${formatQuanta(book.peakOf[channel]!)} units at P90 below its limit`,
    });
  }
};

/** Tells of wishes that stay unmet even with all the moves that are wanted; @returns encoders told of. */
export const reportUnmet = (draft: PlanDraft): Set<number> => {
  const { context } = draft;
  const { book } = context;
  const told = new Set<number>();
  for (const e of book.encoders.filter((one) => book.isDraining[one] === 1)) {
    const id = book.encoders.idOf(e);
    for (const channel of draft.freeChannelsOn(e)) {
      const channelId = book.channels.idOf(channel);
      draft.homeless += book.peakOf[channel]!;
      draft.report({
        channelId,
        encoderId: id,
        why: `${id} is being drained, but no other encoder has room below its limit for ${channelId} (${formatQuanta(book.peakOf[channel]!)} units at P90)`,
      });
    }
  }
  for (const e of overloadedEncoders(draft)) {
    const overload = overloadOf(context, e);
    if (!overload) continue;
    told.add(e);
    const residents = book.residentsOf[e]!;
    const waitsForMove = residents.some((c) => !draft.isFree(c) || isResting(context, c));
    if (!waitsForMove) draft.homeless += book.peakOn[e]! - book.limitOf[e]!;
    draft.report({
      encoderId: book.encoders.idOf(e),
      why: waitsForMove
        ? `${overload.cause.words}; channels on it are moving or rest after a move, and no others relieve it`
        : `${overload.cause.words}; no other encoder has room below its limit for what would relieve it`,
    });
  }
  for (const c of misplacedChannels(draft)) {
    const cause = breachWhereItIs(context, c);
    if (cause === null) continue;
    draft.report({
      channelId: book.channels.idOf(c),
      why: isResting(context, c)
        ? `${cause.words}; it rests after a move`
        : `${cause.words}; no other encoder may take it`,
    });
  }
  return told;
};

/** Tells of overloads that are left because the moves of the cycle, or of an encoder, are used up. */
export const reportPostponed = (draft: PlanDraft, told: ReadonlySet<number>): void => {
  for (const e of overloadedEncoders(draft)) {
    const overload = told.has(e) ? null : overloadOf(draft.context, e);
    if (!overload) continue;
    const encoderId = draft.context.book.encoders.idOf(e);
    const postponed =
      draft.movesLeft > 0
        ? 'what relieves it waits for a later cycle'
        : 'the moves of this cycle are used up';
    draft.report({ encoderId, why: `${overload.cause.words}; ${postponed}` });
  }
};
