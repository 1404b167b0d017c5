import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PartProcess } from '../support/part-process';
import { freePort } from '../support/ports';

/** A relay as a process of its own. */
export class RelayProcess extends PartProcess {
  private constructor(
    readonly url: string,
    readonly stateDir: string,
    environment: NodeJS.ProcessEnv,
  ) {
    super('media/relay/main.ts', `${url}/healthz`, environment);
  }

  static async create(options: { stateDir?: string; ringSeconds?: number } = {}): Promise<RelayProcess> {
    const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'relay-process-')));
    const port = await freePort();
    return new RelayProcess(`http://127.0.0.1:${port}`, stateDir, {
      SWARM_STATE_DIR: stateDir,
      SWARM_RELAY_PORT: String(port),
      SWARM_RING_SECONDS: String(options.ringSeconds ?? 60),
    });
  }
}
