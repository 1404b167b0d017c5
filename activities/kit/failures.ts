import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { SwarmError, type ErrorCode } from '../../src/domain';

/** Causes that pass by themselves: the same call may succeed a moment later. All others are refusals. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'encoder-unreachable',
  'unavailable',
  'storage-full',
  'timeout',
  'ledger-unavailable',
  'internal',
]);

/** Temporal's form of an error: type = code; details carry the hint. Refusals, also another workflow's, are not retried. */
export const toFailure = (error: unknown): unknown => {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { message, type, details } = error.cause;
    return ApplicationFailure.nonRetryable(message, type, ...(details ?? []));
  }
  if (!(error instanceof SwarmError)) return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !PASSING.has(error.code),
    details: [{ hint: error.hint, details: error.details }],
  });
};

type ActivityFunction = (...args: never[]) => Promise<unknown>;

/** The same activities, with every SwarmError leaving them as an ApplicationFailure. */
export const withFailures = <A extends Record<string, ActivityFunction>>(activities: A): A =>
  Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: never[]) => {
        try {
          return await run(...args);
        } catch (error) {
          throw toFailure(error);
        }
      },
    ]),
  ) as A;
