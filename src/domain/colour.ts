import { z } from 'zod';

/** What the numbers of a picture mean: primaries, transfer and matrix, by the names that people use. */
export const COLOUR_SPACES = ['bt601-525', 'bt601-625', 'bt709', 'bt2020', 'pq', 'hlg'] as const;
export type ColourSpace = (typeof COLOUR_SPACES)[number];

const FULL = '-full';
type InputColourName = ColourSpace | `${ColourSpace}${typeof FULL}`;

export const inputColourSchema = z
  .enum(COLOUR_SPACES.flatMap((space): InputColourName[] => [space, `${space}${FULL}`]))
  .describe(
    'of the contribution, with -full for full range: renditions are marked with it, in limited range, and PQ and HLG are mapped to BT.709 for renditions of 8 bits; absent where not known',
  );
export type InputColour = z.infer<typeof inputColourSchema>;

export const inputColour = (space: ColourSpace, isFullRange: boolean): InputColour =>
  isFullRange ? `${space}${FULL}` : space;

export const partsOfColour = (colour: InputColour): { space: ColourSpace; isFullRange: boolean } => ({
  space: colour.replace(FULL, '') as ColourSpace,
  isFullRange: colour.endsWith(FULL),
});

/** It holds more than renditions of 8 bits can show. */
export const isHighRange = (space: ColourSpace): boolean => space === 'pq' || space === 'hlg';
