import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getClient } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type LogEntry,
  type WorkerOptions,
} from '@temporalio/worker';
import express from 'express';
import { createActivities } from '../../activities';
import { ownNamesOf, taskQueueOf, type Environment } from '../config/config';
import { healthOfPoints } from '../contracts/health';
import { ModelHolder, ModelStore } from '../models';
import { createPartClients } from '../observation/part-clients';
import { createSharedViews } from '../observation/shared-views';
import { isEveryAddress } from '../platform/addresses';
import { healthAnswer, listen } from '../platform/http';
import { knownInstallationId } from '../platform/installation-id';
import type { Logger } from '../platform/logger';
import { Backoff, pause } from '../platform/retry';
import { HEALTH_ROUTE } from '../platform/route';
import { memoryOfMachine } from '../platform/shared-budget';
import { createTelemetryStore } from '../telemetry/create-store';
import { ForecastInputReader } from '../telemetry/forecast-input-reader';
import { requireOwnCell } from '../temporal/cell-owner';
import { temporalOptions, type TemporalOptions } from '../temporal/options';
import { dataConverterOf } from '../temporal/payload-codec';
import { registerSearchAttributes } from '../temporal/search-attributes';
import { becomeFirst, versionedOptions } from './deployment';
import { ownerAt, watchEntities } from './entity-watch';
import { ownVersion } from './own-version';
import { watchSwarm } from './swarm-watch';

const RETRY_PAUSES = { firstMs: 100, longestMs: 2_000 };
/** Activities get the first to end by themselves; at the second the worker ends whatever still runs. */
const SHUTDOWN_GRACE = '2 seconds';
const SHUTDOWN_FORCE = '6 seconds';

/** Made by the build (scripts/build.mjs); without it, workflows are bundled at the start, which takes seconds. */
const workflowSource = (): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> => {
  const codePath = join(__dirname, '..', '..', 'workflow-bundle.js');
  return existsSync(codePath)
    ? { workflowBundle: { codePath } }
    : { workflowsPath: require.resolve('../../workflows') };
};

/** Encoder hosts of other machines reach this one by its name, where it listens on all of its addresses. */
const clipsServedFrom = (host: string): { listenOn: string; reachableAs: string } => ({
  listenOn: host,
  reachableAs: isEveryAddress(host) ? hostname() : host,
});

/** A workflow in memory, mostly that of a channel at rest: 0.7 MiB were measured with 3,000 of them. */
const BYTES_PER_CACHED_WORKFLOW = 2 ** 20;
const CACHE_SHARE_OF_MEMORY = 1 / 16;
const LEAST_CACHED_WORKFLOWS = 200;
/** One that is not kept is replayed from its history at its next task; where channels are many, the swarm's too. */
const CACHED_WORKFLOWS = Math.max(
  LEAST_CACHED_WORKFLOWS,
  Math.floor((CACHE_SHARE_OF_MEMORY * memoryOfMachine()) / BYTES_PER_CACHED_WORKFLOW),
);

/** Sizes that hold for any cell's worker; also the tests' ones. */
export const workerTuning = {
  maxConcurrentWorkflowTaskPolls: 5,
  maxConcurrentActivityTaskPolls: 5,
  maxConcurrentActivityTaskExecutions: 100,
  maxConcurrentLocalActivityExecutions: 100,
  maxCachedWorkflows: CACHED_WORKFLOWS,
  /** After a worker was lost, its workflows go to another one this soon. */
  stickyQueueScheduleToStartTimeout: '3 seconds',
  shutdownGraceTime: SHUTDOWN_GRACE,
  shutdownForceTime: SHUTDOWN_FORCE,
} satisfies Partial<WorkerOptions>;

/** Once a process, before anything of Temporal's native part is used: its log goes where ours goes. */
export const installRuntime = (log: Logger): void => {
  const toPino = ({ level, message, meta }: LogEntry): void => {
    const name = level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error';
    log[name]({ ...meta }, message);
  };
  // Signals are runPart's: it ends the worker with everything else.
  Runtime.install({ logger: new DefaultLogger('INFO', toPino), shutdownSignals: [] });
};

/**
 * A cell's worker with its health answer. Resolves once /healthz listens; Temporal is waited for in the background,
 * so that all parts may start at the same time.
 * @param where.port default SWARM_WORKER_PORT; 0 picks a free one
 */
export const startWorker = async (
  environment: Environment,
  log: Logger,
  where: { port?: number } = {},
): Promise<{ port: number; stop(): Promise<void> }> => {
  const { SWARM_CELL: cell, SWARM_HOST: host, SWARM_WORKER_PORT } = environment;
  const { SWARM_STEP_SECONDS: stepSeconds, SWARM_TIME_ZONES: timeZones } = environment;
  const clients = createPartClients(environment);
  const { origin, relay, source, fleet } = clients;
  const store = createTelemetryStore(environment);
  const models = new ModelHolder(new ModelStore(environment.SWARM_STATE_DIR, cell), log);
  const activities = createActivities({
    ...createSharedViews({ cell, stepSeconds, clients, store, temporal: getClient }),
    ...{ cell, stepSeconds, timeZones, origin, relay, source, fleet, store, models },
    ffmpegPath: environment.FFMPEG,
    clipsServedFrom: clipsServedFrom(host),
    forecastInputs: new ForecastInputReader(cell, store),
    temporal: getClient,
  });

  const version = ownVersion(environment);
  const stopping = new AbortController();
  let worker: Worker | undefined;
  const createWorker = async (
    options: TemporalOptions,
  ): Promise<{ worker: Worker; connection: NativeConnection }> => {
    const { namespace, ...connectionOptions } = options;
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      await registerSearchAttributes(connection, namespace);
      const created = await Worker.create({
        connection,
        namespace,
        ...(await dataConverterOf(environment)),
        taskQueue: taskQueueOf(cell),
        activities,
        ...(version ? await versionedOptions(version, connection, workflowSource()) : workflowSource()),
        ...workerTuning,
      });
      return { worker: created, connection };
    } catch (error) {
      await connection.close();
      throw error;
    }
  };

  /** One run of the worker: until it is stopped, or until the SDK gives up as Temporal was lost for too long. */
  const runOnce = async (): Promise<void> => {
    const options = await temporalOptions(environment);
    const { worker: created, connection } = await createWorker(options);
    worker = created;
    log.info({ address: options.address, taskQueue: taskQueueOf(cell) }, 'worker runs');
    const watchEnds = new AbortController();
    const client = new Client({
      ...{ connection, namespace: options.namespace },
      ...(await dataConverterOf(environment)),
    });
    const { SWARM_STATE_DIR: stateDir } = environment;
    const watched = { client, cell, log, signal: AbortSignal.any([stopping.signal, watchEnds.signal]) };
    const { workflowService: service } = connection;
    if (version) void becomeFirst({ ...watched, version, service, namespace: options.namespace });
    void watchSwarm({ ...watched, installationId: () => knownInstallationId(stateDir) });
    void watchEntities({
      ...watched,
      ownerOf: (channelId) => ownerAt(origin, channelId),
      requireOwnCell: async () => {
        const id = await knownInstallationId(stateDir);
        if (id !== null) await requireOwnCell(client, cell, { installationId: id, stateDir });
      },
    });
    try {
      if (!stopping.signal.aborted) await created.run();
    } finally {
      worker = undefined;
      watchEnds.abort();
      await connection.close();
    }
  };

  const keepAlive = async (): Promise<void> => {
    const backoff = new Backoff(RETRY_PAUSES);
    while (!stopping.signal.aborted) {
      try {
        await runOnce();
        backoff.reset();
      } catch (error) {
        if (stopping.signal.aborted) break;
        log.warn({ cause: (error as Error).message }, 'Temporal is not up; trying again');
      }
      await pause(backoff.nextMs(), stopping.signal);
    }
  };

  const app = express();
  app.get('/healthz', (req, res) => {
    const isRunning = worker?.getState() === 'RUNNING';
    const status = isRunning ? 'ok' : 'waits for Temporal';
    const health = { status, ...healthOfPoints(store.status().refused, Date.now()) };
    res.status(isRunning ? 200 : 503).json(healthAnswer(req, health));
  });
  const server = await listen(app, {
    ...{ host, port: where.port ?? SWARM_WORKER_PORT, routes: [HEALTH_ROUTE] },
    ...{ names: ownNamesOf(environment), log },
  });
  const running = keepAlive();
  return {
    port: server.port,
    async stop() {
      stopping.abort();
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      await running;
      await server.close();
      await store.close();
      models.dispose();
    },
  };
};
