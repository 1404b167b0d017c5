import { chooseTargetActivities } from './cycle/choose-target';
import { olderCycleActivities } from './cycle/older-cycle';
import { planningActivities } from './cycle/planning';
import { telemetryActivities } from './cycle/telemetry';
import { fleetActivities } from './fleet/fleet';
import { forecastingActivities } from './forecast/forecasting';
import { retrainingActivities } from './forecast/retraining';
import { scoringActivities } from './forecast/scoring';
import type { Dependencies } from './kit/dependencies';
import { withFailures } from './kit/failures';
import { awaitPublishedActivities } from './moves/await-published';
import { encoderActivities } from './moves/encoders';
import { mediaActivities } from './moves/media';
import { originActivities } from './moves/origin';
import { requestActivities } from './moves/requests';
import { takeOverActivities } from './moves/take-over';
import { rolloutActivities } from './versions/rollout';
import { selfTestActivities } from './versions/self-test';
import { buildActivities, versionActivities } from './versions/versions';

export type { Dependencies } from './kit/dependencies';
export * from './kit/types';

/** Every activity of a cell's worker. Each is idempotent under retry, and fails with type = ErrorCode. */
export const createActivities = (dependencies: Dependencies) =>
  withFailures({
    ...planningActivities(dependencies),
    ...chooseTargetActivities(dependencies),
    ...olderCycleActivities(dependencies),
    ...encoderActivities(dependencies),
    ...takeOverActivities(dependencies),
    ...originActivities(dependencies),
    ...awaitPublishedActivities(dependencies),
    ...mediaActivities(dependencies),
    ...telemetryActivities(dependencies),
    ...forecastingActivities(dependencies),
    ...scoringActivities(dependencies),
    ...retrainingActivities(dependencies),
    ...fleetActivities(dependencies),
    ...requestActivities(dependencies),
    ...rolloutActivities(dependencies),
    ...buildActivities(dependencies),
    ...versionActivities(dependencies),
    ...selfTestActivities(dependencies),
  });

export type Activities = ReturnType<typeof createActivities>;
