import express, { type ErrorRequestHandler } from 'express';
import { ownNamesOf, publicApiUrl, type Environment } from '../config/config';
import { playKeysFolder } from '../config/players';
import { originFor } from '../config/public-origin';
import { hostAndPort } from '../platform/addresses';
import type { Clock } from '../platform/clock';
import { errorHandler, healthAnswer, listen } from '../platform/http';
import { linkScheme } from '../platform/links/link-tls';
import type { Logger } from '../platform/logger';
import { HEALTH_ROUTE, routesBelow } from '../platform/route';
import { PlaySigner } from '../playback';
import { withHint } from './hints';
import type { ApiGate } from './identity/api-gate';
import { createLoginRoutes, loginRoutes } from './login-routes';
import { createPages, pageRoutes } from './pages';
import type { ApiPorts } from './ports';
import { createRoutes } from './routes';
import { apiRoutes } from './serve';

export interface RunningApi {
  port: number;
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the API and the operator's page.
 * @param options.ports the parts of the swarm it asks; createPorts(environment) for the real ones
 * @param options.clock what counts the age of readings; default: the machine's
 * @param options.gate tells who asks; absent: everyone may do everything
 * @param options.port port to listen on, 0 for a free one; default SWARM_API_PORT
 * @throws SwarmError unavailable when the port is taken
 */
export const startApi = async (
  environment: Environment,
  options: { ports: ApiPorts; log: Logger; port?: number; clock?: Clock; gate?: ApiGate },
): Promise<RunningApi> => {
  const { SWARM_HOST: host } = environment;
  const { gate } = options;
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  const routes = createRoutes(environment, options.ports, {
    ...{ clock: options.clock, gate, log: options.log },
    signer: await PlaySigner.of(playKeysFolder(environment), Date.now, options.log),
  });
  app.get('/healthz', (req, res) => {
    res.json(healthAnswer(req, { status: 'ok', cell: environment.SWARM_CELL }));
  });
  app.use('/api', routes.router);
  app.use(createLoginRoutes(environment, gate, options.log));
  app.use(createPages(originFor(environment)));
  const addHint: ErrorRequestHandler = (error: unknown, _req, _res, next) => next(withHint(error));
  app.use(addHint, errorHandler(options.log));
  // A command may be waited for longer than any media is.
  const server = await listen(app, {
    host,
    port: options.port ?? environment.SWARM_API_PORT,
    routes: [HEALTH_ROUTE, ...routesBelow('/api', apiRoutes), ...loginRoutes, ...pageRoutes()],
    names: ownNamesOf(environment),
    origins: [new URL(publicApiUrl(environment)).origin],
    gate,
    callers: 'people',
    limits: { idleTimeoutMs: 0 },
    log: options.log,
  });
  options.log.info({ port: server.port }, 'API listens');
  return {
    port: server.port,
    url: `${linkScheme()}://${hostAndPort(host, server.port)}`,
    stop: async () => {
      routes.stop();
      await server.close();
      await options.ports.close();
    },
  };
};
