import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { encodeHistory, HISTORY_SUFFIX } from './saved-history';

interface Run {
  workflowId: string;
  runId: string;
  type: string;
  events: number;
  startedAtMs: number;
}

const allRuns = async (client: Client): Promise<Run[]> => {
  const runs: Run[] = [];
  for await (const { workflowId, runId, type, historyLength, startTime } of client.workflow.list()) {
    // Those of Temporal itself, such as its schedules, are not ours.
    if (type.startsWith('temporal-sys-')) continue;
    runs.push({ workflowId, runId, type, events: historyLength, startedAtMs: startTime.getTime() });
  }
  return runs;
};

/** Of each kind of workflow: the longest, which did the most, and the latest, which may still run. */
const chosen = (runs: readonly Run[]): Run[] => {
  const latest = [...runs].sort((a, b) => b.startedAtMs - a.startedAtMs)[0];
  const longest = [...runs].sort((a, b) => b.events - a.events).find((run) => run !== latest);
  return [longest, latest].filter((run) => run !== undefined);
};

/** How many runs of one kind of workflow a server knows. */
export const countRuns = async (client: Client, workflowType: string): Promise<number> =>
  (await client.workflow.count(`WorkflowType = "${workflowType}"`)).count;

/**
 * Saves histories of every kind of workflow that a server knows.
 * @returns how many of each kind were found and saved
 */
export const recordHistories = async (
  client: Client,
  folder: string,
): Promise<Record<string, { found: number; saved: number }>> => {
  await mkdir(folder, { recursive: true });
  const byType = new Map<string, Run[]>();
  for (const run of await allRuns(client)) byType.set(run.type, [...(byType.get(run.type) ?? []), run]);
  const counts: Record<string, { found: number; saved: number }> = {};
  for (const [type, runs] of [...byType].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const kept = chosen(runs);
    for (const [i, { workflowId, runId }] of kept.entries()) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      await writeFile(join(folder, `${type}-${i + 1}${HISTORY_SUFFIX}`), await encodeHistory(history));
    }
    counts[type] = { found: runs.length, saved: kept.length };
  }
  return counts;
};
