import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { SwarmError } from '../domain';

/**
 * The API has no login: whoever reaches its port may command it. Two ways in for a web page of another site are
 * closed here. DNS rebinding: the Host header must be an address, localhost, or a name that this swarm was given.
 * Cross-site requests: a browser says where a request comes from (Origin, Sec-Fetch-Site), and a body must be JSON,
 * which no page can send across origins without asking first.
 */
export const guardRequests = (ownNames: readonly string[]): RequestHandler => {
  const known = new Set(['localhost', ...ownNames.map((name) => name.toLowerCase())]);
  return (req, _res, next) => {
    refuseUnknownHost(req, known);
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      refuseOtherOrigins(req);
      refuseOtherThanJson(req);
    }
    next();
  };
};

const refuseUnknownHost = (req: Request, known: ReadonlySet<string>): void => {
  const host = req.headers.host ?? '';
  const name = parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (isIP(name) !== 0 || known.has(name)) return;
  throw new SwarmError(
    'cross-origin',
    `This API is not served under the name ${JSON.stringify(host)}.`,
    'Use its address, or set SWARM_PUBLIC_API_URL to the URL under which it is reached.',
  );
};

const refuseOtherOrigins = (req: Request): void => {
  const { origin, host } = req.headers;
  const site = req.headers['sec-fetch-site'];
  const from = origin === undefined ? undefined : parse(origin);
  const sameOrigin =
    origin === undefined ||
    (from !== null && from !== undefined && from.host === parse(`${from.protocol}//${host ?? ''}`)?.host);
  const sameSite = site === undefined || site === 'same-origin' || site === 'none';
  if (sameOrigin && sameSite) return;
  throw new SwarmError(
    'cross-origin',
    `A page of another origin (${origin ?? String(site)}) may not command this swarm.`,
    "Use the swarm's own page, or the encoder-swarm command.",
  );
};

const refuseOtherThanJson = (req: Request): void => {
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': chunked } = req.headers;
  const hasBody = chunked !== undefined || (length !== undefined && length !== '0');
  const isJson = type !== undefined && /^application\/json\s*(;|$)/i.test(type);
  if (isJson || (type === undefined && !hasBody)) return;
  throw new SwarmError(
    'bad-request',
    'The body must be JSON.',
    'Send the header content-type: application/json.',
  );
};

const parse = (url: string): URL | null => {
  try {
    return new URL(url);
  } catch {
    return null;
  }
};
