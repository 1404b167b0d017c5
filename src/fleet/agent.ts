import express from 'express';
import { fleetRoutes, provisionSchema, setBuildSchema, type FleetEncoder } from '../contracts/fleet';
import { healthAnswer, listen, parseOrRefuse, type RunningServer } from '../platform/http';
import type { Logger } from '../platform/logger';
import type { LocalFleet } from './local-fleet';

/**
 * Serves a local fleet over HTTP; see docs/reference/protocols/fleet-agent.md.
 * @throws SwarmError unavailable when the port is taken
 */
export const startFleetAgent = async (options: {
  fleet: LocalFleet;
  port: number;
  host: string;
  /** DNS names under which it is reached; default none but localhost. */
  names?: readonly string[];
  log: Logger;
}): Promise<RunningServer> => {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '10kb' }));
  app.get('/healthz', (req, res) => {
    res.json(healthAnswer(req, { status: 'ok', encoders: options.fleet.list().length }));
  });
  app.get('/encoders', (_req, res) => {
    const answer: FleetEncoder[] = options.fleet.list();
    res.json(answer);
  });
  app.post('/encoders', async (req, res) => {
    const { requestId, zone, build } = parseOrRefuse(provisionSchema, req.body, 'request for an encoder');
    const answer: FleetEncoder = await options.fleet.provision(requestId, zone, build);
    res.status(201).json(answer);
  });
  app.put('/encoders/:id/build', async (req, res) => {
    const { requestId, build } = parseOrRefuse(setBuildSchema, req.body, 'request for a build');
    const answer: FleetEncoder = await options.fleet.setBuild(req.params.id, build, requestId);
    res.json(answer);
  });
  app.delete('/encoders/:id', async (req, res) => {
    await options.fleet.deprovision(req.params.id);
    res.status(204).end();
  });
  const { host, port, names = [], log } = options;
  return listen(app, { host, port, routes: fleetRoutes, names, log });
};
