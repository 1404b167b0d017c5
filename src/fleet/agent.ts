import express from 'express';
import { z } from 'zod';
import { installedBuildSchema } from '../domain';
import { errorHandler, listen, parseOrRefuse, type RunningServer } from '../platform/http';
import type { Logger } from '../platform/logger';
import type { LocalFleet } from './local-fleet';

const provisionSchema = z.strictObject({
  requestId: z.string().min(1).max(200),
  zone: z.string().min(1).max(41).optional(),
  build: installedBuildSchema.optional(),
});
const setBuildSchema = z.strictObject({
  requestId: z.string().min(1).max(200),
  build: installedBuildSchema,
});

/**
 * Serves a local fleet over HTTP; see docs/reference/protocols/fleet-agent.md.
 * @throws SwarmError unavailable when the port is taken
 */
export const startFleetAgent = async (options: {
  fleet: LocalFleet;
  port: number;
  host: string;
  log: Logger;
}): Promise<RunningServer> => {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '10kb' }));
  app.get('/healthz', (_req, res) => {
    res.json({ status: 'ok', encoders: options.fleet.list().length });
  });
  app.get('/encoders', (_req, res) => {
    res.json(options.fleet.list());
  });
  app.post('/encoders', async (req, res) => {
    const { requestId, zone, build } = parseOrRefuse(provisionSchema, req.body, 'request for an encoder');
    res.status(201).json(await options.fleet.provision(requestId, zone, build));
  });
  app.put('/encoders/:id/build', async (req, res) => {
    const { requestId, build } = parseOrRefuse(setBuildSchema, req.body, 'request for a build');
    res.json(await options.fleet.setBuild(req.params.id, build, requestId));
  });
  app.delete('/encoders/:id', async (req, res) => {
    await options.fleet.deprovision(req.params.id);
    res.status(204).end();
  });
  app.use(errorHandler(options.log));
  return listen(app, options.port, options.host);
};
