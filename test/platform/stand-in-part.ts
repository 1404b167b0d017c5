import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartEvent, PartOptions } from '../../src/platform/processes/part-process';

/** Whether a process runs. */
export const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A folder with a small node program in it that stands in for a part. */
export class StandInPart {
  readonly events: PartEvent[] = [];
  readonly spawned: number[] = [];

  private constructor(readonly folder: string) {}

  static async create(script: string): Promise<StandInPart> {
    const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-part-'));
    await writeFile(join(folder, 'part.js'), script);
    return new StandInPart(folder);
  }

  get program(): string {
    return join(this.folder, 'part.js');
  }

  options(changes: Partial<PartOptions> = {}): PartOptions {
    return {
      name: 'stand-in',
      command: process.execPath,
      args: [this.program],
      env: { ...process.env, FOLDER: this.folder },
      logFile: join(this.folder, 'logs', 'stand-in.log'),
      awaitReady: async () => {},
      readyLimitMs: 10_000,
      stopLimitMs: 5_000,
      restartDelayMs: () => 50,
      onEvent: (event) => this.events.push(event),
      onSpawned: (_, pid) => this.spawned.push(pid),
      onEnded: () => {},
      ...changes,
    };
  }

  read(file: string): Promise<string> {
    return readFile(join(this.folder, file), 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
