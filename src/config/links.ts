import { z } from 'zod';
import { SwarmError } from '../domain';
import { isLoopback, isLoopbackUrl } from '../platform/addresses';
import { tlsFilesOf, type TlsEnvironment } from '../platform/links/link-tls';

const file = z.string().min(1).optional();

/** Variables that say how links are encrypted. */
export const linkVariables = {
  SWARM_TLS_DIR: file.describe(
    'Folder with `ca.pem`, `certificate.pem` and `key.pem`, as `encoder-swarm certificates issue` makes it. With it, links are ' +
      'encrypted, and parts refuse who shows no certificate of that authority (docs/how-to/encrypt-the-links.md). The files ' +
      'are read again when they change.',
  ),
  SWARM_TLS_CA: file.describe(
    "Certificates of the swarm's authority, PEM. Default: `ca.pem` in `SWARM_TLS_DIR`. Alone, it is enough for the command line of a person.",
  ),
  SWARM_TLS_CERTIFICATE: file.describe(
    'Certificate of this part, PEM, followed by those between it and the authority, if any. Default: `certificate.pem` in `SWARM_TLS_DIR`.',
  ),
  SWARM_TLS_KEY: file.describe('Its key, PEM. Default: `key.pem` in `SWARM_TLS_DIR`.'),
  SWARM_PLAYER_TLS: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      '`off`: where links are encrypted, the listener for players (`SWARM_PLAYER_PORT`) is not, as a cache before it may want.',
    ),
  SWARM_ALLOW_PLAIN: z
    .enum(['yes', 'no'])
    .default('no')
    .transform((answer) => answer === 'yes')
    .describe(
      '`yes`: parts may listen for other machines without TLS. Whoever can read the network between them can read their tokens.',
    ),
};

const PART_URLS = [
  'SWARM_API_URL',
  'SWARM_RELAY_URL',
  'SWARM_ORIGIN_URL',
  'SWARM_PLAYER_URL',
  'SWARM_SOURCE_URL',
  'SWARM_FLEET_URL',
] as const;

type Secured = Partial<Record<(typeof PART_URLS)[number], string | undefined>> &
  TlsEnvironment & { SWARM_PLAYER_TLS: 'on' | 'off' };

/** @throws SwarmError bad-request for a URL of a part that is not encrypted, as all links are */
const requireSecure = (variable: string, url: string): void => {
  if (url.startsWith('https:')) return;
  throw new SwarmError(
    'bad-request',
    `${variable} is ${url}, and links are encrypted.`,
    'Write it with https://.',
  );
};

/**
 * The URLs of parts where links are encrypted: those that nobody named begin with https.
 * @param named what was set
 * @throws Error that names a URL that was given with http, or files of TLS that are missing, and what to do
 */
export const withSecureUrls = <E extends Secured>(environment: E, named: NodeJS.ProcessEnv): E => {
  try {
    return secureUrlsOf(environment, named);
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error;
    throw new Error(`Bad environment: ${error.message} Hint: ${error.hint}`, { cause: error });
  }
};

const secureUrlsOf = <E extends Secured>(environment: E, named: NodeJS.ProcessEnv): E => {
  if (!tlsFilesOf(environment)) return environment;
  const secured = { ...environment };
  for (const variable of PART_URLS) {
    const url = environment[variable];
    if (url === undefined || (variable === 'SWARM_PLAYER_URL' && environment.SWARM_PLAYER_TLS === 'off'))
      continue;
    if (named[variable] !== undefined) requireSecure(variable, url);
    Object.assign(secured, { [variable]: url.replace(/^http:/, 'https:') });
  }
  return secured;
};

/** The same of variables that distinguish one encoder host from another. @throws SwarmError bad-request */
export const requireSecureUrls = (
  environment: TlsEnvironment,
  urls: Record<string, string | undefined>,
): void => {
  if (!tlsFilesOf(environment)) return;
  for (const [variable, url] of Object.entries(urls)) if (url !== undefined) requireSecure(variable, url);
};

type Linked = Secured & { SWARM_HOST: string; SWARM_ENCODERS?: string | undefined };

/** Whether the parts of this environment reach one another encrypted, on this machine alone, or neither. */
export const linksOf = (environment: Linked): 'encrypted' | 'loopback' | 'plain' => {
  if (tlsFilesOf(environment)) return 'encrypted';
  const urls = PART_URLS.flatMap((variable) => environment[variable] ?? []);
  const encoders = (environment.SWARM_ENCODERS ?? '')
    .split(',')
    .flatMap((entry) => entry.split('=')[1]?.trim() || []);
  // A URL of https leads to a proxy that adds TLS.
  const isNear = (url: string): boolean => url.startsWith('https:') || isLoopbackUrl(url);
  return isLoopback(environment.SWARM_HOST) && urls.every(isNear) && encoders.every(isLoopbackUrl)
    ? 'loopback'
    : 'plain';
};
