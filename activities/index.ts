import type { Dependencies } from './dependencies';
import { encoderActivities } from './encoders';
import { withFailures } from './failures';
import { fleetActivities } from './fleet';
import { scoringActivities } from './forecast-scoring';
import { forecastingActivities } from './forecasting';
import { mediaActivities } from './media';
import { originActivities } from './origin';
import { planningActivities } from './planning';
import { requestActivities } from './requests';
import { rolloutActivities } from './rollout';
import { selfTestActivities } from './self-test';
import { retrainingActivities } from './retraining';
import { telemetryActivities } from './telemetry';
import { versionActivities } from './versions';

export type { Dependencies } from './dependencies';
export { EncoderDirectory } from './encoder-directory';
export { VersionsView } from './versions-view';
export * from './types';

/** Every activity of a cell's worker. Each is idempotent under retry, and fails with type = ErrorCode. */
export const createActivities = (dependencies: Dependencies) =>
  withFailures({
    ...planningActivities(dependencies),
    ...encoderActivities(dependencies),
    ...originActivities(dependencies),
    ...mediaActivities(dependencies),
    ...telemetryActivities(dependencies),
    ...forecastingActivities(dependencies),
    ...scoringActivities(dependencies),
    ...retrainingActivities(dependencies),
    ...fleetActivities(dependencies),
    ...requestActivities(dependencies),
    ...rolloutActivities(dependencies),
    ...versionActivities(dependencies),
    ...selfTestActivities(dependencies),
  });

export type Activities = ReturnType<typeof createActivities>;
