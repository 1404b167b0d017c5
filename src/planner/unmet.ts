import { isResting } from './context';
import type { PlanDraft } from './draft';
import { overloadOf } from './explain';
import { formatQuanta } from './quanta';
import { overloadedEncoders } from './relief';
import { breachWhereItIs, misplacedChannels } from './repairs';

/** Reports channels off air for which no room was found. */
export const reportUnplaced = (draft: PlanDraft, channels: readonly number[]): void => {
  const { table } = draft.context;
  for (const channel of channels) {
    const channelId = table.channels.idOf(channel);
    draft.unplaced += table.peakOf[channel]!;
    draft.report({
      channelId,
      isOffAir: true,
      why: `nobody encodes ${channelId}, and no encoder has room for its ${formatQuanta(table.peakOf[channel]!)} units at P90 below its limit`,
    });
  }
};

/** Reports needs that stay unmet even with all the moves that are wanted. @returns the encoders that it reported */
export const reportUnmet = (draft: PlanDraft): Set<number> => {
  const { context } = draft;
  const { table } = context;
  const reported = new Set<number>();
  for (const e of table.encoders.filter((encoder) => table.isDraining[encoder] === 1)) {
    const id = table.encoders.idOf(e);
    for (const channel of draft.freeChannelsOn(e)) {
      const channelId = table.channels.idOf(channel);
      draft.unplaced += table.peakOf[channel]!;
      draft.report({
        channelId,
        encoderId: id,
        why: `${id} is being drained, but no other encoder has room below its limit for ${channelId} (${formatQuanta(table.peakOf[channel]!)} units at P90)`,
      });
    }
  }
  for (const e of overloadedEncoders(draft)) {
    const overload = overloadOf(context, e);
    if (!overload) continue;
    reported.add(e);
    const residents = table.residentsOf[e]!;
    const waitsForMove = residents.some((c) => !draft.isFree(c) || isResting(context, c));
    if (!waitsForMove) draft.unplaced += table.peakOn[e]! - table.limitOf[e]!;
    draft.report({
      encoderId: table.encoders.idOf(e),
      why: waitsForMove
        ? `${overload.cause.words}; channels on it are moving or rest after a move, and no others relieve it`
        : `${overload.cause.words}; no other encoder has room below its limit for what would relieve it`,
    });
  }
  for (const c of misplacedChannels(draft)) {
    const cause = breachWhereItIs(context, c);
    if (cause === null) continue;
    draft.report({
      channelId: table.channels.idOf(c),
      why: isResting(context, c)
        ? `${cause.words}; it rests after a move`
        : `${cause.words}; no other encoder may take it`,
    });
  }
  return reported;
};

/** Reports overloads that are left because the moves of the cycle, or of an encoder, are used up. */
export const reportPostponed = (draft: PlanDraft, reported: ReadonlySet<number>): void => {
  for (const e of overloadedEncoders(draft)) {
    const overload = reported.has(e) ? null : overloadOf(draft.context, e);
    if (!overload) continue;
    const encoderId = draft.context.table.encoders.idOf(e);
    const postponed =
      draft.movesLeft > 0
        ? 'what relieves it waits for a later cycle'
        : 'the moves of this cycle are used up';
    draft.report({ encoderId, why: `${overload.cause.words}; ${postponed}` });
  }
};
