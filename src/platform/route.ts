import type { Access } from '../domain';

/**
 * A request that a listener answers: declared beside its contract, enforced by the guard (http-guard.ts), and tried by
 * test/platform/cross-site.test.ts with requests that must be refused.
 */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** As Express takes it, such as `/channels/:id`. */
  readonly path: string;
  /** Who may ask. */
  readonly access: Access;
  /** The body is media; else JSON, or there is none. */
  readonly body?: 'media';
  /**
   * Which pages of other sites may ask. `any`: all of them may read it, under any name of the host, as players do.
   * `links`: they may lead a browser here. Absent: none.
   */
  readonly sites?: 'any' | 'links';
}

/** What each part answers about itself. Strangers learn no more than that it runs (healthAnswer in http.ts). */
export const HEALTH_ROUTE: Route = { method: 'GET', path: '/healthz', access: 'public' };

/** The same routes below another path, such as `/api`. */
export const routesBelow = (base: `/${string}`, routes: readonly Route[]): Route[] =>
  routes.map((route) => ({ ...route, path: `${base}${route.path}` }));
