import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  bundleWorkflowCode,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { searchAttributeNames } from '../../../src/domain';

/** Flags of the tuned dev server: without them each task waits for a tick of 50 ms. */
const TUNED: Record<string, string> = {
  'history.transferProcessorMaxPollRPS': '2000',
  'history.timerProcessorMaxPollRPS': '2000',
  'history.visibilityProcessorMaxPollRPS': '500',
  'history.timerProcessorMaxTimeShift': '"10ms"',
  'system.enableActivityEagerExecution': 'true',
  'history.maxInFlightUpdates': '1000',
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
};

const temporalCli = (): string => {
  const path = process.env.TEMPORAL_CLI ?? join(homedir(), '.cache', 'encoder-swarm', 'bin', 'temporal');
  if (existsSync(path)) return path;
  throw new Error(
    `No Temporal CLI at ${path}. Hint: set TEMPORAL_CLI, or run node scripts/prepare.mjs --tools.`,
  );
};

let isRuntimeInstalled = false;

/** Failures on purpose would fill the test's output. */
export const quietRuntime = (): void => {
  if (isRuntimeInstalled) return;
  isRuntimeInstalled = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'OFF' } },
    shutdownSignals: [],
  });
};

export interface TemporalServerOptions {
  registerAttributes?: boolean;
  /** Length of a history from which on the server suggests to continue as new. */
  suggestContinueAsNewAtEvents?: number;
}

/** A real Temporal server of its own, in memory. */
export const startTemporal = (options: TemporalServerOptions = {}): Promise<TestWorkflowEnvironment> => {
  quietRuntime();
  const attributes = options.registerAttributes === false ? [] : Object.values(searchAttributeNames);
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporalCli() },
      log: { format: 'pretty', level: 'error' },
      extraArgs: [
        ...Object.entries({
          ...TUNED,
          'limit.historyCount.suggestContinueAsNew': String(options.suggestContinueAsNewAtEvents ?? 4_096),
        }).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
        ...attributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ],
    },
  });
};

const quiet = () => undefined;

export const bundleWorkflows = (
  workflowsPath = require.resolve('../../../workflows/index.ts'),
): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({
    workflowsPath,
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: console.error, log: quiet },
  });
