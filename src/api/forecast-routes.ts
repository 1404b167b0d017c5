import { Router } from 'express';
import { SwarmError, idSchema } from '../domain';
import { parseOrRefuse } from '../platform/http';
import type { Accuracy, Status } from './answer-schemas';
import { audienceRowsOf } from './history-import';
import { jsonBody } from './json-body';
import type { Observation } from './observe';
import type { ApiPorts } from './ports';
import {
  accuracyQuerySchema,
  eventSchema,
  historyImportSchema,
  whatIfQuerySchema,
  whatIfSchema,
} from './schemas';
import { whatIf } from './what-if';

const HISTORY_BODY_LIMIT = '1mb';

export interface ForecastRoutesParts {
  cell: string;
  stepSeconds: number;
  ports: ApiPorts;
  look: () => Promise<{ seen: Observation; status: Status }>;
}

/** Import of history: mounted before the parser of small bodies. */
export const createHistoryRoutes = ({ cell, ports, look }: ForecastRoutesParts): Router => {
  const router = Router();
  router.use('/history', ...jsonBody(HISTORY_BODY_LIMIT));
  router.post('/history', async (req, res) => {
    const asked = parseOrRefuse(historyImportSchema, req.body, 'history');
    const { seen } = await look();
    const regionOf = new Map((seen.swarm?.channels ?? []).map((spec) => [spec.id, spec.region]));
    const rows = audienceRowsOf(asked, regionOf, Date.now());
    await ports.telemetry.inputs.importAudience(cell, rows);
    res.json({ rows: rows.length });
  });
  return router;
};

/** Known events, accuracy of forecasts, and what-if. */
export const createForecastRoutes = ({ cell, stepSeconds, ports, look }: ForecastRoutesParts): Router => {
  const router = Router();
  const { inputs, feedback } = ports.telemetry;

  router.get('/events', async (_req, res) => void res.json(await inputs.events({ cell })));
  router.post('/events', async (req, res) => {
    const event = parseOrRefuse(eventSchema, req.body, 'event');
    await inputs.putEvent(cell, event);
    res.status(201).json(event);
  });
  router.delete('/events/:id', async (req, res) => {
    const id = parseOrRefuse(idSchema, req.params.id, 'event id');
    if (!(await inputs.removeEvent(cell, id))) {
      throw new SwarmError('not-found', `There is no event ${id}.`, 'See `encoder-swarm event list`.');
    }
    res.status(204).end();
  });

  router.get('/forecasts/accuracy', async (req, res) => {
    const { steps } = parseOrRefuse(accuracyQuerySchema, req.query, 'query');
    const atMs = Date.now();
    const sinceMs = atMs - steps * stepSeconds * 1000;
    const { seen } = await look();
    const answer: Accuracy = {
      atMs,
      sinceMs,
      stepSeconds,
      model: seen.forecast?.model ?? null,
      errorCorrelation: seen.forecast?.errorCorrelation ?? null,
      series: await feedback.accuracy({ cell, sinceMs }),
    };
    res.json(answer);
  });

  router.get('/forecasts/what-if', async (req, res) => {
    const { channel, encoder } = parseOrRefuse(whatIfQuerySchema, req.query, 'query');
    const { seen, status } = await look();
    res.json(whatIf(seen.forecast, status, { [channel]: encoder }));
  });
  router.post('/forecasts/what-if', async (req, res) => {
    const { placement } = parseOrRefuse(whatIfSchema, req.body, 'placement');
    const { seen, status } = await look();
    res.json(whatIf(seen.forecast, status, placement));
  });
  return router;
};
