import { onInterrupt } from '../../src/platform/processes/interrupts';

/**
 * Ends a bench that tells whether all was well: exit code 0, or 1 where it was not, it failed, or was interrupted. An
 * exit ends the processes that it has started; a signal alone would not.
 */
export const exitWith = (bench: Promise<boolean>): void => {
  onInterrupt(() => process.exit(1));
  bench.then(
    (ok) => {
      process.exitCode = ok ? 0 : 1;
    },
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
};
