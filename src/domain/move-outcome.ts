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
