import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { SwarmError } from '../../domain';
import type { Logger } from '../logger';

/** Names of the files in a folder that SWARM_TLS_DIR names; `encoder-swarm certificates issue` makes such folders. */
export const TLS_FILE_NAMES = { ca: 'ca.pem', certificate: 'certificate.pem', key: 'key.pem' } as const;

/** Files, PEM, of what a process trusts and shows on its links. */
export interface TlsFiles {
  /** Certificates of the swarm's authority: one, or several while it is being replaced. */
  ca: string;
  /** Its own certificate; absent: it only checks others, as the command line of a person does. */
  own?: { certificate: string; key: string } | undefined;
}

/** The variables that say where they are. */
export interface TlsEnvironment {
  SWARM_TLS_DIR?: string | undefined;
  SWARM_TLS_CA?: string | undefined;
  SWARM_TLS_CERTIFICATE?: string | undefined;
  SWARM_TLS_KEY?: string | undefined;
}

/**
 * The files that an environment names; undefined: links are plain.
 * @throws SwarmError bad-request where one of them is missing
 */
export const tlsFilesOf = (environment: TlsEnvironment): TlsFiles | undefined => {
  const { SWARM_TLS_DIR: folder } = environment;
  const named = (given: string | undefined, name: string): string | undefined =>
    given || (folder ? join(folder, name) : undefined);
  const ca = named(environment.SWARM_TLS_CA, TLS_FILE_NAMES.ca);
  const certificate = named(environment.SWARM_TLS_CERTIFICATE, TLS_FILE_NAMES.certificate);
  const key = named(environment.SWARM_TLS_KEY, TLS_FILE_NAMES.key);
  const isWhole = (certificate === undefined) === (key === undefined);
  if (isWhole && ca !== undefined) return { ca, ...(certificate && key && { own: { certificate, key } }) };
  if (isWhole && certificate === undefined) return undefined;
  throw new SwarmError(
    'bad-request',
    'Only some of the files for TLS are named.',
    'Set SWARM_TLS_DIR, or all of SWARM_TLS_CA, SWARM_TLS_CERTIFICATE and SWARM_TLS_KEY (docs/how-to/encrypt-the-links.md).',
  );
};

/** What the files hold, PEM. */
interface TlsMaterial {
  ca: string;
  own?: { certificate: string; key: string };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const RENEW = 'Make a new one: npx encoder-swarm certificates renew.';

const certificatesIn = (pem: string, file: string): X509Certificate[] => {
  const found = (pem.match(PEM_CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  if (found.length > 0) return found;
  throw new SwarmError('bad-request', `${file} holds no certificate.`, 'Name a file in the form of PEM.');
};

const readPem = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `${file} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
      'Make it readable for the account that runs this, or correct SWARM_TLS_DIR, SWARM_TLS_CA, SWARM_TLS_CERTIFICATE or SWARM_TLS_KEY.',
    );
  }
};

const requireSound = (files: TlsFiles, { ca, own }: TlsMaterial): void => {
  const authorities = certificatesIn(ca, files.ca);
  if (!own || !files.own) return;
  const file = files.own.certificate;
  const [certificate, ...chain] = certificatesIn(own.certificate, file);
  const leaf = certificate!;
  const refuse = (what: string, hint: string): never => {
    throw new SwarmError('bad-request', `${file} can't be used: ${what}.`, hint);
  };
  let isOwnKey = false;
  try {
    isOwnKey = leaf.checkPrivateKey(createPrivateKey(own.key));
  } catch {
    // The same to the reader: no key that goes with it.
  }
  if (!isOwnKey) refuse(`${files.own.key} is not its key`, 'Name the two that were made together.');
  const isOfAuthority = [...authorities, ...chain].some(
    (issuer) => leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey),
  );
  if (!isOfAuthority)
    refuse(`it is not of the authority in ${files.ca}`, 'Name the authority that issued it.');
  if (Date.parse(leaf.validTo) <= Date.now()) refuse(`it expired on ${leaf.validTo}`, RENEW);
};

const readMaterial = async (files: TlsFiles): Promise<TlsMaterial> => {
  const { own } = files;
  const [ca, certificate = '', key = ''] = await Promise.all(
    (own ? [files.ca, own.certificate, own.key] : [files.ca]).map(readPem),
  );
  const material = { ca: ca!, ...(own && { own: { certificate, key } }) };
  requireSound(files, material);
  return material;
};

const LOOK_EVERY_MS = 5_000;
const DAY_MS = 86_400_000;
/** From then on the log tells, once a day, that a certificate ends. */
const TELL_BEFORE_MS = 14 * DAY_MS;

export interface LinkTlsOptions {
  /** Absent: nothing is told. */
  log?: Logger | undefined;
  /** How often the files are read again; default 5,000. */
  lookEveryMs?: number;
}

/**
 * What this process shows and trusts on its links. The files are read again and again: those that can be used replace
 * what was there, for connections that begin from then on; of those that can't, the log tells, and what was there before
 * goes on to count.
 */
export class LinkTls {
  private readonly followers = new Set<() => void>();
  private readonly timer: NodeJS.Timeout;
  private strict: SecureContext | undefined;
  private lenient: SecureContext | undefined;
  private isLooking = false;
  private lastFault = '';
  private toldFault = '';
  private endToldAtMs = -Infinity;

  private constructor(
    readonly files: TlsFiles,
    private material: TlsMaterial,
    private readonly options: LinkTlsOptions,
  ) {
    this.timer = setInterval(() => void this.look(), options.lookEveryMs ?? LOOK_EVERY_MS).unref();
    this.tellOfEnd();
  }

  /** @throws SwarmError bad-request that names the file that can't be used */
  static async open(files: TlsFiles, options: LinkTlsOptions = {}): Promise<LinkTls> {
    return new LinkTls(files, await readMaterial(files), options);
  }

  /** Certificates of the authority, PEM. */
  get ca(): string {
    return this.material.ca;
  }

  /** The own certificate and its key, PEM. @throws SwarmError bad-request where there is none */
  get own(): { certificate: string; key: string } {
    if (this.material.own) return this.material.own;
    throw new SwarmError(
      'bad-request',
      'There is an authority, but no certificate of this process.',
      'Set SWARM_TLS_DIR, or SWARM_TLS_CERTIFICATE and SWARM_TLS_KEY.',
    );
  }

  /** For a listener; parts are spoken to in the newest version alone. */
  contextForCallers(callers: 'parts' | 'people'): SecureContextOptions {
    const { certificate: cert, key } = this.own;
    return callers === 'parts' ? { ca: this.ca, cert, key, minVersion: 'TLSv1.3' } : { cert, key };
  }

  /** To ask a part of this swarm: shows the own certificate, and trusts the swarm's authority alone. */
  get contextForParts(): SecureContext {
    const { ca, own } = this.material;
    return (this.strict ??= createSecureContext({
      ...{ ca, minVersion: 'TLSv1.3' },
      ...(own && { cert: own.certificate, key: own.key }),
    }));
  }

  /** To ask whoever serves a URL, as a cache before the origin: trusts public authorities too, and shows nothing. */
  get contextForAnyone(): SecureContext {
    return (this.lenient ??= createSecureContext({ ca: [...rootCertificates, this.ca] }));
  }

  /** @returns ends it */
  onChange(follow: () => void): () => void {
    this.followers.add(follow);
    return () => void this.followers.delete(follow);
  }

  close(): void {
    clearInterval(this.timer);
    this.followers.clear();
  }

  /** Reads the files again. Called by itself every `lookEveryMs`. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const found = await readMaterial(this.files);
      if (!isSame(found, this.material)) this.replace(found);
      this.lastFault = this.toldFault = '';
      this.tellOfEnd();
    } catch (error) {
      // One of the files may be replaced already and the other not yet, or be half written: the next look tells.
      const { message } = error as Error;
      if (message === this.lastFault && message !== this.toldFault) {
        this.options.log?.error({ err: error }, 'the certificates before go on to count');
        this.toldFault = message;
      }
      this.lastFault = message;
    } finally {
      this.isLooking = false;
    }
  }

  private replace(material: TlsMaterial): void {
    this.material = material;
    this.strict = undefined;
    this.lenient = undefined;
    for (const follow of this.followers) follow();
    this.options.log?.info({ until: this.validTo() }, 'new certificates are in use');
  }

  private validTo(): string | undefined {
    const { own } = this.material;
    return own && new X509Certificate(own.certificate).validTo;
  }

  private tellOfEnd(): void {
    const until = this.validTo();
    const nowMs = Date.now();
    if (until === undefined || Date.parse(until) - nowMs > TELL_BEFORE_MS) return;
    if (nowMs - this.endToldAtMs < DAY_MS) return;
    this.endToldAtMs = nowMs;
    this.options.log?.warn({ until }, 'the certificate of this part ends soon: renew it');
  }
}

const isSame = (one: TlsMaterial, other: TlsMaterial): boolean =>
  one.ca === other.ca && one.own?.certificate === other.own?.certificate && one.own?.key === other.own?.key;

let inUse: LinkTls | undefined;

/** What the links of this process are encrypted with; undefined: they are plain. */
export const linkTls = (): LinkTls | undefined => inUse;

/** From now on, for listeners and clients that begin; undefined: they are plain. */
export const useLinkTls = (tls: LinkTls | undefined): void => {
  inUse?.close();
  inUse = tls;
};

/**
 * Encrypts the links of this process as its environment says.
 * @param log tells of new certificates and of those that can't be used
 * @throws SwarmError bad-request that names the file or variable at fault
 */
export const takeLinkTls = async (environment: TlsEnvironment, log?: Logger): Promise<void> => {
  const files = tlsFilesOf(environment);
  useLinkTls(files && (await LinkTls.open(files, { log })));
};

/** What URLs of parts of this swarm begin with. */
export const linkScheme = (): 'http' | 'https' => (inUse ? 'https' : 'http');
