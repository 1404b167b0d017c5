import { SEASON_STEPS, createLearningForecaster, type LearningForecaster } from '../forecast';
import type { ModelHolder } from './model-holder';

/**
 * The ensemble with the promoted net among its members; each series is learned again once a day, and all of them after
 * a promotion. No forecast waits for a model: the next one has it.
 */
export const withPromotedNet = (models: ModelHolder): (() => LearningForecaster) => {
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
