import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ErrorCode } from '../../src/domain';

/** Why a step failed, in the words of src/domain/errors.ts. */
export interface Cause {
  code: string;
  message: string;
  hint?: string;
  details?: Record<string, unknown>;
}

/** A refusal as Updates give it to their caller: type = code, the hint in the first detail. */
export const refusal = (
  code: ErrorCode,
  message: string,
  hint?: string,
  details?: Record<string, unknown>,
): ApplicationFailure =>
  ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [{ hint, details }] });

/** The same, of a cause that a step failed with. */
export const refusalOf = ({ code, message, hint, details }: Cause): ApplicationFailure =>
  refusal(code as ErrorCode, message, hint, details);

/** What is behind an error that an activity or a child workflow failed with. */
export const causeOf = (error: unknown): Cause => {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return causeOf(error.cause);
  if (error instanceof ApplicationFailure) {
    const first = error.details?.[0] as Pick<Cause, 'hint' | 'details'> | undefined;
    return {
      code: error.type ?? 'internal',
      message: error.message,
      ...(first?.hint && { hint: first.hint }),
      ...(first?.details && { details: first.details }),
    };
  }
  if (error instanceof TimeoutFailure) return { code: 'timeout', message: error.message };
  if (error instanceof CancelledFailure) return { code: 'conflict', message: 'The move was called off.' };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
};
