import { readFile, readdir } from 'node:fs/promises';

/** Clock ticks per second of /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const CLOCK_TICKS_PER_SECOND = 100;
const SAMPLE_MS = 2_000;

interface ProcessTime {
  pid: number;
  session: number;
  ticks: number;
}

const processTimes = async (): Promise<ProcessTime[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const times = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
      if (stat === null) return null;
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { pid: Number(pid), session: Number(fields[3]), ticks: Number(fields[11]) + Number(fields[12]) };
    }),
  );
  return times.filter((time) => time !== null);
};

/**
 * Measures the CPU time of a swarm: this process and every session that its parts lead. Sampled, so that the
 * time of processes that end, however they end, is kept up to their last sample.
 */
export class CpuMeter {
  private readonly lastTicks = new Map<number, number>();
  private readonly leaders = new Set<number>();
  private usedTicks = 0;
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
    return this.usedTicks / CLOCK_TICKS_PER_SECOND / ((Date.now() - this.startedAtMs) / 1000);
  }

  private async sample(isFirst: boolean): Promise<boolean> {
    for (const pid of this.leaderPids()) this.leaders.add(pid);
    const times = await processTimes().catch(() => null);
    for (const { pid, session, ticks } of times ?? []) {
      if (pid !== process.pid && !this.leaders.has(session)) continue;
      if (!isFirst) this.usedTicks += Math.max(0, ticks - (this.lastTicks.get(pid) ?? 0));
      this.lastTicks.set(pid, ticks);
    }
    return times !== null;
  }
}
