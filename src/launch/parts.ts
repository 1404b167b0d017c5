import { SwarmError } from '../domain';
import type { LocalFleet } from '../fleet/local-fleet';
import { PartProcess, type PartOptions } from '../platform/processes/part-process';

/** The processes of one swarm, and the order in which they end. */
export class Parts {
  private readonly byName = new Map<string, PartProcess>();
  fleet: LocalFleet | null = null;
  closeAgent: () => Promise<void> = async () => {};
  private stopped = false;

  async start(options: PartOptions): Promise<void> {
    if (this.stopped)
      throw new SwarmError('unavailable', `The swarm is stopping: ${options.name} is not started.`);
    const part = new PartProcess(options);
    this.byName.set(options.name, part);
    return part.start();
  }

  /** See PartProcess.renew; nothing to do for a part that this swarm does not run. */
  renew(name: string, why: string): void {
    this.byName.get(name)?.renew(why);
  }

  /**
   * Nothing new comes in, then nobody decides (or the end of an encoder would look like its loss), then the
   * media path from its start to its end; the databases meanwhile, as nobody uses them any more.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.stopNamed(['source']);
    await Promise.all([this.stopNamed(['collector', 'api', 'worker']), this.closeAgent()]);
    const mediaPath = async (): Promise<void> => {
      await this.fleet?.stopAll();
      await this.stopNamed([...this.namesOf('relay'), ...this.namesOf('origin')]);
      // Origins write to it until they end.
      await this.stopNamed(this.namesOf('etcd'));
    };
    await Promise.all([mediaPath(), this.stopNamed(['temporal', 'influxdb'])]);
  }

  killNow(): void {
    this.stopped = true;
    this.fleet?.killAllNow();
    for (const part of this.byName.values()) part.killNow();
  }

  /** A part, or all of its replicas. */
  private namesOf(part: string): string[] {
    return [...this.byName.keys()].filter((name) => name === part || name.startsWith(`${part}-`));
  }

  private async stopNamed(names: string[]): Promise<void> {
    await Promise.all(names.map(async (name) => this.byName.get(name)?.stop()));
  }
}
