/** The clock of a series' day in at most 24 parts: what held-back forecasts made at a like hour say, counts more. */
const PARTS = 24;
/** Two origins whose clocks differ by this many parts are alike to e^-0.5. */
const WIDTH_PARTS = 1;
/** An origin at any other time of day still counts this much. */
const LEAST_AFFINITY = 0.1;

export const clockParts = (daySteps: number): number => Math.min(PARTS, daySteps);

/** Part of the day in which an absolute step lies. */
export const clockPart = (step: number, daySteps: number): number => {
  const slot = ((step % daySteps) + daySteps) % daySteps;
  return Math.floor((slot * clockParts(daySteps)) / daySteps);
};

/** How much an origin in one part of the day tells about one in another; in (0, 1]. */
export const clockAffinity = (a: number, b: number, parts: number): number => {
  const apart = Math.abs(a - b);
  const distance = Math.min(apart, parts - apart) / WIDTH_PARTS;
  return LEAST_AFFINITY + (1 - LEAST_AFFINITY) * Math.exp(-0.5 * distance ** 2);
};
