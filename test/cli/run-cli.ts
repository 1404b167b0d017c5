import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `encoder-swarm` as a process of its own, without a build. */
export const runCli = (
  args: string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<CliRun> =>
  new Promise((resolve, reject) => {
    const hook = join(__dirname, 'typescript-hook.cjs');
    const child = spawn(process.execPath, ['-r', hook, join(root, 'src', 'cli', 'main.ts'), ...args], {
      cwd: options.cwd ?? root,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
