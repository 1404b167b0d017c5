import { readFile } from 'node:fs/promises';
import { SwarmError, type Caller } from '../domain';
import { isLoopback } from './addresses';
import { bearerOf, digestOf, equalDigests, notKnown, type Gate } from './gate';
import { takeLinkTls, useLinkTls, type TlsEnvironment } from './links/link-tls';
import type { Logger } from './logger';

/**
 * Who this process is to the parts of its swarm, and by what it knows them: one secret that all parts share. It is set
 * once, when a part starts, and is then shown by every client and asked for by every listener of the process: so none of
 * them can be forgotten.
 */
export interface Identity {
  partToken: string | undefined;
  /** What this process shows to the API. */
  apiToken: string | undefined;
  allowStrangers: boolean;
  /** Links between machines may be plain. */
  allowPlain: boolean;
}

const NOBODY: Identity = {
  partToken: undefined,
  apiToken: undefined,
  allowStrangers: false,
  allowPlain: false,
};

let own: Identity = NOBODY;

/** Sets what is given, and leaves the rest. */
export const setOwnIdentity = (identity: Partial<Identity>): void => {
  own = { ...own, ...identity };
};

/** What this process is, for one that it starts as a part of itself. */
export const ownIdentity = (): Readonly<Identity> => own;

/** As before a first setOwnIdentity: for tests. */
export const forgetOwnIdentity = (): void => {
  own = NOBODY;
  useLinkTls(undefined);
};

const LEAST_TOKEN_CHARACTERS = 32;

/** Reads a secret of a file. @throws SwarmError bad-request that names the file, never what is in it */
export const readTokenFile = async (path: string, variable: string): Promise<string> => {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `The token in ${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
      `Make it readable for the account that runs this, or correct ${variable}.`,
    );
  }
  if (text.length >= LEAST_TOKEN_CHARACTERS && bearerOf(`Bearer ${text}`) === text) return text;
  throw new SwarmError(
    'bad-request',
    `${path} holds no token: at least ${LEAST_TOKEN_CHARACTERS} characters of A-Z, a-z, 0-9 and -._~+/= are needed.`,
    'Make one: openssl rand -hex 32.',
  );
};

/** The same of a file that nobody named: undefined where there is none that this account can use. */
export const readTokenIfThere = (path: string, variable: string): Promise<string | undefined> =>
  readTokenFile(path, variable).catch(() => undefined);

/**
 * Takes on the identity that the environment of a part names: its token, and its certificate.
 * @throws SwarmError bad-request
 */
export const takeOwnIdentity = async (
  environment: TlsEnvironment & {
    SWARM_PART_TOKEN_FILE?: string | undefined;
    SWARM_ALLOW_STRANGERS: boolean;
    SWARM_ALLOW_PLAIN: boolean;
  },
  log: Logger,
): Promise<void> => {
  const { SWARM_PART_TOKEN_FILE: file } = environment;
  const { SWARM_ALLOW_STRANGERS: allowStrangers, SWARM_ALLOW_PLAIN: allowPlain } = environment;
  const partToken = file === undefined ? undefined : await readTokenFile(file, 'SWARM_PART_TOKEN_FILE');
  await takeLinkTls(environment, log);
  setOwnIdentity({ partToken, allowStrangers, allowPlain });
};

/** What this process shows to other parts, as a header; empty where it has nothing to show. */
export const partAuthorization = (): { authorization?: string } =>
  own.partToken === undefined ? {} : { authorization: `Bearer ${own.partToken}` };

/** What this process shows to the API where its caller says nothing else. */
export const ownApiToken = (): string | undefined => own.apiToken;

/** The same as a header; empty where there is nothing to show. */
export const apiAuthorization = (): { authorization?: string } =>
  own.apiToken === undefined ? {} : { authorization: `Bearer ${own.apiToken}` };

const PART: Caller = { name: 'part', role: 'part' };

/** Lets in whoever has this part token. */
export const gateOfToken = (partToken: string): Gate => {
  const digest = digestOf(partToken);
  return {
    identify({ authorization }) {
      if (authorization === undefined) return null;
      const shown = bearerOf(authorization);
      if (shown !== undefined && equalDigests(digestOf(shown), digest)) return PART;
      throw notKnown(
        'The token shown is not that of this swarm.',
        'Parts of one swarm share one token: see SWARM_PART_TOKEN_FILE.',
      );
    },
  };
};

/** The gate of each listener of this process; undefined: everyone is let in. */
export const partGate = (): Gate | undefined =>
  own.partToken === undefined ? undefined : gateOfToken(own.partToken);

/** How a listener is protected. */
export interface Protection {
  /** Tells who asks; undefined: nobody does. */
  gate: Gate | undefined;
  isEncrypted: boolean;
  /** It answers everyone alike: nobody shows it a secret. */
  isPublic?: boolean;
}

/**
 * Refuses to listen for other machines where nobody has to say who he is, or where secrets would cross the network in
 * the clear.
 * @returns whether other machines reach it in plain, as was allowed by name
 * @throws SwarmError bad-request
 */
export const requireGuarded = (host: string, { gate, isEncrypted, isPublic }: Protection): boolean => {
  if (isLoopback(host)) return false;
  if (!gate && !own.allowStrangers) {
    throw new SwarmError(
      'bad-request',
      `Refusing to listen on ${host}: other machines reach it, and nobody would have to say who he is.`,
      'Set SWARM_PART_TOKEN_FILE, and SWARM_ADMIN_TOKEN_FILE for the API (docs/how-to/secure-a-swarm.md), or allow it by name: SWARM_ALLOW_STRANGERS=yes.',
    );
  }
  if (isEncrypted || isPublic) return false;
  // Who lets strangers command a part has nothing left that encryption could protect.
  if (own.allowPlain || own.allowStrangers) return true;
  throw new SwarmError(
    'bad-request',
    `Refusing to listen on ${host}: other machines reach it, and tokens would cross the network in the clear.`,
    'Set SWARM_TLS_DIR (docs/how-to/encrypt-the-links.md), or, where the network is the own one of the swarm or a proxy adds TLS, allow it by name: SWARM_ALLOW_PLAIN=yes.',
  );
};
