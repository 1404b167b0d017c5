import { isDeepStrictEqual } from 'node:util';
import { newChannel, type NewChannel } from '../channels/new-channel';
import type { SourceClient } from '../contracts/source';
import { channelWithDefaults, type ChannelSpec } from '../domain';

/** An input that has not said by then what it is does not hold up the start: its channel gets the default ladder. */
const LOOK_MS = 2_500;

/**
 * Gives each channel with an input of one's own, or a drawn picture of a given size and no ladder of its own, the frame
 * rate and the ladder that follow from it. One whose input can't be looked at in time stays as it was given; the source tries it.
 * @param limitUnits encode units that an encoder may carry
 */
export const channelsFromInputs = (
  given: readonly ChannelSpec[],
  source: Pick<SourceClient, 'look'>,
  limitUnits: number,
): Promise<NewChannel[]> =>
  Promise.all(
    given.map(async (spec) => {
      const { id, input, framesPerSecond } = spec;
      const hasDefaultLadder = isDeepStrictEqual(spec.ladder, channelWithDefaults(id).ladder);
      const isSized = input.kind === 'generated' && input.widthPx !== undefined && hasDefaultLadder;
      if (input.kind !== 'url' && !isSized) return { spec, notes: [] };
      const given = { id, input, ...(isSized && { framesPerSecond }) };
      return newChannel(given, source, () => Promise.resolve([limitUnits]), LOOK_MS).catch(() => ({
        spec,
        notes: [],
      }));
    }),
  );
