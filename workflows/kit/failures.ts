import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ErrorCode, ErrorFields } from '../../src/domain';
import { fromFailureFields, toFailureFields } from '../../src/domain/error-codec';

/** Why a step failed, in the words of src/domain/errors.ts. */
export type Cause = Omit<ErrorFields, 'code'> & { code: string };

/** A refusal as Updates give it to their caller. */
export const refusal = (
  code: ErrorCode,
  message: string,
  hint?: string,
  details?: Record<string, unknown>,
): ApplicationFailure => refusalFor({ code, message, hint, details });

/** The same, of a cause that a step failed with. */
export const refusalFor = (cause: Cause): ApplicationFailure =>
  ApplicationFailure.create({ ...toFailureFields(cause), nonRetryable: true });

/** What is behind an error that an activity or a child workflow failed with. */
export const causeOf = (error: unknown): Cause => {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return causeOf(error.cause);
  if (error instanceof ApplicationFailure) {
    return fromFailureFields(error);
  }
  if (error instanceof TimeoutFailure) return { code: 'timeout', message: error.message };
  if (error instanceof CancelledFailure) return { code: 'conflict', message: 'The move was called off.' };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
};

/** Gives an error of a step to the caller of an Update, as its refusal. For `catch`. */
export const throwAsRefusal = (error: unknown): never => {
  throw refusalFor(causeOf(error));
};
