import { Client, WorkflowUpdateFailedError, type WorkflowClientInterceptor } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow';

/** `startUpdate` itself returns a handle also for a refused Update, whose `result()` alone tells. */
const refuseAtOnce = (converter: LoadedDataConverter): WorkflowClientInterceptor => ({
  async startUpdate(input, next) {
    const output = await next(input);
    const failure = output.outcome?.failure;
    if (!failure) return output;
    throw new WorkflowUpdateFailedError(
      'Workflow Update refused',
      await decodeOptionalFailureToOptionalError(converter, failure),
    );
  },
});

/** The same connection, but an Update that its validator refuses fails when it is started. */
export const refusingClient = ({ connection, options }: Client): Client =>
  new Client({
    connection,
    namespace: options.namespace,
    dataConverter: { payloadCodecs: options.loadedDataConverter.payloadCodecs },
    interceptors: { workflow: [refuseAtOnce(options.loadedDataConverter)] },
  });
