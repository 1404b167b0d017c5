import { createSeriesForecaster, type SeriesForecaster } from '../forecast';

/** The forecaster that commands use where no swarm runs, with the TensorFlow.js back end that it found. */
export interface DefaultForecaster {
  forecaster: SeriesForecaster;
  /** 'none': statistical members only. */
  backend: string;
}

/** Every series is learned from its own history alone: nothing is kept between calls. */
export const loadDefaultForecaster = async (): Promise<DefaultForecaster> => ({
  forecaster: createSeriesForecaster(),
  backend: 'none',
});
