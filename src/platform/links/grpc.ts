import { ServerCredentials, credentials, experimental, type ChannelCredentials } from '@grpc/grpc-js';
import { linkTls, type LinkTls } from './link-tls';

type CaListener = Parameters<experimental.CertificateProvider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0];

/** Hands what links are encrypted with to gRPC, and each change of it. Connections that are open go on. */
class LinkCertificates implements experimental.CertificateProvider {
  private readonly ofAuthority = new Set<CaListener>();
  private readonly ofIdentity = new Set<IdentityListener>();
  private end: (() => void) | undefined;

  constructor(private readonly tls: LinkTls) {}

  addCaCertificateListener(listener: CaListener): void {
    this.ofAuthority.add(listener);
    this.follow();
    // A server takes its certificates from the listener, once it has been made: not yet.
    process.nextTick(() => listener(this.authority));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.ofAuthority.delete(listener);
    this.unfollow();
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.ofIdentity.add(listener);
    this.follow();
    process.nextTick(() => listener(this.identity));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.ofIdentity.delete(listener);
    this.unfollow();
  }

  private get authority(): { caCertificate: Buffer } {
    return { caCertificate: Buffer.from(this.tls.ca) };
  }

  private get identity(): { certificate: Buffer; privateKey: Buffer } {
    const { certificate, key } = this.tls.own;
    return { certificate: Buffer.from(certificate), privateKey: Buffer.from(key) };
  }

  private follow(): void {
    this.end ??= this.tls.onChange(() => {
      for (const listener of this.ofAuthority) listener(this.authority);
      for (const listener of this.ofIdentity) listener(this.identity);
    });
  }

  private unfollow(): void {
    if (this.ofAuthority.size > 0 || this.ofIdentity.size > 0) return;
    this.end?.();
    this.end = undefined;
  }
}

const providers = new WeakMap<LinkTls, LinkCertificates>();

const providerOf = (tls: LinkTls): LinkCertificates => {
  const known = providers.get(tls) ?? new LinkCertificates(tls);
  providers.set(tls, known);
  return known;
};

/** How this process asks another part over gRPC. @throws SwarmError bad-request where it has no certificate */
export const channelCredentials = (): ChannelCredentials => {
  const tls = linkTls();
  if (!tls) return credentials.createInsecure();
  const provider = tls.own && providerOf(tls);
  return experimental.createCertificateProviderChannelCredentials(provider, provider);
};

/** How it is asked: who shows no certificate of the swarm's authority is refused. @throws as channelCredentials */
export const serverCredentials = (): ServerCredentials => {
  const tls = linkTls();
  if (!tls) return ServerCredentials.createInsecure();
  const provider = tls.own && providerOf(tls);
  return experimental.createCertificateProviderServerCredentials(provider, provider, true);
};

/** gRPC to a server of others on this machine that knows no TLS, such as Temporal's development server. */
export const plainChannelCredentials = (): ChannelCredentials => credentials.createInsecure();
