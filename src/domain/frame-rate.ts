import { z } from 'zod';
import { TICKS_PER_SECOND } from './media-time';

/**
 * Frames per second: a whole number, or a fraction in lowest terms as text, such as "30000/1001" (29.97). One rate has
 * one way to be written, so that rates can be compared by `===`.
 */
export type FrameRate = number | `${number}/${number}`;

const LOWEST = 1;
const HIGHEST = 120;
/** Digits enough for 120000/1001, and so few that frames times ticks stay below 2^53 for hours of time. */
const FRACTION = /^([1-9]\d{0,5})\/([1-9]\d{0,3})$/;

const HOW = `use a whole number from ${LOWEST} to ${HIGHEST}, or a fraction as text, such as "30000/1001" for 29.97`;

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);

/** A fraction in lowest terms; a whole number where it is one. */
const rateFrom = (numerator: number, denominator: number): FrameRate => {
  const divisor = greatestCommonDivisor(numerator, denominator);
  const [n, d] = [numerator / divisor, denominator / divisor];
  return d === 1 ? n : `${n}/${d}`;
};

const rateOfText = (text: string): FrameRate | null => {
  const [, numerator, denominator] = FRACTION.exec(text) ?? [];
  if (numerator === undefined || denominator === undefined) return null;
  const rate = rateFrom(Number(numerator), Number(denominator));
  const framesPerSecond = framesPerSecondOf(rate);
  return framesPerSecond >= LOWEST && framesPerSecond <= HIGHEST ? rate : null;
};

/** Of "25" or "30000/1001", as others write it; null if it is no rate that a channel can have. */
export const parseFrameRate = (text: string): FrameRate | null =>
  rateOfText(text.includes('/') ? text : `${text}/1`);

const wholeRate = z.int(HOW).min(LOWEST, HOW).max(HIGHEST, HOW);

/** What is written to others, and read back. */
const normalisedRate = z.union([
  wholeRate,
  z
    .string()
    .regex(/^\d+\/\d+$/)
    .describe('a fraction in lowest terms, such as "30000/1001"'),
]) as unknown as z.ZodType<FrameRate, FrameRate>;

/** A rate from outside. Fractions are brought to lowest terms: "60/2" is 30. */
export const frameRateSchema = z
  .union(
    [
      wholeRate,
      z
        .string()
        .refine((text) => rateOfText(text) !== null, HOW)
        .describe(`a fraction, such as "30000/1001"; any other from ${LOWEST} to ${HIGHEST} is taken too`)
        // No pattern can say "from 1 to 120" of all fractions: of this one, every text is taken.
        .meta({ pattern: String.raw`^[1-9]\d{4}\/1001$` }),
    ],
    HOW,
  )
  .transform((given) => (typeof given === 'number' ? given : rateOfText(given)!))
  .pipe(normalisedRate);

/** Numerator and denominator of a rate. */
export const fractionOf = (rate: FrameRate): { numerator: number; denominator: number } => {
  if (typeof rate === 'number') return { numerator: rate, denominator: 1 };
  const [numerator = NaN, denominator = NaN] = rate.split('/').map(Number);
  return { numerator, denominator };
};

export const framesPerSecondOf = (rate: FrameRate): number => {
  const { numerator, denominator } = fractionOf(rate);
  return numerator / denominator;
};

/** Of a picture of this size at this rate. */
export const pixelsPerSecondOf = (
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  rate: FrameRate,
): number => widthPx * heightPx * framesPerSecondOf(rate);

/** A half or a third of a rate; it may be below the lowest that a channel can have. */
export const dividedRate = (rate: FrameRate, divisor: number): FrameRate => {
  const { numerator, denominator } = fractionOf(rate);
  return rateFrom(numerator, denominator * divisor);
};

/** Frames in a span of time; a fraction where it is no whole number of them. Exact for a whole number. */
export const framesIn = (rate: FrameRate, spanTicks: number): number => {
  const { numerator, denominator } = fractionOf(rate);
  return (spanTicks * numerator) / (denominator * TICKS_PER_SECOND);
};

/** Time that so many frames take; a fraction where it is no whole number of ticks. Exact for a whole number. */
export const ticksOf = (frames: number, rate: FrameRate): number => {
  const { numerator, denominator } = fractionOf(rate);
  return (frames * denominator * TICKS_PER_SECOND) / numerator;
};

/**
 * Time nearest to a wanted one that is whole frames and whole ticks.
 * @returns null where the rate has none up to twice the wanted time
 */
export const wholeFramesNear = (rate: FrameRate, wantedTicks: number): number | null => {
  const { numerator, denominator } = fractionOf(rate);
  const leastFrames = numerator / greatestCommonDivisor(numerator, denominator * TICKS_PER_SECOND);
  const leastTicks = ticksOf(leastFrames, rate);
  const times = Math.max(1, Math.round(wantedTicks / leastTicks));
  return times * leastTicks <= 2 * wantedTicks ? times * leastTicks : null;
};

/** For people: "29.97 frames/s". */
export const rateInWords = (rate: FrameRate): string =>
  `${Number(framesPerSecondOf(rate).toFixed(3))} frames/s`;

/** As ffmpeg takes it, for `-r` and `fps=`: "25", "30000/1001". */
export const rateForFfmpeg = (rate: FrameRate): string => String(rate);
