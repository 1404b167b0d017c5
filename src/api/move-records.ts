import type { MoveRecord } from '../contracts/api';
import type { MoveResult } from '../domain';

/** What Temporal's visibility store says of one move. */
export interface ListedMove {
  workflowId: string;
  runId: string;
  type: string;
  running: boolean;
  startedAtMs: number;
  closedAtMs: number | null;
  channelId: string | null;
  encoderId: string | null;
  reason: string | null;
}

/** The page of a run in Temporal's UI; without a run id, of the workflow's latest run. */
export const runUrl = (uiUrl: string, namespace: string, workflowId: string, runId?: string): string => {
  const workflow = `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return runId ? `${workflow}/${runId}/history` : workflow;
};

/** A move that runs now, or that ended without a result. */
export const recordWithoutResult = (listed: ListedMove, url: string, failure: string | null): MoveRecord => ({
  workflowId: listed.workflowId,
  runId: listed.runId,
  url,
  kind: listed.type === 'recovery' ? 'recovery' : 'handoff',
  channelId: listed.channelId,
  reason: listed.reason,
  outcome: listed.running ? 'running' : 'failed',
  fromEncoderId: null,
  toEncoderId: listed.encoderId,
  requestedAtMs: listed.startedAtMs,
  finishedAtMs: listed.closedAtMs,
  requestToCommitMs: null,
  overlapGops: null,
  firstGop: null,
  gapsDeclared: null,
  summary: null,
  failure: failure === null ? null : { code: 'internal', message: failure },
});

export const recordOfResult = (listed: ListedMove, url: string, result: MoveResult): MoveRecord => ({
  ...recordWithoutResult(listed, url, null),
  channelId: result.channelId,
  reason: result.reason,
  outcome: result.outcome,
  fromEncoderId: result.fromEncoderId,
  // A move refused before its target was chosen still names the one that was asked for.
  toEncoderId: result.toEncoderId ?? listed.encoderId,
  requestedAtMs: result.requestedAtMs,
  finishedAtMs: result.finishedAtMs,
  requestToCommitMs: result.committedAtMs === null ? null : result.committedAtMs - result.requestedAtMs,
  overlapGops: result.overlapGops,
  firstGop: result.firstGop,
  gapsDeclared: result.gapsDeclared,
  summary: result.explanation?.summary ?? null,
  failure: result.failure ?? null,
});
