/** Ends a bench that tells whether all was well: exit code 0, or 1 where it was not, or it failed. */
export const exitWith = (bench: Promise<boolean>): void => {
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
