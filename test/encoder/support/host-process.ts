import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(__dirname, '..', '..', '..');
const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');

/** An encoder host as a process of its own, run from the sources. */
export class HostProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  /** Resolves once it serves; port 0 picks a free one. */
  static async start(port = 0, environment: NodeJS.ProcessEnv = {}): Promise<HostProcess> {
    const child = spawn(process.execPath, ['-r', runner, join(root, 'src/media/encoder/main.ts')], {
      cwd: root,
      env: {
        ...process.env,
        SWARM_LOG_LEVEL: 'info',
        ENCODER_PORT: String(port),
        ENCODER_CAPACITY_UNITS: '6',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line);
      const { address } = JSON.parse(line) as { address?: string };
      if (!address) continue;
      child.stdout.resume();
      return new HostProcess(child, address);
    }
    throw new Error(`the host ended: ${said.join('\n')}`);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get port(): number {
    return Number(this.address.split(':')[1]);
  }

  /** Process ids of its ffmpeg. */
  ffmpegPids(): number[] {
    return execFileSync('ps', ['-e', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, name]) => Number(parent) === this.pid && name === 'ffmpeg')
      .map(([pid]) => Number(pid));
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal and waits for the end. @returns its exit code; null if it died of the signal. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}
