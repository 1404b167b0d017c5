import { Router, type CookieOptions } from 'express';
import { publicApiUrl, type Environment } from '../config/config';
import { SwarmError } from '../domain';
import { LimitedLog } from '../platform/limited-log';
import type { Logger } from '../platform/logger';
import type { Route } from '../platform/route';
import { cookieOf, type ApiGate } from './identity/api-gate';
import { LOGIN_MS, type OidcLogin } from './identity/oidc-login';

/** How a browser logs in at an identity provider. The provider leads it back, from another site. */
export const loginRoutes: readonly Route[] = [
  { method: 'GET', path: '/login', access: 'public' },
  { method: 'GET', path: '/login/ways', access: 'public' },
  { method: 'GET', path: '/login/callback', access: 'public', sites: 'links' },
];

/**
 * Who comes back from the provider is given a ticket, behind the #, with which the page logs him in as with any other.
 * Why he is refused stands there as a code; the log tells more.
 */
export const createLoginRoutes = (
  environment: Environment,
  gate: ApiGate | undefined,
  log: Logger,
): Router => {
  const router = Router();
  const refusals = new LimitedLog(log);
  const cookieName = `${gate?.cookieName}-login`;
  const cookieOptions: CookieOptions = {
    httpOnly: true,
    // The provider leads here from another site: with `strict`, the browser would not show it.
    sameSite: 'lax',
    secure: publicApiUrl(environment).startsWith('https:'),
    path: '/login',
  };
  const providerOrRefuse = (): OidcLogin => {
    if (gate?.oidc) return gate.oidc;
    throw new SwarmError(
      'not-found',
      'The page does not log in at an identity provider.',
      'Set SWARM_OIDC_ISSUER and SWARM_OIDC_CLIENT_ID, or log in with a token or a ticket.',
    );
  };
  router.get('/login/ways', (_req, res) => {
    res.set('cache-control', 'no-store').json({ provider: gate?.oidc !== undefined });
  });
  router.get('/login', async (_req, res) => {
    const { url, kept } = await providerOrRefuse().begin();
    res.cookie(cookieName, kept, { ...cookieOptions, maxAge: LOGIN_MS });
    res.set('cache-control', 'no-store').redirect(302, url);
  });
  router.get('/login/callback', async (req, res) => {
    const provider = providerOrRefuse();
    res.clearCookie(cookieName, cookieOptions).set('cache-control', 'no-store');
    try {
      const caller = await provider.finish(req.query, cookieOf(req.headers.cookie, cookieName));
      res.redirect(303, `/#ticket=${gate!.ticketOfProvider(caller)}`);
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
      refusals.write('warn', error.code, { code: error.code }, error.message);
      res.redirect(303, `/#refused=${error.code}`);
    }
  });
  return router;
};
