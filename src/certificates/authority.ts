import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, readdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { SwarmError, idSchema } from '../domain';
import { replacePrivateFile } from '../platform/durable-file';
import { TLS_FILE_NAMES } from '../platform/links/link-tls';
import { makeAuthority, signFor, type CertificateRequest, type Signed } from './sign';

export type { CertificateRequest } from './sign';

/** What a certificate may be for: one part of the swarm, a person's command line, or a machine with several of them. */
export const PARTS = [
  ...['api', 'collector', 'encoder', 'fleet', 'origin', 'relay', 'source', 'worker'],
  ...['machine', 'person'],
] as const;

/** What a certificate says. */
export interface CertificateFacts {
  name: string;
  /** Absent: the authority itself. */
  part?: string;
  hosts: string[];
  /** Wall clock, milliseconds since 1970. */
  fromMs: number;
  untilMs: number;
  /** `renew`: less than a third of its time is left. `foreign`: not of this authority. */
  state: 'valid' | 'renew' | 'expired' | 'foreign';
  /** Folder that SWARM_TLS_DIR names; of the authority: the folder of all. */
  folder: string;
}

const KEY_OF_AUTHORITY = 'ca-key.pem';
const OWNER_ONLY = 0o700;
/** Every part is reached under these on its own machine. */
const OWN_HOSTS = ['localhost', '127.0.0.1', '::1'];
const DNS_NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

const privateFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  await chmod(folder, OWNER_ONLY);
};

const readIfThere = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new SwarmError(
      'bad-request',
      `${file} can't be read: ${error.code ?? error.message}.`,
      'Make it readable for your account.',
    );
  });

const requireName = (name: string): void => {
  if (idSchema.safeParse(name).success) return;
  throw new SwarmError(
    'bad-request',
    `${JSON.stringify(name)} can't be the name of a certificate.`,
    'Use lower-case letters, digits and dashes, such as enc-1.',
  );
};

const requireHost = (host: string): void => {
  if (isIP(host) !== 0 || (DNS_NAME.test(host) && !/^[\d.]+$/.test(host))) return;
  throw new SwarmError(
    'bad-request',
    `${JSON.stringify(host)} is neither an address nor a name of a host.`,
    'Give what the other parts connect to, without scheme and port: 10.0.0.5 or enc-1.example.',
  );
};

/**
 * Makes the authority of a swarm in a folder: `ca.pem` and `ca-key.pem`, which your account alone can read.
 * @throws SwarmError conflict where there is one
 */
export const createAuthority = async (
  folder: string,
  { swarm, days }: { swarm: string; days: number },
): Promise<CertificateFacts> => {
  const file = join(folder, TLS_FILE_NAMES.ca);
  if ((await readIfThere(file)) !== undefined || (await readIfThere(join(folder, KEY_OF_AUTHORITY)))) {
    throw new SwarmError(
      'conflict',
      `There is an authority in ${folder} already.`,
      'Go on with certificates issue, or name another folder with --dir: what the old one issued is worth nothing to a new one.',
    );
  }
  const made = await makeAuthority({ swarm, days });
  await privateFolder(folder);
  await replacePrivateFile(join(folder, KEY_OF_AUTHORITY), made.key);
  await replacePrivateFile(file, made.certificate);
  return factsOf(made.certificate, made.certificate, folder);
};

const readAuthority = async (folder: string): Promise<Signed> => {
  const [certificate, key] = await Promise.all(
    [TLS_FILE_NAMES.ca, KEY_OF_AUTHORITY].map((name) => readIfThere(join(folder, name))),
  );
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  throw new SwarmError(
    'not-found',
    certificate === undefined
      ? `There is no authority in ${folder}.`
      : `The key of the authority, ${KEY_OF_AUTHORITY}, is not in ${folder}.`,
    certificate === undefined
      ? 'Make one: encoder-swarm certificates init.'
      : 'Issue certificates where the authority was made, and bring the folder that it makes to the other machine.',
  );
};

const write = async (folder: string, authority: Signed, signed: Signed): Promise<void> => {
  await privateFolder(folder);
  // A part that reads between these two keeps what it had, and looks again.
  await replacePrivateFile(join(folder, TLS_FILE_NAMES.key), signed.key);
  await replacePrivateFile(join(folder, TLS_FILE_NAMES.certificate), signed.certificate);
  await replacePrivateFile(join(folder, TLS_FILE_NAMES.ca), authority.certificate);
};

/**
 * Issues a certificate: a folder of its name, with all that SWARM_TLS_DIR asks for.
 * @throws SwarmError conflict where the name is taken; not-found without an authority; bad-request
 */
export const issueCertificate = async (
  folder: string,
  request: CertificateRequest,
): Promise<CertificateFacts> => {
  requireName(request.name);
  for (const host of request.hosts) requireHost(host);
  const own = join(folder, request.name);
  if ((await readIfThere(join(own, TLS_FILE_NAMES.certificate))) !== undefined) {
    throw new SwarmError(
      'conflict',
      `There is a certificate ${request.name} already.`,
      `Renew it (encoder-swarm certificates renew ${request.name}), or choose another name.`,
    );
  }
  return sign(folder, await readAuthority(folder), request);
};

const sign = async (
  folder: string,
  authority: Signed,
  request: CertificateRequest,
): Promise<CertificateFacts> => {
  const { untilMs } = factsOf(authority.certificate, authority.certificate, folder);
  if (untilMs <= Date.now()) {
    throw new SwarmError(
      'conflict',
      `The authority in ${folder} has expired.`,
      'Make a new one in another folder with certificates init --dir, and issue all certificates anew.',
    );
  }
  const hosts = [...new Set([...OWN_HOSTS, ...request.hosts.map((host) => host.toLowerCase())])];
  const signed = await signFor(authority, { ...request, hosts });
  const own = join(folder, request.name);
  await write(own, authority, signed);
  return factsOf(signed.certificate, authority.certificate, own);
};

/**
 * Replaces a certificate by one with a new key, for the same part and hosts unless others are given.
 * @throws SwarmError not-found
 */
export const renewCertificate = async (
  folder: string,
  name: string,
  { days, hosts }: { days: number; hosts?: readonly string[] },
): Promise<CertificateFacts> => {
  requireName(name);
  for (const host of hosts ?? []) requireHost(host);
  const authority = await readAuthority(folder);
  const own = join(folder, name);
  const old = await readIfThere(join(own, TLS_FILE_NAMES.certificate));
  if (old === undefined) {
    throw new SwarmError(
      'not-found',
      `There is no certificate ${name} in ${folder}.`,
      'encoder-swarm certificates show lists those that there are.',
    );
  }
  const known = factsOf(old, authority.certificate, own);
  return sign(folder, authority, { name, part: known.part ?? 'machine', hosts: hosts ?? known.hosts, days });
};

/** The authority, and all that it issued in its folder. @throws SwarmError not-found without an authority */
export const listCertificates = async (
  folder: string,
): Promise<{ authority: CertificateFacts; issued: CertificateFacts[] }> => {
  const ca = await readIfThere(join(folder, TLS_FILE_NAMES.ca));
  if (ca === undefined) {
    throw new SwarmError(
      'not-found',
      `There is no authority in ${folder}.`,
      'Make one: encoder-swarm certificates init.',
    );
  }
  const entries = await readdir(folder, { withFileTypes: true });
  const issued = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => {
        const own = join(folder, name);
        const pem = await readIfThere(join(own, TLS_FILE_NAMES.certificate));
        return pem === undefined ? undefined : factsOf(pem, ca, own);
      }),
  );
  return {
    authority: factsOf(ca, ca, folder),
    issued: issued
      .filter((facts) => facts !== undefined)
      .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true })),
  };
};

/** A field of a distinguished name as Node writes it, one a line. */
const fieldOf = (subject: string, field: string): string | undefined =>
  subject
    .split('\n')
    .find((line) => line.startsWith(`${field}=`))
    ?.slice(field.length + 1);

const hostsOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .map((entry) => entry.replace(/^(DNS|IP Address):/, ''))
    .filter((host) => host !== '' && !OWN_HOSTS.includes(host) && host !== '0:0:0:0:0:0:0:1');

const factsOf = (pem: string, authorityPem: string, folder: string): CertificateFacts => {
  const certificate = new X509Certificate(pem);
  const authority = new X509Certificate(authorityPem);
  const fromMs = Date.parse(certificate.validFrom);
  const untilMs = Date.parse(certificate.validTo);
  const leftMs = untilMs - Date.now();
  const part = fieldOf(certificate.subject, 'OU');
  const isOurs = certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  return {
    name: fieldOf(certificate.subject, 'CN') ?? '?',
    ...(part !== undefined && { part }),
    hosts: hostsOf(certificate),
    fromMs,
    untilMs,
    state: !isOurs
      ? 'foreign'
      : leftMs <= 0
        ? 'expired'
        : leftMs < (untilMs - fromMs) / 3
          ? 'renew'
          : 'valid',
    folder,
  };
};
