/**
 * The planner counts encode units in whole hundred-millionths. Sums of whole numbers are exact in any order, so
 * that a plan depends neither on the order in which channels were read nor on whether its sums were made again
 * or kept up to date over many cycles. A double holds such sums exactly up to 90 million units.
 */
const QUANTA_PER_UNIT = 1e8;

export const toQuanta = (units: number): number => Math.round(units * QUANTA_PER_UNIT);

export const toUnits = (quanta: number): number => quanta / QUANTA_PER_UNIT;

export const formatUnits = (units: number): string => units.toFixed(2);

export const formatQuanta = (quanta: number): string => formatUnits(toUnits(quanta));
