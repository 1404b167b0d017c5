import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../src/domain';
import {
  createLearningForecaster,
  forecastCell,
  seriesOfCell,
  type CellForecastInput,
  type LearningForecaster,
} from '../../src/forecast';
import type { ModelHolder } from '../../src/models';
import type { Dependencies } from '../kit/dependencies';
import { ForecastInputReader } from './forecast-inputs';
import { issuedSteps } from './forecast-scoring';
import { HISTORY_DAYS, HORIZON_STEPS, SEASON_STEPS } from './forecast-shape';
import { withHeartbeats } from '../kit/heartbeat';
import { learnDue } from './learn-due';
import type { IssuedForecast } from '../kit/types';

/** What a forecast takes for learning before it is issued; the series left over are learned after it. */
const LEARN_FIRST_MS = 2_000;

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
  const learner = new Learner();
  return {
    issueForecast: (): Promise<IssuedForecast> =>
      withHeartbeats(async () => {
        const swarm = temporal().workflow.getHandle(swarmWorkflowId(cell));
        const { channels } = await swarm.query<SwarmWorkflowState>(swarmControl.state);
        const stepMs = stepSeconds * 1_000;
        const endMs = Math.floor(Date.now() / stepMs) * stepMs;
        const steps = HISTORY_DAYS * SEASON_STEPS;
        const shape = { stepSeconds, horizonSteps: HORIZON_STEPS };
        const forecaster = forecasterNow();
        const input: CellForecastInput = {
          ...(await reader.read({ ...shape, channels, steps, endMs })),
          ...shape,
          cell,
          atMs: endMs,
          seasonSteps: SEASON_STEPS,
          channels,
          forecaster,
        };
        await learner.learnFor(forecaster, input);
        const forecast = forecastCell(input);
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

/**
 * Learns what is due for a forecast: as much as there is time for before it, the rest in the background, with the
 * event loop turning in between. So the first forecast of a thousand channels is not late; those whose turn has not
 * come have the seasonal rule, or what was learned of them before.
 */
class Learner {
  private learning: Promise<unknown> | null = null;

  async learnFor(forecaster: LearningForecaster, input: CellForecastInput): Promise<void> {
    if (this.learning) return;
    const stopAtMs = performance.now() + LEARN_FIRST_MS;
    const left = await learnDue(forecaster, seriesOfCell(input), {
      until: () => performance.now() > stopAtMs,
    });
    if (left.length === 0) return;
    this.learning = learnDue(forecaster, left, { until: () => false })
      // What can't be learned is due again at the next forecast.
      .catch(() => undefined)
      .finally(() => (this.learning = null));
  }
}

/**
 * The ensemble with the promoted net among its members; each series is learned anew once a day, and all of them after
 * a promotion. No forecast waits for a model: the next one has it.
 */
const withPromotedNet = (models: ModelHolder): (() => LearningForecaster) => {
  const withNet = (net: ReturnType<ModelHolder['member']>): LearningForecaster =>
    createLearningForecaster({ members: net ? [net] : [], refitEverySteps: SEASON_STEPS });
  let net = models.member();
  let forecaster = withNet(net);
  return () => {
    void models.refresh();
    const promoted = models.member();
    if (promoted !== net) {
      net = promoted;
      forecaster = withNet(net);
    }
    return forecaster;
  };
};
