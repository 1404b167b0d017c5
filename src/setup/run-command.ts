import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 20;

export interface CommandResult {
  ok: boolean;
  /** Why it is not ok: exit status, signal, time-out, or that it could not be started. */
  why: string;
  /** The last lines that it printed on either stream, oldest first. */
  lastLines: string[];
}

/**
 * Runs a command to its end; never throws. Both streams are read line by line.
 * @param options.onLine called with each line printed
 * @param options.timeoutMs time after which the command is killed and the result is not ok
 * @param options.signal aborted, the command is ended and the result is not ok
 */
export const runCommand = (
  command: string,
  args: readonly string[],
  options: {
    env: NodeJS.ProcessEnv;
    timeoutMs: number;
    cwd?: string;
    signal?: AbortSignal | undefined;
    onLine?: (line: string) => void;
  },
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const lastLines: string[] = [];
    const { env, cwd, signal } = options;
    const child = spawn(command, args, { env, cwd, signal, stdio: ['ignore', 'pipe', 'pipe'] });
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line.trim() === '') return;
        lastLines.push(line);
        if (lastLines.length > KEPT_LINES) lastLines.shift();
        options.onLine?.(line);
      });
    }
    const end = (ok: boolean, why: string): void => {
      clearTimeout(limit);
      resolve({ ok, why, lastLines });
    };
    child.on('error', (error) => end(false, `${command} could not be started: ${error.message}`));
    child.on('close', (status, signal) => {
      if (timedOut) end(false, `${command} took longer than ${options.timeoutMs / 1000} s`);
      else if (status === 0) end(true, '');
      else end(false, `${command} ended with ${signal ?? `status ${status}`}`);
    });
  });

/** What failed and the last thing that the command said about it, in one line. */
export const explainFailure = (result: CommandResult): string => {
  const said = result.lastLines.at(-1);
  return said ? `${result.why} (${said.trim()})` : result.why;
};
