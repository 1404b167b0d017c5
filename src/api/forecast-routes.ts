import { Router } from 'express';
import { operations, type Status } from '../contracts/api';
import { SwarmError, withoutRepeats } from '../domain';
import { HISTORY_DAYS, SEASON_STEPS } from '../forecast';
import { deadlinesMs } from '../observation/deadlines';
import { audienceRowsOf } from './history-import';
import { jsonBody } from './json-body';
import type { Observation } from './observe';
import type { ApiPorts } from './ports';
import { serve } from './serve';
import { requireTimely } from './time-rules';
import { whatIf } from './what-if';

const HISTORY_BODY_LIMIT = '1mb';

export interface ForecastRoutesParts {
  cell: string;
  stepSeconds: number;
  ports: ApiPorts;
  look: () => Promise<{ seen: Observation; status: Status }>;
}

/** Import of history: mounted before the parser of small bodies. */
export const createHistoryRoutes = ({ cell, stepSeconds, ports, look }: ForecastRoutesParts): Router => {
  const router = Router();
  router.use('/history', ...jsonBody(HISTORY_BODY_LIMIT));
  serve(router, operations.importHistory, async ({ body }) => {
    const { seen } = await look();
    const regionOf = new Map((seen.swarm?.channels ?? []).map((spec) => [spec.id, spec.region]));
    const nowMs = Date.now();
    const rows = withoutRepeats(audienceRowsOf(body, regionOf, nowMs));
    const ids = [...new Set(rows.map(({ channelId }) => channelId))];
    if (!body.dryRun) await ports.telemetry.inputs.importAudience(cell, rows);
    return {
      rows: body.dryRun ? 0 : rows.length,
      // Without Temporal it is not known which channels there are.
      unknownChannels: seen.swarm ? ids.filter((id) => !regionOf.has(id)) : [],
      usedFromMs: nowMs - HISTORY_DAYS * SEASON_STEPS * stepSeconds * 1_000,
    };
  });
  return router;
};

/** Known events, accuracy of forecasts, and what-if. */
export const createForecastRoutes = ({ cell, stepSeconds, ports, look }: ForecastRoutesParts): Router => {
  const router = Router();
  const { inputs, feedback } = ports.telemetry;

  serve(router, operations.getAudience, () =>
    ports.parts.origin.audience({ timeoutMs: deadlinesMs.observe }),
  );

  serve(router, operations.listEvents, () => inputs.events({ cell }));
  serve(router, operations.addEvent, async ({ body }) => {
    requireTimely(body, Date.now());
    await inputs.putEvent(cell, body);
    return body;
  });
  serve(router, operations.removeEvent, async ({ params: { id } }) => {
    if (!(await inputs.removeEvent(cell, id))) {
      throw new SwarmError('not-found', `There is no event ${id}.`, 'See `encoder-swarm event list`.');
    }
    return null;
  });

  serve(router, operations.getAccuracy, async ({ query: { steps } }) => {
    const atMs = Date.now();
    const sinceMs = atMs - steps * stepSeconds * 1000;
    const { seen } = await look();
    return {
      atMs,
      sinceMs,
      stepSeconds,
      model: seen.forecast?.model ?? null,
      errorCorrelation: seen.forecast?.errorCorrelation ?? null,
      series: await feedback.accuracy({ cell, sinceMs }),
    };
  });

  serve(router, operations.whatIfOne, async ({ query: { channel, encoder } }) => {
    const { seen, status } = await look();
    return whatIf(seen.forecast, status, { [channel]: encoder });
  });
  serve(router, operations.whatIf, async ({ body: { placement } }) => {
    const { seen, status } = await look();
    return whatIf(seen.forecast, status, placement);
  });
  return router;
};
