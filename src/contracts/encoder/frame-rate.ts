import { z } from 'zod';
import { fractionOf, framesPerSecondOf, frameRateSchema, type FrameRate } from '../../domain';

/** A rate as protos/encoder.proto has it: a whole number for every host, and the fraction for those that know it. */
export interface WireFrameRate {
  framesPerSecond: number;
  frameRate?: { numerator: number; denominator: number };
}

export const toWireFrameRate = (rate: FrameRate): WireFrameRate => ({
  framesPerSecond: Math.ceil(framesPerSecondOf(rate)),
  ...(typeof rate !== 'number' && { frameRate: fractionOf(rate) }),
});

/** Message `FrameRate`; proto-loader gives null for one that is absent. */
export const wireFrameRateSchema = z
  .object({ numerator: z.int().min(1), denominator: z.int().min(1) })
  .transform(({ numerator, denominator }) => `${numerator}/${denominator}` as string | number)
  .pipe(frameRateSchema)
  .nullish();
