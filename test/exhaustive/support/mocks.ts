import type * as Clips from './clips-model';
import type * as Sdk from './temporal-sdk-model';

/** What a test of this folder imports first: Temporal's SDK, real time, files and ffmpeg are models from then on. */
jest.mock(
  '@temporalio/workflow',
  () => jest.requireActual<typeof Sdk>('./temporal-sdk-model').workflowModule,
);
jest.mock(
  '@temporalio/activity',
  () => jest.requireActual<typeof Sdk>('./temporal-sdk-model').activityModule,
);
jest.mock('node:timers/promises', () => jest.requireActual<typeof Sdk>('./temporal-sdk-model').timersModule);
jest.mock('../../../activities/kit/refusing-client', () => ({ refusingClient: (client: unknown) => client }));
jest.mock(
  '../../../src/media/quality/gop-quality',
  () => jest.requireActual<typeof Clips>('./clips-model').qualityModule,
);
jest.mock('../../../src/fleet/installed-build', () => ({ verifyInstalled: async () => undefined }));
jest.mock(
  '../../../src/media/probe/encode-on-host',
  () => jest.requireActual<typeof Clips>('./clips-model').encodeModule,
);
jest.mock('../../../src/media/probe', () => ({
  ...jest.requireActual<object>('../../../src/media/probe'),
  ...jest.requireActual<typeof Clips>('./clips-model').probeModule,
}));
