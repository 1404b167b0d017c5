import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { createAuthority, issueCertificate } from '../../src/certificates';
import { TLS_FILE_NAMES, type TlsFiles } from '../../src/platform/links/link-tls';

export interface ShownFiles {
  ca: string;
  cert: string;
  key: string;
}

/** The files of a folder that SWARM_TLS_DIR names. */
export const filesIn = (folder: string): TlsFiles & { own: NonNullable<TlsFiles['own']> } => ({
  ca: join(folder, TLS_FILE_NAMES.ca),
  own: { certificate: join(folder, TLS_FILE_NAMES.certificate), key: join(folder, TLS_FILE_NAMES.key) },
});

const pemIn = async (folder: string): Promise<ShownFiles> => {
  const [ca, cert, key] = await Promise.all(
    [TLS_FILE_NAMES.ca, TLS_FILE_NAMES.certificate, TLS_FILE_NAMES.key].map((name) =>
      readFile(join(folder, name), 'utf8'),
    ),
  );
  return { ca: ca!, cert: cert!, key: key! };
};

const A_MINUTE_AGO_DAYS = -1 / 1_440;

/** An authority with a certificate of this machine, one that has expired, and one of another authority. */
export const makeCertificates = async () => {
  const root = await mkdtemp(join(tmpdir(), 'certificates-'));
  const [authority, other] = [join(root, 'ours'), join(root, 'theirs')];
  await createAuthority(authority, { swarm: 'ours', days: 2 });
  await createAuthority(other, { swarm: 'ours', days: 2 });
  const request = { part: 'machine', hosts: [], days: 1 };
  const own = await issueCertificate(authority, { ...request, name: 'own' });
  const late = { ...request, name: 'late', days: A_MINUTE_AGO_DAYS };
  const expired = await issueCertificate(authority, late);
  const foreign = await issueCertificate(other, { ...request, name: 'own' });
  return {
    authority,
    other,
    /** What SWARM_TLS_DIR names. */
    folder: own.folder,
    files: filesIn(own.folder),
    foreignFiles: filesIn(foreign.folder),
    expiredFiles: filesIn(expired.folder),
    pem: {
      own: await pemIn(own.folder),
      expired: await pemIn(expired.folder),
      foreign: await pemIn(foreign.folder),
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
};

export type Certificates = Awaited<ReturnType<typeof makeCertificates>>;

/** The certificate that a listener of this machine shows to one that trusts it. */
export const shownAt = (port: number, shown: ShownFiles, alpn?: string): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port, ...shown, ...(alpn !== undefined && { ALPNProtocols: [alpn] }) },
      () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
