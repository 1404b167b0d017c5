import { createSeriesForecaster, type SeriesForecaster } from '../forecast';
import { loadShippedMember } from '../models';

/** The ensemble with the shipped net among its members; without it, and a line that says so, where it can't be had. */
export const createJsonlForecaster = async (
  say: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Promise<SeriesForecaster> => {
  try {
    const shipped = await loadShippedMember();
    return createSeriesForecaster({ members: shipped ? [shipped.member] : [] });
  } catch (error) {
    say(`Forecasting without the net: ${(error as Error).message}`);
    return createSeriesForecaster();
  }
};
