/** Shape of the swarm's forecasts: a day is 24 steps, whatever a step's length. */
export const SEASON_STEPS = 24;
export const HORIZON_STEPS = 8;
export const HISTORY_DAYS = 21;
