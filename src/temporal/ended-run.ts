import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { retried } from '../platform/retry';

/** An ended run is asked through a worker, which may be starting, and has to read the whole run first. */
const ASKED = { firstMs: 500, longestMs: 2_000, patienceMs: 20_000 };
const QUERY_DEADLINE_MS = 10_000;

export interface EndedRun {
  workflowId: string;
  runId: string;
}

/** The latest run of a workflow; null where there never was one that the server remembers. @throws what the server threw */
export const latestRun = (client: Client, workflowId: string): Promise<WorkflowExecutionDescription | null> =>
  client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });

export interface AskOptions {
  patienceMs?: number;
  signal?: AbortSignal;
}

/** Asks a run that ended one of its queries. */
export type RunQuery = <T>(name: string, ...args: unknown[]) => Promise<T>;

/**
 * What a run that ended says of itself; null where no worker could tell.
 * @throws the reason of the signal, once that is aborted
 */
export const askEndedRun = async <T>(
  client: Client,
  { workflowId, runId }: EndedRun,
  ask: (query: RunQuery) => Promise<T>,
  { patienceMs = ASKED.patienceMs, signal }: AskOptions = {},
): Promise<T | null> => {
  const handle = client.workflow.getHandle(workflowId, runId);
  const query = <R>(name: string, ...args: unknown[]): Promise<R> =>
    client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () => handle.query<R, unknown[]>(name, ...args));
  try {
    return await retried(() => ask(query), { ...ASKED, patienceMs, ...(signal && { signal }) });
  } catch {
    signal?.throwIfAborted();
    return null;
  }
};

/** The arguments that a run was started with: in its first event. */
export const argumentsOfRun = async (client: Client, { workflowId, runId }: EndedRun): Promise<unknown[]> => {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const [first] = history?.events ?? [];
  const { input } = first?.workflowExecutionStartedEventAttributes ?? {};
  return decodeArrayFromPayloads(loadedDataConverter, input?.payloads);
};
