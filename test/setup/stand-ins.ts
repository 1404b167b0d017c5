import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A machine of its own to look on: an empty PATH, an empty home, and small shell scripts as programs. */
export class StandInMachine {
  private constructor(
    readonly root: string,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  static async create(): Promise<StandInMachine> {
    const root = await mkdtemp(join(tmpdir(), 'encoder-swarm-setup-'));
    const env = { HOME: join(root, 'home'), PATH: join(root, 'path') };
    await Promise.all([mkdir(env.HOME), mkdir(env.PATH)]);
    return new StandInMachine(root, env);
  }

  get cacheBin(): string {
    return join(this.root, 'home', '.cache', 'encoder-swarm', 'bin');
  }

  async program(path: string, script: string): Promise<string> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  onPath(name: string, script: string): Promise<string> {
    return this.program(join(this.root, 'path', name), script);
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
