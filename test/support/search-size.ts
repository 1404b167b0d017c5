/**
 * How many cases a search at random tries: an eighth where it is run for each of thousands of mutants (`npm run
 * mutation`), since what only a long search finds deserves a test of its own.
 */
export const searchSize = (whole: number): number =>
  process.env.MUTATION_GROUP === undefined ? whole : Math.ceil(whole / 8);
