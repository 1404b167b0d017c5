import { Client, WorkflowUpdateFailedError, type WorkflowClientInterceptor } from '@temporalio/client';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';

/** `startUpdate` itself returns a handle also for a refused Update, whose `result()` alone tells. */
const refuseAtOnce: WorkflowClientInterceptor = {
  async startUpdate(input, next) {
    const output = await next(input);
    const failure = output.outcome?.failure;
    if (!failure) return output;
    throw new WorkflowUpdateFailedError(
      'Workflow Update refused',
      defaultFailureConverter.failureToError(failure, defaultPayloadConverter),
    );
  },
};

/** The same connection, but an Update that its validator refuses fails when it is started. */
export const refusingClient = ({ connection, options }: Client): Client =>
  new Client({ connection, namespace: options.namespace, interceptors: { workflow: [refuseAtOnce] } });
