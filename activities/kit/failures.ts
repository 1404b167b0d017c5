import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { SwarmError, fromFailureFields, passingCodes, toFailureFields } from '../../src/domain';

/** Temporal's form of an error. Refusals, also another workflow's, are not retried. */
export const toFailure = (error: unknown): unknown => {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    return ApplicationFailure.create({
      ...toFailureFields(fromFailureFields(error.cause)),
      nonRetryable: true,
    });
  }
  if (!(error instanceof SwarmError)) return error;
  return ApplicationFailure.create({
    ...toFailureFields(error),
    nonRetryable: !passingCodes.has(error.code),
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
