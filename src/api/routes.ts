import { Router, type Request, type Response } from 'express';
import { publicOriginUrl, type Environment } from '../config/config';
import { idSchema, type CycleResult } from '../domain';
import { ModelStore } from '../models';
import { parseOrRefuse } from '../platform/http';
import type { Forecasts, Status } from './answer-schemas';
import { CachedReading } from './cached';
import { channelSpecFrom, requestHandoff } from './commands';
import { StatusEvents } from './status-stream';
import { explain } from './explain';
import { plannedFrom } from './planned-from';
import { createForecastRoutes, createHistoryRoutes } from './forecast-routes';
import { forecastsOf } from './forecasts';
import { jsonBody } from './json-body';
import { runUrl } from './move-records';
import { createModelRoutes, netStatus } from './model-routes';
import { Observer, type Observation } from './observe';
import { openApiDocument } from './openapi';
import type { ApiPorts } from './ports';
import { addChannelSchema, emptySchema, handoffSchema, limitSchema, subjectSchema } from './schemas';
import { statusOf } from './status';
import { createRolloutRoutes } from './rollout-routes';
import { createVersionRoutes } from './version-routes';

const STATUS_FRESH_MS = 500;
const STATUS_DEADLINE_MS = 5_000;
const BODY_LIMIT = '64kb';

export interface ApiRoutes {
  router: Router;
  stop(): void;
}

/** Routes under /api. */
export const createRoutes = (environment: Environment, ports: ApiPorts): ApiRoutes => {
  const cell = environment.SWARM_CELL;
  const stepSeconds = environment.SWARM_STEP_SECONDS;
  const observer = new Observer(ports, { cell, stepSeconds, forecastMaxAgeMs: 60 * stepSeconds * 1000 });
  const models = new ModelStore(environment.SWARM_STATE_DIR, cell);
  const context = {
    cell,
    urls: {
      api: environment.SWARM_API_URL,
      temporal: environment.TEMPORAL_UI_URL,
      origin: publicOriginUrl(environment),
    },
    cycleUrl: (workflowId: string) =>
      runUrl(environment.TEMPORAL_UI_URL, environment.TEMPORAL_NAMESPACE, workflowId),
  };
  const look = new CachedReading<{ seen: Observation; status: Status }>(
    'The swarm',
    async () => {
      const seen = await observer.observe();
      return { seen, status: statusOf(seen, { ...context, net: await netStatus(models) }) };
    },
    { freshMs: STATUS_FRESH_MS, deadlineMs: STATUS_DEADLINE_MS },
  );
  const lookNow = async (): Promise<{ seen: Observation; status: Status }> => {
    const { value, fault } = await look.get();
    if (fault || !value) throw fault ?? new Error('no status');
    return value;
  };
  const status = async (): Promise<Status> => (await lookNow()).status;
  const charts = new CachedReading<Forecasts>(
    'InfluxDB',
    async () => {
      const { seen, status } = await lookNow();
      return forecastsOf(ports, seen, status, { cell, stepSeconds });
    },
    { freshMs: Math.min(2_000, stepSeconds * 1000), deadlineMs: STATUS_DEADLINE_MS },
  );
  /** Does what an operator asked for, and lets the next look see its effect. */
  const command = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } finally {
      observer.invalidate();
      look.invalidate();
    }
  };
  const events = new StatusEvents(status);
  const router = Router();
  const parts = { cell, stepSeconds, ports, look: lookNow };
  router.use(createHistoryRoutes(parts), ...jsonBody(BODY_LIMIT));
  const idOf = (req: Request, what: string): string => parseOrRefuse(idSchema, req.params.id, what);

  router.get('/status', async (_req, res) => void res.json(await status()));
  router.get('/status/stream', events.handler);
  router.use(createForecastRoutes(parts));
  router.get('/channels', async (_req, res) => void res.json((await status()).channels));
  router.get('/encoders', async (_req, res) => void res.json((await status()).encoders));
  router.get('/handoffs', async (req, res) => {
    const { limit } = parseOrRefuse(limitSchema, req.query, 'query');
    res.json(await ports.orchestration.moves({ limit }));
  });
  router.get('/forecasts', async (_req, res) => {
    const { value, fault } = await charts.get();
    if (!value) throw fault ?? new Error('no forecasts');
    res.json(value);
  });
  router.use(createModelRoutes(models, ports));
  router.get('/explain/*subject', async (req, res) => {
    const subject = [req.params.subject].flat().join('/');
    const from = (cycle: CycleResult): Promise<string[]> =>
      plannedFrom(ports.telemetry.planning, { cell, cycle, nowMs: Date.now() });
    res.json(await explain(ports.orchestration, parseOrRefuse(subjectSchema, subject, 'subject'), from));
  });
  router.get('/openapi.json', (_req, res) => void res.json(openApiDocument(environment.SWARM_API_URL)));

  router.post('/channels', async (req, res) => {
    const spec = channelSpecFrom(parseOrRefuse(addChannelSchema, req.body, 'channel'));
    await command(ports.orchestration.addChannel(spec));
    res.status(201).json(spec);
  });
  router.delete('/channels/:id', async (req, res) => {
    await command(ports.orchestration.removeChannel(idOf(req, 'channel id')));
    res.status(204).end();
  });
  router.post('/channels/:id/handoff', async (req, res) => {
    const id = idOf(req, 'channel id');
    const asked = parseOrRefuse(handoffSchema, req.body ?? {}, 'handoff');
    res.json(await command(requestHandoff(ports.orchestration, id, asked)));
  });
  router.use('/versions', createVersionRoutes(ports));
  router.use('/rollout', createRolloutRoutes(ports.rollouts));
  const cordonRoute =
    (change: 'cordon' | 'uncordon' | 'drain') =>
    async (req: Request, res: Response): Promise<void> => {
      const id = idOf(req, 'encoder id');
      parseOrRefuse(emptySchema, req.body ?? {}, 'body');
      await command(ports.orchestration.setCordon(id, change));
      res.json({ encoderId: id, done: change });
    };
  for (const change of ['cordon', 'uncordon', 'drain'] as const) {
    router.post(`/encoders/:id/${change}`, cordonRoute(change));
  }
  return { router, stop: () => events.stop() };
};
