import { seededRandom } from '../domain';

/** One of many independent streams of numbers in [0, 1) that come from one seed. */
export const chanceOf = (seed: number, purpose: string, index = 0): (() => number) => {
  // FNV-1a over the stream's name: neighbouring indices get unrelated streams.
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${purpose}/${index}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return seededRandom(hash);
};

/** Standard normal numbers (Box-Muller). */
export const normalOf = (random: () => number): (() => number) => {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
};
