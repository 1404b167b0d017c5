import { readFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { searchAttributeNames, swarmWorkflowId } from '../../src/domain';
import { readProcessStat } from '../../src/platform/processes/process-stat';

const KIB_PER_MIB = 1_024;

/** What the processes of a cell have used so far. */
export interface Usage {
  atMs: number;
  /** CPU seconds and resident MiB by part. */
  cpuSeconds: Record<string, number>;
  rssMiB: Record<string, number>;
}

export const readUsage = async (pids: ReadonlyMap<string, number>): Promise<Usage> => {
  const usage: Usage = { atMs: Date.now(), cpuSeconds: {}, rssMiB: {} };
  for (const [part, pid] of pids) {
    const stat = await readProcessStat(pid);
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    usage.cpuSeconds[part] = stat?.cpuSeconds ?? 0;
    usage.rssMiB[part] = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / KIB_PER_MIB);
  }
  return usage;
};

/** CPU milliseconds a second, by part, between two readings. */
export const cpuBetween = (from: Usage, to: Usage): Record<string, number> =>
  Object.fromEntries(
    Object.entries(to.cpuSeconds).map(([part, seconds]) => [
      part,
      Math.round(((seconds - (from.cpuSeconds[part] ?? 0)) / (to.atMs - from.atMs)) * 1e6),
    ]),
  );

export interface ClosedRuns {
  tookMs: number[];
  historyBytes: number;
  statuses: Record<string, number>;
}

/** Runs of a workflow type that ended in a span of time. */
export const closedRuns = async (
  client: Client,
  options: { cell: string; type: string; fromMs: number; toMs: number },
): Promise<ClosedRuns> => {
  const { cell, type, fromMs, toMs } = options;
  const query =
    `${searchAttributeNames.cell} = "${cell}" AND WorkflowType = "${type}" AND ` +
    `CloseTime >= "${new Date(fromMs).toISOString()}" AND CloseTime <= "${new Date(toMs).toISOString()}"`;
  const runs: ClosedRuns = { tookMs: [], historyBytes: 0, statuses: {} };
  for await (const { startTime, closeTime, historySize, status } of client.workflow.list({ query })) {
    if (closeTime) runs.tookMs.push(closeTime.getTime() - startTime.getTime());
    runs.historyBytes += historySize ?? 0;
    runs.statuses[status.name] = (runs.statuses[status.name] ?? 0) + 1;
  }
  return runs;
};

/** Bytes of the history of the swarm's present run, with its id: a difference counts only within a run. */
export const swarmHistory = async (
  client: Client,
  cell: string,
): Promise<{ runId: string; bytes: number }> => {
  const { runId, historySize = 0 } = await client.workflow.getHandle(swarmWorkflowId(cell)).describe();
  return { runId, bytes: historySize };
};

/** Points that InfluxDB has taken since it began. */
export const pointsWritten = async (influxUrl: string): Promise<number> => {
  const body = new URLSearchParams({ q: "SHOW STATS FOR 'write'" });
  const answer = await fetch(`${influxUrl}/query`, { method: 'POST', body });
  const { results } = (await answer.json()) as {
    results: { series?: { columns: string[]; values: unknown[][] }[] }[];
  };
  const [series] = results[0]?.series ?? [];
  return Number(series?.values[0]?.[series.columns.indexOf('pointReq')] ?? 0);
};
