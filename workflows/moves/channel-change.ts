import type { ChannelChange, ChannelSpec, ChannelWorkflowState, MoveResult } from '../../src/domain';
import { changedSpec, saysTheSame } from '../../src/domain/channel-change';
import { failureOf } from '../../src/domain/move-outcome';
import { alwaysOnRungs } from '../../src/domain/rungs';
import { refusalFor } from '../kit/failures';

export interface ChangeSteps {
  /** At relay, origin and source. Throws where the input is refused: the source goes on with the one that it has. */
  register: (spec: ChannelSpec, inputMayBeAway: boolean) => Promise<void>;
  /** To a session with the ladder of `spec`; without `toEncoderId` on the fittest other encoder. */
  handoff: (to: { spec: ChannelSpec; rungs: number; toEncoderId?: string }) => Promise<MoveResult>;
}

/** Refusals of the owner that are none of the others'. */
const ELSEWHERE = new Set([
  'encoder-full',
  'encoder-cordoned',
  'encoder-unreachable',
  'encoder-incompatible',
]);

/** As many rungs as before, as far as there are so many, and those that are always on. */
const rungsOf = (spec: ChannelSpec, before: number): number =>
  Math.max(alwaysOnRungs(spec), Math.min(before, spec.ladder.length));

const toLadder = async (
  { ownerEncoderId, rungs: before }: ChannelWorkflowState,
  spec: ChannelSpec,
  handoff: ChangeSteps['handoff'],
): Promise<void> => {
  if (ownerEncoderId === null) return;
  const rungs = rungsOf(spec, before);
  let result = await handoff({ spec, rungs, toEncoderId: ownerEncoderId });
  const refused = result.outcome === 'refused' ? failureOf(result) : undefined;
  if (refused && ELSEWHERE.has(refused.code)) result = await handoff({ spec, rungs });
  const failure = failureOf(result);
  if (failure) throw refusalFor(failure);
};

/**
 * Changes a channel on air: first its input, which may be refused and is there for both ladders, then its ladder and
 * deinterlacing, by a handoff to a session that has them. Numbering and timeline go on, since both are the relay's and the
 * origin's. A channel that is off air gets its ladder with its next encoder.
 * @returns what the channel is now
 */
export const changeChannel = async (
  state: ChannelWorkflowState,
  change: ChannelChange,
  { register, handoff }: ChangeSteps,
): Promise<ChannelSpec> => {
  const before = state.spec;
  const after = changedSpec(before, change);
  // The source has to do with fields alone.
  const byField = (spec: ChannelSpec): boolean => spec.deinterlace === 'field';
  const hasOtherInput =
    !saysTheSame(before.input, after.input) ||
    !saysTheSame(before.standby, after.standby) ||
    byField(before) !== byField(after);
  if (hasOtherInput) await register(after, false);
  try {
    const isDecodedOtherwise = (before.deinterlace ?? 'none') !== (after.deinterlace ?? 'none');
    if (isDecodedOtherwise || !saysTheSame(before.ladder, after.ladder))
      await toLadder(state, after, handoff);
  } catch (error) {
    if (hasOtherInput) await register(before, true);
    throw error;
  }
  return after;
};
