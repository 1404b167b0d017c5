import { HEALTH_ROUTE, type Route } from '../platform/route';

/**
 * What the codec server answers to Temporal's page. The page is another origin, so any site may ask by the guard's rules;
 * the server itself then answers that one origin alone (src/temporal/codec-server.ts).
 */
export const codecRoutes: readonly Route[] = [
  HEALTH_ROUTE,
  { method: 'POST', path: '/decode', access: 'public', sites: 'any' },
];
