import * as http from 'node:http';
import * as https from 'node:https';
import type * as UndiciLibrary from 'undici';
import { SwarmError } from '../../domain';
import { linkTls, type LinkTls } from './link-tls';

/**
 * How this process asks over HTTP. It is the only way: ESLint refuses `fetch`, `request` and `get` elsewhere, so that no
 * client forgets what links are encrypted with.
 */

/**
 * Who is asked. `part`: a part of this swarm, by its authority alone, and never in plain where links are encrypted.
 * `anyone`: whatever a URL leads to, such as a cache before the origin or a proxy before the API.
 */
export type Callee = 'part' | 'anyone';

const isSecure = (url: URL): boolean => url.protocol === 'https:';

const requireSecure = (url: URL, callee: Callee): void => {
  if (callee === 'anyone' || isSecure(url)) return;
  throw new SwarmError(
    'bad-request',
    `Refusing to ask ${url.origin} in plain: the links of this swarm are encrypted.`,
    'Write https:// in the SWARM_…_URL variable that names it.',
  );
};

/** What programs of the swarm call themselves, so that whoever counts viewers knows them. */
export const OWN_AGENT = 'encoder-swarm';

const signed = (init: RequestInit): RequestInit => ({
  ...init,
  headers: { 'user-agent': OWN_AGENT, ...Object.fromEntries(new Headers(init.headers)) },
});

type Undici = typeof UndiciLibrary;
interface Dispatchers {
  undici: Undici;
  /** Made when they are needed, and again after each change of the certificates. */
  of: Partial<Record<Callee, UndiciLibrary.Agent>>;
}

const dispatchers = new WeakMap<LinkTls, Promise<Dispatchers>>();

/** The client library is loaded where links are encrypted, and nowhere else: Node's own fetch takes no certificate. */
const dispatchersOf = (tls: LinkTls): Promise<Dispatchers> => {
  const known = dispatchers.get(tls);
  if (known) return known;
  const made = import('undici').then((undici): Dispatchers => {
    const all: Dispatchers = { undici, of: {} };
    tls.onChange(() => {
      const old = Object.values(all.of);
      all.of = {};
      // What is under way on it ends as it began.
      for (const dispatcher of old) void dispatcher.close();
    });
    return all;
  });
  dispatchers.set(tls, made);
  return made;
};

const dispatcherFor = ({ undici, of }: Dispatchers, tls: LinkTls, callee: Callee): UndiciLibrary.Agent =>
  (of[callee] ??= new undici.Agent({
    connect: {
      secureContext: callee === 'part' ? tls.contextForParts : tls.contextForAnyone,
      // A session that is resumed shows no certificate: each connection is checked as a whole.
      maxCachedSessions: 0,
    },
  }));

/** `fetch`. @throws SwarmError bad-request for a part in plain where links are encrypted; what fetch throws */
export const linkFetch = async (
  url: string | URL,
  init: RequestInit = {},
  callee: Callee = 'part',
): Promise<Response> => {
  const tls = linkTls();
  if (!tls) return fetch(url, signed(init));
  const to = new URL(url);
  requireSecure(to, callee);
  if (!isSecure(to)) return fetch(url, signed(init));
  const all = await dispatchersOf(tls);
  const dispatcher = dispatcherFor(all, tls, callee);
  const secureInit = { ...signed(init), dispatcher } as Parameters<Undici['fetch']>[1];
  return all.undici.fetch(to, secureInit);
};

const keepAlive = { keepAlive: true, keepAliveMsecs: 5_000 };
const plainAgent = new http.Agent(keepAlive);
const secureAgent = new https.Agent({ ...keepAlive, maxCachedSessions: 0 });

/**
 * Begins a request over http or https, on kept-alive connections unless the options say otherwise.
 * @throws SwarmError bad-request for a part in plain where links are encrypted
 */
export const linkRequest = (
  url: string | URL,
  options: http.RequestOptions,
  callee: Callee = 'part',
): http.ClientRequest => {
  const to = new URL(url);
  const tls = linkTls();
  if (tls) requireSecure(to, callee);
  if (!isSecure(to)) return http.request(to, { agent: plainAgent, ...options });
  const context = tls && (callee === 'part' ? tls.contextForParts : tls.contextForAnyone);
  return https.request(to, { agent: secureAgent, ...(context && { secureContext: context }), ...options });
};
