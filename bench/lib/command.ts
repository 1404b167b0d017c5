import { InvalidArgumentError } from 'commander';

/** Reads the value of an option that takes a whole number. @throws InvalidArgumentError */
export const wholeNumberFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`a whole number, ${least} or more`);
  };

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
