import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { encodeHistory, HISTORY_SUFFIX } from './saved-history';

/** Of each kind of workflow: the longest, which did the most, and the latest, which may still run. */
const KEPT_OF_A_KIND = 2;

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

const chosen = (runs: readonly Run[]): Run[] => {
  // Several runs of one workflow tell more together than those of two workflows.
  const latest = [...runs].sort((a, b) => b.startedAtMs - a.startedAtMs)[0];
  const longest = [...runs].sort((a, b) => b.events - a.events).find((run) => run !== latest);
  return [longest, latest].filter((run) => run !== undefined).slice(0, KEPT_OF_A_KIND);
};

/**
 * Saves histories of every kind of workflow that a server knows.
 * @returns how many of each kind were found and saved
 */
export const recordHistories = async (o: {
  address: string;
  folder: string;
}): Promise<Record<string, { found: number; saved: number }>> => {
  await mkdir(o.folder, { recursive: true });
  const connection = await Connection.connect({ address: o.address });
  try {
    const client = new Client({ connection });
    const byType = new Map<string, Run[]>();
    for (const run of await allRuns(client)) byType.set(run.type, [...(byType.get(run.type) ?? []), run]);
    const counts: Record<string, { found: number; saved: number }> = {};
    for (const [type, runs] of [...byType].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const kept = chosen(runs);
      for (const [i, { workflowId, runId }] of kept.entries()) {
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        await writeFile(join(o.folder, `${type}-${i + 1}${HISTORY_SUFFIX}`), await encodeHistory(history));
      }
      counts[type] = { found: runs.length, saved: kept.length };
    }
    return counts;
  } finally {
    await connection.close();
  }
};
