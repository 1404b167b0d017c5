import { isIP } from 'node:net';
import { Router, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { ANYONE, SwarmError, mayUse, type Access, type Caller } from '../domain';
import { plainHost } from './addresses';
import { notKnown, type Gate, type Shown } from './gate';
import { LimitedLog, urlForLog } from './limited-log';
import type { Logger } from './logger';
import type { Route } from './route';

export interface Guarding {
  routes: readonly Route[];
  /** DNS names under which the part is reached, beside localhost. */
  ownNames: readonly string[];
  /** Origins of its own pages behind a proxy, which may ask with another Host header. */
  ownOrigins: readonly string[];
  /** Absent: everyone may use every route. */
  gate: Gate | undefined;
  /** Who was refused for what he is, at a bounded rate. */
  log: Logger;
}

/**
 * What every request passes before a part sees it. The ways in for a web page of another site are closed. DNS rebinding:
 * the Host header must be an address, localhost, or a name that this part was given. Cross-site requests: a browser says
 * where a request comes from (Origin, Sec-Fetch-Site), and a body must be JSON or media, which no page can send across
 * origins without asking first. Then the caller must be one that may use the route. What is not declared as a route does
 * not reach the part at all.
 */
export const guardRequests = ({ routes, ownNames, ownOrigins, gate, log }: Guarding): RequestHandler[] => {
  const known = new Set(['localhost', ...ownNames.map(plainHost)]);
  const refusals = new LimitedLog(log);
  const router = Router();
  for (const [path, here] of byPath(routes)) {
    const methods = methodsOf(here);
    router.all(path, async (req, res, next) => {
      const route = here.find(({ method }) => method === (req.method === 'HEAD' ? 'GET' : req.method));
      const isForAll = here.some(({ sites }) => sites === 'any');
      if (isForAll) res.set('cross-origin-resource-policy', 'cross-origin');
      else {
        requireOwnName(req, known);
        requireOwnSite(req, route, ownOrigins);
      }
      if (!route && !(isForAll && req.method === 'OPTIONS')) {
        res.set('allow', methods.join(', '));
        if (req.method === 'OPTIONS') res.status(204).end();
        else throw unknownMethod(req, methods);
        return;
      }
      const access = route?.access ?? 'public';
      const caller = await admit(gate, access, req.headers).catch((error: unknown) => {
        const { code, message } = error as SwarmError;
        if (code === 'unauthenticated') res.set('www-authenticate', 'Bearer');
        const from = req.socket.remoteAddress;
        const fields = { code, method: req.method, url: urlForLog(req.path), from };
        refusals.write('warn', code, fields, message);
        throw error;
      });
      callers.set(req, caller);
      requireBody(req, route);
      next('router');
    });
  }
  router.use((req) => {
    requireOwnName(req, known);
    throw new SwarmError(
      'not-found',
      `There is no ${req.method} ${req.path}.`,
      'See docs/reference for what there is.',
    );
  });
  return [headers, router];
};

const callers = new WeakMap<Request, Caller | null>();

/** Who sent a request that the guard let through; null for a stranger, who may use what is public. */
export const callerOf = (req: Request): Caller | null => callers.get(req) ?? null;

/** @throws SwarmError unauthenticated or forbidden */
const admit = async (gate: Gate | undefined, access: Access, shown: Shown): Promise<Caller | null> => {
  if (!gate) return ANYONE;
  if (access === 'public') {
    try {
      return await gate.identify(shown);
    } catch {
      // Whatever was shown: what is public is for everyone.
      return null;
    }
  }
  const caller = await gate.identify(shown);
  if (!caller) {
    throw notKnown(
      'This needs a token, and none was shown.',
      access === 'part'
        ? 'Only parts of this swarm may ask: see SWARM_PART_TOKEN_FILE.'
        : 'Send authorization: Bearer TOKEN, or log in on the page: npx encoder-swarm login.',
    );
  }
  if (mayUse(access, caller)) return caller;
  throw new SwarmError(
    'forbidden',
    `${caller.name} is ${caller.role}, and this is for ${access === 'part' ? 'parts of the swarm' : `the role ${access}`}.`,
    'Ask someone who may, or for a token with that role.',
  );
};

/** The page adds a policy for what it loads; TLS is a matter of the proxy before a part. */
const headers = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  strictTransportSecurity: false,
  // Browsers take these two of secure origins only, and complain of them elsewhere.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
});

/** Paths without parameters first: they go before a path that has one in the same place. */
const byPath = (routes: readonly Route[]): [string, Route[]][] =>
  [...new Set(routes.map(({ path }) => path))]
    .sort((a, b) => Number(hasParameter(a)) - Number(hasParameter(b)))
    .map((path) => [path, routes.filter((route) => route.path === path)]);

const hasParameter = (path: string): boolean => /[:*]/.test(path);

const methodsOf = (routes: readonly Route[]): string[] => [
  ...routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
  'OPTIONS',
];

const unknownMethod = (req: Request, methods: readonly string[]): SwarmError =>
  new SwarmError(
    'method-not-allowed',
    `${req.path} does not take ${req.method}.`,
    `It takes ${methods.join(', ')}.`,
  );

const requireOwnName = (req: Request, known: ReadonlySet<string>): void => {
  const host = req.headers.host ?? '';
  const name = plainHost(parse(`http://${host}`)?.hostname ?? '');
  if (isIP(name) !== 0 || known.has(name)) return;
  throw new SwarmError(
    'cross-origin',
    `Nothing is served here under the name ${JSON.stringify(host)}.`,
    'Use the address, or say that it is yours: SWARM_PUBLIC_API_URL for the API and its page, SWARM_HOST_NAMES for every part.',
  );
};

const requireOwnSite = (req: Request, route: Route | undefined, ownOrigins: readonly string[]): void => {
  const {
    origin,
    host,
    'sec-fetch-site': site,
    'sec-fetch-mode': mode,
    'sec-fetch-dest': dest,
  } = req.headers;
  const from = origin === undefined ? undefined : parse(origin);
  const sameOrigin =
    origin === undefined ||
    (from && ownOrigins.includes(from.origin)) ||
    (from !== null && from !== undefined && from.host === parse(`${from.protocol}//${host ?? ''}`)?.host);
  const sameSite = site === undefined || site === 'same-origin' || site === 'none';
  const isLink = route?.sites === 'links' && mode === 'navigate' && dest === 'document';
  if (sameOrigin && (sameSite || isLink)) return;
  throw new SwarmError(
    'cross-origin',
    `A page of another origin (${origin ?? String(site)}) may not use this swarm.`,
    "Use the swarm's own page, or the encoder-swarm command.",
  );
};

/** Types of media that a part takes: none of them is one that a page can send across origins unasked. */
const MEDIA_TYPE = /^(video\/mp2t|application\/octet-stream)\s*(;|$)/i;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

const requireBody = (req: Request, route: Route | undefined): void => {
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': chunked } = req.headers;
  if (req.method === 'GET' || req.method === 'HEAD') return;
  const hasBody = chunked !== undefined || (length !== undefined && length !== '0');
  if (type === undefined && !hasBody) return;
  const isMedia = route?.body === 'media';
  // ffmpeg names no type of what it sends. A page may leave it out too, but says its Origin, which was refused before.
  if (isMedia && type === undefined) return;
  if (type !== undefined && (isMedia ? MEDIA_TYPE : JSON_TYPE).test(type)) return;
  throw new SwarmError(
    'bad-request',
    isMedia ? 'The body must be media.' : 'The body must be JSON.',
    `Send the header content-type: ${isMedia ? 'video/mp2t' : 'application/json'}.`,
  );
};

const parse = (url: string): URL | null => (URL.canParse(url) ? new URL(url) : null);
