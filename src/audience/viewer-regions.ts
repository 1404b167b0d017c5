import ipaddr from 'ipaddr.js';
import { SwarmError, idSchema } from '../domain';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Where viewers are, by their addresses: `10.0.0.0/8=eu,2001:db8::/32=us`. Of networks that both hold an address the
 * smaller one counts.
 */
export class ViewerRegions {
  private constructor(
    /** What it was parsed of. */
    readonly text: string,
    private readonly networks: readonly { network: Network; region: string }[],
  ) {}

  /** @throws SwarmError bad-request that names the entry at fault */
  static parse(text: string): ViewerRegions {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean);
    const networks = entries.map((entry) => {
      const [cidr = '', region = '', ...rest] = entry.split('=').map((part) => part.trim());
      if (rest.length > 0 || !ipaddr.isValidCIDR(cidr) || !idSchema.safeParse(region).success) {
        throw new SwarmError(
          'bad-request',
          `${JSON.stringify(entry)} names no network and its region.`,
          'Write NETWORK=REGION with commas between them, such as 10.0.0.0/8=eu,2001:db8::/32=us.',
        );
      }
      return { network: ipaddr.parseCIDR(cidr), region };
    });
    return new ViewerRegions(
      text,
      networks.sort((a, b) => b.network[1] - a.network[1]),
    );
  }

  /** @returns empty for an address of no network, and for what is no address */
  of(address: string): string {
    if (this.networks.length === 0 || !ipaddr.isValid(address)) return '';
    const parsed = ipaddr.process(address);
    const found = this.networks.find(
      ({ network }) => network[0].kind() === parsed.kind() && parsed.match(network),
    );
    return found?.region ?? '';
  }
}
