import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { SwarmError } from '../domain';

/** How a run of a workflow on the server fares with the code at hand. */
export interface ReplayReport {
  workflowId: string;
  runId: string;
  workflowType: string;
  events: number;
  /** True where the code takes every decision as the history has it. */
  replays: boolean;
  /** Where and how it decides otherwise; absent where it replays. */
  divergence?: { eventId: number | null; eventType: string | null; message: string };
}

/** Workflows as `npm run build` bundled them, else the sources, which the SDK bundles by itself. */
const workflows = (): { workflowBundle: WorkflowBundleOption } | { workflowsPath: string } => {
  const codePath = join(__dirname, '..', '..', 'workflow-bundle.js');
  return existsSync(codePath)
    ? { workflowBundle: { codePath } }
    : { workflowsPath: join(__dirname, '..', '..', 'workflows') };
};

/** The SDK's words name the event as "HistoryEvent(id: 6, ActivityTaskScheduled)" or "event id 6". */
const eventIn = (message: string): number | null => {
  const [, id] = /HistoryEvent\(id: (\d+)/.exec(message) ?? /event[ _]?id:? (\d+)/i.exec(message) ?? [];
  return id === undefined ? null : Number(id);
};

/**
 * Replays one run of a workflow from the server against the workflow code of this installation.
 * @param runId absent: the latest run
 * @throws SwarmError not-found for a workflow that the server does not know (or has forgotten by its retention)
 */
export const replayFromServer = async (
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<ReplayReport> => {
  const handle = client.workflow.getHandle(workflowId, runId);
  const { runId: found, type } = await handle.describe().catch((error: unknown) => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new SwarmError(
      'not-found',
      `Temporal knows no workflow ${workflowId}${runId ? ` with run ${runId}` : ''}.`,
      'Take the id from `encoder-swarm explain` or from the Temporal UI; closed runs are kept for the retention of the namespace.',
    );
  });
  const history = await client.workflow.getHandle(workflowId, found).fetchHistory();
  const events = history.events ?? [];
  const report = { workflowId, runId: found, workflowType: type, events: events.length };
  try {
    const { payloadCodecs } = client.options.loadedDataConverter;
    await Worker.runReplayHistory({ ...workflows(), dataConverter: { payloadCodecs } }, history, workflowId);
    return { ...report, replays: true };
  } catch (error) {
    const { message } = error as Error;
    const eventId = eventIn(message);
    const event = events.find((e) => Number(e.eventId) === eventId);
    const eventType = event ? attributesName(event as Record<string, unknown>) : null;
    return { ...report, replays: false, divergence: { eventId, eventType, message } };
  }
};

/** `activityTaskScheduledEventAttributes` says what sort of event it is, in words. */
const attributesName = (event: Record<string, unknown>): string | null =>
  Object.keys(event)
    .find((key) => key.endsWith('EventAttributes') && event[key] !== null && event[key] !== undefined)
    ?.replace('EventAttributes', '') ?? null;

/** The SDK's own log of a replay says again what the report says. */
export const quietReplay = (): void => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
};
