import express, { type ErrorRequestHandler } from 'express';
import { publicApiUrl, type Environment } from '../config/config';
import { SwarmError } from '../domain';
import type { Clock } from '../platform/clock';
import { errorHandler, listen } from '../platform/http';
import type { Logger } from '../platform/logger';
import { withHint } from './hints';
import { createPages } from './pages';
import type { ApiPorts } from './ports';
import { originFor } from './public-origin';
import { guardRequests } from './request-guard';
import { createRoutes } from './routes';

export interface RunningApi {
  port: number;
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the API and the operator's page.
 * @param options.ports the parts of the swarm it asks; createPorts(environment) for the real ones
 * @param options.clock what counts the age of readings; default: the machine's
 * @param options.port port to listen on, 0 for a free one; default SWARM_API_PORT
 * @throws SwarmError unavailable when the port is taken
 */
export const startApi = async (
  environment: Environment,
  options: { ports: ApiPorts; log: Logger; port?: number; clock?: Clock },
): Promise<RunningApi> => {
  const { SWARM_HOST: host } = environment;
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  const routes = createRoutes(environment, options.ports, options.clock);
  const ownUrls = [environment.SWARM_API_URL, publicApiUrl(environment)];
  app.use(guardRequests([host, ...ownUrls.map((url) => new URL(url).hostname)]));
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok', cell: environment.SWARM_CELL }));
  app.use('/api', routes.router);
  app.use('/api', (req) => {
    throw new SwarmError(
      'bad-request',
      `There is no ${req.method} ${req.originalUrl}.`,
      'See /api/openapi.json for what there is.',
    );
  });
  app.use(createPages(originFor(environment)));
  const addHint: ErrorRequestHandler = (error: unknown, _req, _res, next) => next(withHint(error));
  app.use(addHint, errorHandler(options.log));
  // A command may be waited for longer than any media is.
  const server = await listen(app, options.port ?? environment.SWARM_API_PORT, host, { idleTimeoutMs: 0 });
  options.log.info({ port: server.port }, 'API listens');
  return {
    port: server.port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`,
    stop: async () => {
      routes.stop();
      await server.close();
      await options.ports.close();
    },
  };
};
