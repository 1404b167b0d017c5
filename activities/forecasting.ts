import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../src/domain';
import { createSeriesForecaster, forecastCell, type SeriesForecaster } from '../src/forecast';
import type { ModelHolder } from '../src/models';
import type { Dependencies } from './dependencies';
import { ForecastInputReader } from './forecast-inputs';
import { issuedSteps } from './forecast-scoring';
import { HISTORY_DAYS, HORIZON_STEPS, SEASON_STEPS } from './forecast-shape';
import { withHeartbeats } from './heartbeat';
import type { IssuedForecast } from './types';

/** Activity of the Predictive Analytics Module: history in, demand curves out, both in the store. */
export const forecastingActivities = ({
  cell,
  store,
  stepSeconds,
  temporal,
  models,
}: Pick<Dependencies, 'cell' | 'store' | 'stepSeconds' | 'temporal' | 'models'>) => {
  const forecasterNow = withPromotedNet(models);
  const reader = new ForecastInputReader(cell, store);
  return {
    issueForecast: (): Promise<IssuedForecast> =>
      withHeartbeats(async () => {
        const swarm = temporal().workflow.getHandle(swarmWorkflowId(cell));
        const { channels } = await swarm.query<SwarmWorkflowState>(swarmControl.state);
        const stepMs = stepSeconds * 1_000;
        const endMs = Math.floor(Date.now() / stepMs) * stepMs;
        const steps = HISTORY_DAYS * SEASON_STEPS;
        const shape = { stepSeconds, horizonSteps: HORIZON_STEPS };
        const forecast = forecastCell({
          ...(await reader.read({ ...shape, channels, steps, endMs })),
          ...shape,
          cell,
          atMs: endMs,
          seasonSteps: SEASON_STEPS,
          channels,
          forecaster: forecasterNow(),
        });
        await store.writeForecast(cell, forecast);
        await store.feedback.writeIssued(cell, issuedSteps(forecast));
        const peaks = Array.from({ length: HORIZON_STEPS }, (_, step) =>
          Object.values(forecast.channelUnits).reduce((sum, curve) => sum + (curve.p90[step] ?? 0), 0),
        );
        const { forecastId, model, held } = forecast;
        return {
          forecastId,
          model,
          held,
          channels: channels.length,
          historySteps: steps,
          peakUnitsP90: Math.max(0, ...peaks),
        };
      }),
  };
};

/** The ensemble with the promoted net among its members. No forecast waits for a model: the next one has it. */
const withPromotedNet = (models: ModelHolder): (() => SeriesForecaster) => {
  let net = models.member();
  let forecaster = createSeriesForecaster({ members: net ? [net] : [] });
  return () => {
    void models.refresh();
    const promoted = models.member();
    if (promoted !== net) {
      net = promoted;
      forecaster = createSeriesForecaster({ members: net ? [net] : [] });
    }
    return forecaster;
  };
};
