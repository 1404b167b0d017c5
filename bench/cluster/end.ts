import { SwarmError } from '../../src/domain';

/** Ends this process once its work is done, and shows why it failed. An interrupted one has ended what it started. */
export const endAfter = (work: Promise<boolean>): void => {
  work.then(
    (ok) => process.exit(ok ? 0 : 1),
    (error: unknown) => {
      const { message, hint, stack } = error as SwarmError;
      console.error(error instanceof SwarmError ? `${message}${hint ? `\nHint: ${hint}` : ''}` : stack);
      process.exit(1);
    },
  );
};
