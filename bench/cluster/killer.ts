import { pause } from '../../src/platform/retry';
import type { Cluster } from './cluster';
import { drawKills, victims, type Kill, type Victim } from './kill-plan';
import type { Suite } from './suites';

/** A process that is just being started is waited for. */
const RUNNING_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 250;

export const noKills = (): Record<Victim, number> =>
  Object.fromEntries(victims.map((victim) => [victim, 0])) as Record<Victim, number>;

/** Kills by the plan of a seed, while there is load: its clock stands still in between. */
export class Killer {
  private readonly plan: Generator<Kill, never>;
  private next: Kill;
  /** Load so far, without that of the moment. */
  private loadMs = 0;

  constructor(
    private readonly cluster: Cluster,
    seed: number,
    private readonly say: (line: string) => void,
  ) {
    this.plan = drawKills(seed);
    this.next = this.plan.next().value;
  }

  /** Until the signal is aborted. @returns what was killed */
  async run(suite: Suite, signal: AbortSignal): Promise<Record<Victim, number>> {
    const kills = noKills();
    const beganAt = performance.now();
    const loadNow = (): number => this.loadMs + performance.now() - beganAt;
    while (!signal.aborted) {
      const kill = this.next;
      await pause(Math.max(0, kill.atMs - loadNow()), signal);
      if (signal.aborted) break;
      const name = await this.carryOut(kill, suite, signal);
      if (name !== null) {
        kills[kill.victim] += 1;
        this.say(`  killed: ${name}`);
      }
      this.next = this.plan.next().value;
    }
    this.loadMs = loadNow();
    return kills;
  }

  private async carryOut({ victim, host }: Kill, suite: Suite, signal: AbortSignal): Promise<string | null> {
    const deadline = performance.now() + RUNNING_WITHIN_MS;
    while (!signal.aborted && performance.now() < deadline) {
      const name =
        victim === 'worker'
          ? suite.killWorker()
            ? 'worker of the swarm'
            : null
          : this.cluster.kill({ victim, host });
      if (name !== null) return name;
      await pause(LOOK_EVERY_MS, signal);
    }
    return null;
  }
}
