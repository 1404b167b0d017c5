import { readFile } from 'node:fs/promises';
import { readProcessStat } from '../../platform/processes/process-stat';

/** Two samples closer than this would give noise. */
const MIN_WINDOW_MS = 500;

export interface ResourceUsage {
  cpuCores: number;
  memoryMiB: number;
  networkKbps: number;
}

interface Sample {
  atMs: number;
  sentBytes: number;
  /** CPU seconds by process id. */
  cpuSeconds: Map<number, number>;
}

/** CPU seconds that a process has used; 0 once it is gone. */
const cpuSecondsOf = async (pid: number): Promise<number> => (await readProcessStat(pid))?.cpuSeconds ?? 0;

const residentMiBOf = async (pid: number): Promise<number> => {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** Measures the host and its ffmpeg processes; figures are means since the measurement before. */
export class ResourceMeter {
  private sentBytes = 0;
  private last: Sample = { atMs: performance.now(), sentBytes: 0, cpuSeconds: new Map() };
  private usage: ResourceUsage | null = null;
  private coresByPid = new Map<number, number>();

  /** Counts bytes sent over the network. */
  countSent(bytes: number): void {
    this.sentBytes += bytes;
  }

  /** Cores that one ffmpeg process used between the last two measurements; 0 if it was in none of them. */
  cpuCoresOf(pid: number | undefined): number {
    return pid === undefined ? 0 : (this.coresByPid.get(pid) ?? 0);
  }

  async measure(childPids: readonly number[]): Promise<ResourceUsage> {
    const atMs = performance.now();
    const windowMs = atMs - this.last.atMs;
    if (this.usage && windowMs < MIN_WINDOW_MS) return this.usage;
    const pids = [process.pid, ...childPids];
    const [cpu, memory] = await Promise.all([
      Promise.all(pids.map(cpuSecondsOf)),
      Promise.all(pids.map(residentMiBOf)),
    ]);
    const cpuSeconds = new Map(pids.map((pid, i) => [pid, cpu[i] ?? 0]));
    // A child that came since the last sample counts from its start, the host itself only from the first sample.
    const before = (pid: number): number =>
      this.last.cpuSeconds.get(pid) ?? (pid === process.pid ? (cpuSeconds.get(pid) ?? 0) : 0);
    this.coresByPid = new Map(
      pids.map((pid) => [
        pid,
        (Math.max(0, (cpuSeconds.get(pid) ?? 0) - before(pid)) * 1000) / Math.max(1, windowMs),
      ]),
    );
    this.usage = {
      cpuCores: [...this.coresByPid.values()].reduce((sum, cores) => sum + cores, 0),
      memoryMiB: memory.reduce((sum, m) => sum + m, 0),
      networkKbps: ((this.sentBytes - this.last.sentBytes) * 8) / Math.max(1, windowMs),
    };
    this.last = { atMs, sentBytes: this.sentBytes, cpuSeconds };
    return this.usage;
  }
}
