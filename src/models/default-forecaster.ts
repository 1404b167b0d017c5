import { createSeriesForecaster, type EnsembleMember, type SeriesForecaster } from '../forecast';
import { loadShippedMember } from './shipped-member';

/** The forecaster that commands use where no swarm runs, with the TensorFlow.js back end that it found. */
export interface DefaultForecaster {
  forecaster: SeriesForecaster;
  /** The net, where it can be had. */
  members: readonly EnsembleMember[];
  /** 'none': statistical members only. */
  backend: string;
}

/**
 * The ensemble with the shipped net among its members; without it, and with a line that says why, where the net
 * can't be had. Every series is learned from its own history alone: nothing is kept between calls.
 */
export const loadDefaultForecaster = async (
  say: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Promise<DefaultForecaster> => {
  try {
    const shipped = await loadShippedMember();
    if (shipped) {
      const members = [shipped.member];
      return { forecaster: createSeriesForecaster({ members }), members, backend: shipped.backEnd };
    }
  } catch (error) {
    say(`Forecasting without the net: ${(error as Error).message}`);
  }
  return { forecaster: createSeriesForecaster(), members: [], backend: 'none' };
};
