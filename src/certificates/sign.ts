import { KeyObject, createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type * as X509 from '@peculiar/x509';

/** A certificate and its key, PEM. */
export interface Signed {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  name: string;
  part: string;
  /** DNS names and addresses under which the part is reached, beside those of its own machine. */
  hosts: readonly string[];
  /** Until it expires; never beyond its authority. */
  days: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const ORGANISATION = 'encoder-swarm';
const DAY_MS = 86_400_000;
/** Clocks of machines differ: what was issued now counts on one that is behind. */
const BEFORE_MS = 10 * 60_000;
const SERIAL_BYTES = 16;

/** The library is loaded for these commands alone. Keys and signatures are those of Node's own cryptography. */
const library = async (): Promise<typeof X509> => {
  // The library asks for it and does not bring it along.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
};

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** Positive, as RFC 5280 asks: the first bit is none. */
const newSerial = (): string => {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
};

const lifeOf = (days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - BEFORE_MS),
  notAfter: new Date(Date.now() + days * DAY_MS),
});

const pemOfKey = (key: webcrypto.CryptoKey): string =>
  KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();

/** An authority, which signs certificates of parts and nothing else. */
export const makeAuthority = async (options: { swarm: string; days: number }): Promise<Signed> => {
  const x509 = await library();
  const keys = await newKeys();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ O: [ORGANISATION] }, { CN: [options.swarm] }],
    ...lifeOf(options.days),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: pemOfKey(keys.privateKey) };
};

/** A certificate by which a part serves and asks. */
export const signFor = async (authority: Signed, request: CertificateRequest): Promise<Signed> => {
  const x509 = await library();
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const der = createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  const { notBefore, notAfter } = lifeOf(request.days);
  const names = request.hosts.map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ O: [ORGANISATION] }, { OU: [request.part] }, { CN: [request.name] }],
    issuer: issuer.subject,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: pemOfKey(keys.privateKey) };
};
