import type { CellForecast } from '../../src/domain';
import {
  HISTORY_DAYS,
  HORIZON_STEPS,
  SEASON_STEPS,
  firstTargetMs,
  forecastCell,
  issuedSteps,
  type CellForecastInput,
} from '../../src/forecast';
import { BackgroundLearner, withPromotedNet } from '../../src/models';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { IssuedForecast } from '../kit/types';

/** Largest P90 of the whole cell over the horizon, encode units. */
const peakUnitsOf = ({ channelUnits }: CellForecast): number => {
  const curves = Object.values(channelUnits);
  const totals = Array.from({ length: HORIZON_STEPS }, (_, step) =>
    curves.reduce((sum, { p90 }) => sum + (p90[step] ?? 0), 0),
  );
  return Math.max(0, ...totals);
};

/** Activity of the Predictive Analytics Module: history in, demand curves out, both in the store. */
export const forecastingActivities = ({
  cell,
  store,
  stepSeconds,
  timeZones = {},
  swarm,
  models,
  forecastInputs,
}: Pick<
  Dependencies,
  'cell' | 'store' | 'stepSeconds' | 'timeZones' | 'swarm' | 'models' | 'forecastInputs'
>) => {
  const forecasterNow = withPromotedNet(models);
  const learner = new BackgroundLearner();
  return {
    issueForecast: (): Promise<IssuedForecast> =>
      withHeartbeats(async () => {
        const { channels } = await swarm.present();
        const endMs = firstTargetMs(Date.now(), stepSeconds);
        const steps = HISTORY_DAYS * SEASON_STEPS;
        const shape = { stepSeconds, horizonSteps: HORIZON_STEPS };
        const forecaster = forecasterNow();
        const input: CellForecastInput = {
          ...(await forecastInputs.read({ ...shape, channels, steps, endMs })),
          ...shape,
          cell,
          atMs: endMs,
          seasonSteps: SEASON_STEPS,
          channels,
          timeZones,
          forecaster,
        };
        await learner.learnFor(forecaster, input);
        const forecast = forecastCell(input);
        await store.writeForecast(cell, forecast);
        await store.feedback.writeIssued(cell, issuedSteps(forecast));
        const { forecastId, model, held } = forecast;
        return {
          forecastId,
          model,
          held,
          channels: channels.length,
          historySteps: steps,
          peakUnitsP90: peakUnitsOf(forecast),
        };
      }),
  };
};
