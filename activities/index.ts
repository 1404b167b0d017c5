import type { Dependencies } from './dependencies';
import { encoderActivities } from './encoders';
import { withFailures } from './failures';
import { fleetActivities } from './fleet';
import { forecastingActivities } from './forecasting';
import { mediaActivities } from './media';
import { originActivities } from './origin';
import { planningActivities } from './planning';
import { requestActivities } from './requests';
import { retrainingActivities } from './retraining';
import { telemetryActivities } from './telemetry';

export type { Dependencies } from './dependencies';
export { EncoderDirectory } from './encoder-directory';
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
    ...retrainingActivities(dependencies),
    ...fleetActivities(dependencies),
    ...requestActivities(dependencies),
  });

export type Activities = ReturnType<typeof createActivities>;
