import type { CellForecast } from '../domain';

/**
 * Index of the forecast's step in which a moment lies. Steps are counted on the wall clock's grid of
 * `stepSeconds`; step 0 is the one in which the forecast was issued.
 */
export const stepAt = (forecast: CellForecast, atMs: number): number => {
  const stepMs = forecast.stepSeconds * 1000;
  return Math.max(0, Math.floor(atMs / stepMs) - Math.floor(forecast.issuedAtMs / stepMs));
};

/** Milliseconds from a moment until a step of the forecast begins; 0 if it has begun. */
export const msUntilStep = (forecast: CellForecast, step: number, atMs: number): number => {
  const stepMs = forecast.stepSeconds * 1000;
  const startMs = (Math.floor(forecast.issuedAtMs / stepMs) + step) * stepMs;
  return Math.max(0, startMs - atMs);
};

/** Start of the step in which a forecast was issued; step k of its curves begins k steps later. */
export const firstTargetMs = (issuedAtMs: number, stepSeconds: number): number => {
  const stepMs = stepSeconds * 1000;
  return Math.floor(issuedAtMs / stepMs) * stepMs;
};
