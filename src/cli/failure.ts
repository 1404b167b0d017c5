import { CommanderError } from 'commander';
import { SwarmError } from '../domain';

export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Work that was done, but whose answer is "no": its output is printed already. */
export class AnsweredNo extends Error {
  override readonly name = 'AnsweredNo';
}

/** Input, such as a file or JSON lines, that can't be used: like wrong usage, and unlike a refusal by the swarm. */
export class UnusableInput extends SwarmError {
  constructor(message: string, hint: string) {
    super('bad-request', message, hint);
  }
}

/** Prints why a command failed, with the hint, on standard error, and returns the exit code. */
export const reportFailure = (error: unknown, json: boolean): number => {
  if (error instanceof AnsweredNo) return exitCodes.failure;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok;
    // Without --json commander has printed it already.
    if (json)
      printError(
        new SwarmError('bad-request', error.message.replace(/^error: /, ''), 'See encoder-swarm --help.'),
        true,
      );
    return exitCodes.usage;
  }
  const known =
    error instanceof SwarmError
      ? error
      : new SwarmError('internal', error instanceof Error ? error.message : String(error));
  printError(known, json);
  return known instanceof UnusableInput ? exitCodes.usage : exitCodes.failure;
};

const printError = (error: SwarmError, json: boolean): void => {
  const hint = error.hint ? `\n  Hint: ${error.hint}` : '';
  const text = json ? JSON.stringify(error.toBody()) : `encoder-swarm: ${error.message}${hint}`;
  process.stderr.write(`${text}\n`);
};
