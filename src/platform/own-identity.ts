import { readFile } from 'node:fs/promises';
import { SwarmError, type Caller } from '../domain';
import { isLoopback } from './addresses';
import { bearerOf, digestOf, equalDigests, notKnown, type Gate } from './gate';

/**
 * Who this process is to the parts of its swarm, and by what it knows them: one secret that all parts share. It is set
 * once, when a part starts, and is then shown by every client and asked for by every listener of the process: so none of
 * them can be forgotten.
 */
interface OwnIdentity {
  partToken: string | undefined;
  /** What this process shows to the API. */
  apiToken: string | undefined;
  allowStrangers: boolean;
}

const NOBODY: OwnIdentity = { partToken: undefined, apiToken: undefined, allowStrangers: false };

let own: OwnIdentity = NOBODY;

/** Sets what is given, and leaves the rest. */
export const setOwnIdentity = (identity: Partial<OwnIdentity>): void => {
  own = { ...own, ...identity };
};

/** As before a first setOwnIdentity: for tests. */
export const forgetOwnIdentity = (): void => {
  own = NOBODY;
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

/** Takes on the identity that the environment of a part names. @throws SwarmError bad-request */
export const takeOwnIdentity = async (environment: {
  SWARM_PART_TOKEN_FILE?: string | undefined;
  SWARM_ALLOW_STRANGERS: boolean;
}): Promise<void> => {
  const { SWARM_PART_TOKEN_FILE: file, SWARM_ALLOW_STRANGERS: allowStrangers } = environment;
  const partToken = file === undefined ? undefined : await readTokenFile(file, 'SWARM_PART_TOKEN_FILE');
  setOwnIdentity({ partToken, allowStrangers });
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

/**
 * Refuses to listen for other machines where nobody has to say who he is.
 * @throws SwarmError bad-request
 */
export const requireGuarded = (host: string, gate: Gate | undefined): void => {
  if (gate || own.allowStrangers || isLoopback(host)) return;
  throw new SwarmError(
    'bad-request',
    `Refusing to listen on ${host}: other machines reach it, and nobody would have to say who he is.`,
    'Set SWARM_PART_TOKEN_FILE, and SWARM_ADMIN_TOKEN_FILE for the API (docs/how-to/secure-a-swarm.md), or allow it by name: SWARM_ALLOW_STRANGERS=yes.',
  );
};
