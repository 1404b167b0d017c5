import type { Dependencies } from './kit/dependencies';
import { awaitPublishedActivities } from './moves/await-published';
import { encoderActivities } from './moves/encoders';
import { withFailures } from './kit/failures';
import { fleetActivities } from './fleet/fleet';
import { scoringActivities } from './forecast/scoring';
import { forecastingActivities } from './forecast/forecasting';
import { mediaActivities } from './moves/media';
import { originActivities } from './moves/origin';
import { planningActivities } from './cycle/planning';
import { requestActivities } from './moves/requests';
import { rolloutActivities } from './versions/rollout';
import { selfTestActivities } from './versions/self-test';
import { retrainingActivities } from './forecast/retraining';
import { takeOverActivities } from './moves/take-over';
import { telemetryActivities } from './cycle/telemetry';
import { buildActivities, versionActivities } from './versions/versions';

export type { Dependencies } from './kit/dependencies';
export { EncoderDirectory } from '../src/observation/encoder-directory';
export { VersionsView } from '../src/observation/versions-view';
export * from './kit/types';

/** Every activity of a cell's worker. Each is idempotent under retry, and fails with type = ErrorCode. */
export const createActivities = (dependencies: Dependencies) =>
  withFailures({
    ...planningActivities(dependencies),
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
