import type { MoveResult } from './moves';

/** Why a move did not put its channel elsewhere. The code is an ErrorCode, except for what nobody foresaw. */
export interface MoveFailure {
  code: string;
  message: string;
}

/**
 * Null where the channel has moved, be it to a third encoder (`recovered`). Of a move that was refused, compensated or
 * is unresolved: why. Without zod, as workflows use it too.
 */
export const failureOf = ({
  outcome,
  failure,
}: Pick<MoveResult, 'outcome' | 'failure'>): MoveFailure | null =>
  outcome === 'completed' || outcome === 'recovered'
    ? null
    : (failure ?? { code: 'internal', message: `The move ended ${outcome}.` });

/**
 * Whether a recovery was refused because its channel has another owner by now: two who saw the same loss both asked for
 * one, and nothing has failed.
 */
export const wasNotNeeded = (move: {
  kind: string;
  outcome: string;
  failure?: MoveFailure | null | undefined;
}): boolean => move.kind === 'recovery' && move.outcome === 'refused' && move.failure?.code === 'conflict';

/** The same of what became of a decision of a control cycle. */
export const actWasNotNeeded = (act: {
  what: string;
  accepted: boolean;
  why?: string | undefined;
}): boolean =>
  !act.accepted && act.what.startsWith('recover ') && (act.why?.startsWith('conflict: ') ?? false);
