import type { RenditionFacts } from '../domain';

/**
 * What must be equal for a switch that no player notices, as one text: parameter sets (and so profile, level, picture
 * size, colour, timing and reordering), the frames of each GOP with their times, the audio that goes with them, and the
 * streams in the container. The order in which the facts were measured does not matter.
 */
export const seamSignature = (facts: readonly RenditionFacts[]): string =>
  facts
    .map((f) =>
      [f.case, f.rendition, f.codec, f.parameterSets, f.pictureTimes, f.audioTimes, f.streams].join('|'),
    )
    .sort()
    .join('\n');

/** Fields of the facts, in the order in which people want to read of a difference. */
const COMPARED = [
  'codec',
  'pictureSize',
  'colour',
  'sampleAspect',
  'timing',
  'reorderFrames',
  'streams',
  'pictureTimes',
  'audioTimes',
  'parameterSets',
] as const satisfies readonly (keyof RenditionFacts)[];

/**
 * Compatibility class of a build: builds of one class may follow each other without a discontinuity.
 * @param hashOf hex hash of a text; the same one for every build
 */
export const compatibilityClassOf = (
  facts: readonly RenditionFacts[],
  hashOf: (text: string) => string,
): string => `c-${hashOf(seamSignature(facts)).slice(0, 12)}`;

/** In which ways two builds differ, in words; none if they are of one class. */
export const differencesBetween = (
  one: readonly RenditionFacts[],
  other: readonly RenditionFacts[],
): string[] => {
  const keyOf = (f: RenditionFacts): string => `${f.case} ${f.rendition}`;
  const others = new Map(other.map((f) => [keyOf(f), f]));
  const known = new Set(one.map(keyOf));
  return [
    ...one.flatMap((f) => {
      const options = others.get(keyOf(f));
      if (!options) return [`${keyOf(f)} was probed in one only`];
      return COMPARED.filter((field) => f[field] !== options[field]).map(
        (field) => `${keyOf(f)}: ${field} ${f[field] ?? 'none'} against ${options[field] ?? 'none'}`,
      );
    }),
    ...other.filter((f) => !known.has(keyOf(f))).map((f) => `${keyOf(f)} was probed in one only`),
  ];
};
