import { InvalidArgumentError } from 'commander';

/**
 * Argument parser of an option that takes a whole number from `least` to `most`.
 * @throws InvalidArgumentError
 */
export const wholeNumberOption =
  (least: number, most = Infinity) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most === Infinity ? `, ${least} or more` : ` from ${least} to ${most}`;
    throw new InvalidArgumentError(`Write a whole number${range}.`);
  };
