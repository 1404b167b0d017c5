import { NativeConnection, Worker } from '@temporalio/worker';
import type { Dependencies } from '../../../activities';
import { retrainingActivities } from '../../../activities/forecast/retraining';
import { withFailures } from '../../../activities/kit/failures';
import { channelWithDefaults, policySchema } from '../../../src/domain';
import { ModelHolder, ModelStore } from '../../../src/models';
import { ForecastInputReader } from '../../../src/telemetry/forecast-input-reader';
import { quietRuntime } from '../../workflows/support/temporal';
import { datasetOf, STEP_SECONDS } from './datasets';
import { trainingProgram } from './training-program';

/**
 * A worker of its own for the activities of retraining, so that a test can kill it. The history that it collects is
 * generated; Temporal, files and threads are real.
 */
const [, , address = '', taskQueue = '', stateDir = '', channelCount = ''] = process.argv;

const history = datasetOf(Number(channelCount), 21);
const channels = history.series.map((_, i) => channelWithDefaults(`ch-${i}`));
const byChannel = Object.fromEntries(channels.map(({ id }, i) => [id, history.series[i]!.history]));
/** The history is generated, and there is nothing else. */
const store = {
  inputs: {
    audience: async () => ({ byChannel, byRegion: {} }),
    regionLoad: async () => ({}),
    trend: async () => ({}),
    events: async () => [],
    encodingMinutes: async () => [],
  },
  feedback: { latest: async () => [], errors: async () => ({}) },
};
const swarm: Pick<Dependencies['swarm'], 'present'> = {
  present: async () => ({
    channels,
    channelsRevision: '1',
    policy: policySchema.parse({}),
    cordons: {},
    lowDemandSinceMs: null,
  }),
};

const main = async (): Promise<void> => {
  quietRuntime();
  const connection = await NativeConnection.connect({ address });
  const log = { info: () => undefined, warn: console.error };
  const worker = await Worker.create({
    connection,
    taskQueue,
    activities: withFailures(
      retrainingActivities({
        cell: 'local',
        stepSeconds: STEP_SECONDS,
        forecastInputs: new ForecastInputReader('local', store as unknown as Dependencies['store']),
        swarm: swarm as Dependencies['swarm'],
        models: new ModelHolder(new ModelStore(stateDir, 'local'), log),
        trainingThread: { program: trainingProgram },
      }),
    ),
    shutdownGraceTime: '100 milliseconds',
  });
  process.on('SIGTERM', () => worker.shutdown());
  await worker.run();
  await connection.close();
};

void main();
