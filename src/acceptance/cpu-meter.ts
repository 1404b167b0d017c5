import { readdir } from 'node:fs/promises';
import { readProcessStat } from '../platform/processes/process-stat';

const SAMPLE_MS = 2_000;

interface ProcessTime {
  pid: number;
  session: number;
  cpuSeconds: number;
}

const processTimes = async (): Promise<ProcessTime[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const times = await Promise.all(
    pids.map(async (name) => {
      const pid = Number(name);
      const stat = await readProcessStat(pid);
      return stat && { pid, session: stat.session, cpuSeconds: stat.cpuSeconds };
    }),
  );
  return times.filter((time) => time !== null);
};

/**
 * Measures the CPU time of a swarm: this process and every session that its parts lead. Sampled, so that the
 * time of processes that end, however they end, is kept up to their last sample.
 */
export class CpuMeter {
  private readonly lastCpuSeconds = new Map<number, number>();
  private readonly leaders = new Set<number>();
  private usedCpuSeconds = 0;
  private startedAtMs = 0;
  private timer: NodeJS.Timeout | null = null;

  /** @param leaderPids the parts' processes; asked again at each sample */
  constructor(private readonly leaderPids: () => number[]) {}

  async start(): Promise<void> {
    await this.sample(true);
    this.startedAtMs = Date.now();
    this.timer = setInterval(() => void this.sample(false), SAMPLE_MS);
  }

  /** @returns cores in use on average since the start; null where there is no /proc */
  async stop(): Promise<number | null> {
    if (this.timer) clearInterval(this.timer);
    if (!(await this.sample(false))) return null;
    return this.usedCpuSeconds / ((Date.now() - this.startedAtMs) / 1000);
  }

  private async sample(isFirst: boolean): Promise<boolean> {
    for (const pid of this.leaderPids()) this.leaders.add(pid);
    const times = await processTimes().catch(() => null);
    for (const { pid, session, cpuSeconds } of times ?? []) {
      if (pid !== process.pid && !this.leaders.has(session)) continue;
      if (!isFirst) this.usedCpuSeconds += Math.max(0, cpuSeconds - (this.lastCpuSeconds.get(pid) ?? 0));
      this.lastCpuSeconds.set(pid, cpuSeconds);
    }
    return times !== null;
  }
}
