import { Router, type CookieOptions } from 'express';
import { publicApiUrl, type Environment } from '../config/config';
import { operations, type Session } from '../contracts/api';
import { ANYONE, SwarmError, type Caller } from '../domain';
import { TICKET_MS, type ApiGate } from './identity/api-gate';
import { serve } from './serve';

/** Routes below /api/session: how a browser logs in. `gate` absent: nobody has to. */
export const createSessionRoutes = (environment: Environment, gate: ApiGate | undefined): Router => {
  const router = Router();
  // Not even pages of this site can read it, and a browser sends it with no request that another site began.
  const cookieOptions: CookieOptions = {
    httpOnly: true,
    sameSite: 'strict',
    secure: publicApiUrl(environment).startsWith('https:'),
    path: '/',
  };
  const sessionOf = ({ name, role }: Caller): Session => {
    if (role === 'part') throw new SwarmError('forbidden', 'Parts have no session.');
    return { name, role, loginNeeded: gate !== undefined };
  };
  serve(router, operations.getSession, async (_, { caller }) => sessionOf(caller));
  serve(router, operations.logIn, async ({ body }, asked) => {
    if (!gate) return sessionOf(ANYONE);
    const { caller, cookie, maxAgeMs } = await gate.logIn(body);
    asked.setCookie(gate.cookieName, cookie, { ...cookieOptions, maxAge: maxAgeMs });
    return sessionOf(caller);
  });
  serve(router, operations.logOut, async (_, asked) => {
    if (gate) asked.setCookie(gate.cookieName, '', { ...cookieOptions, maxAge: 0 });
    return null;
  });
  serve(router, operations.makeTicket, async (_, { caller }) => {
    if (!gate) throw new SwarmError('conflict', 'Nobody has to log in here: no tickets are made.');
    return { ticket: gate.ticketFor(caller), expiresInSeconds: TICKET_MS / 1000 };
  });
  return router;
};
