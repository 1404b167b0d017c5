import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Where servers listen that nobody but this machine's parts may reach. */
export const LOOPBACK = '127.0.0.1';

const withoutDress = (host: string): string =>
  host
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

/**
 * A host name or address as it is compared: without the brackets of IPv6 and the last dot of a full name, an address in
 * its shortest form, a name as DNS has it.
 */
export const plainHost = (host: string): string => {
  const bare = withoutDress(host);
  const url = `http://${isIPv6(bare) ? `[${bare}]` : bare}`;
  return URL.canParse(url) ? withoutDress(new URL(url).hostname) : bare;
};

/** Whether a text is an address or a name, and nothing else: no port, no zone, no URL. */
export const isHost = (text: string): boolean => {
  const bare = withoutDress(text);
  return /^[\w.-]+$/.test(bare) || (isIPv6(bare) && !bare.includes('%'));
};

/** What an address is for; null of what is a name. An address of IPv4 may be written as one of IPv6. */
const rangeOf = (host: string): string | null => {
  const plain = plainHost(host);
  return ipaddr.isValid(plain) ? ipaddr.process(plain).range() : null;
};

/** Whether a server that listens on this host listens on every address of the machine. */
export const isEveryAddress = (host: string): boolean => rangeOf(host) === 'unspecified';

/** Addresses under which other machines may reach this one; none of its own, and none of a link alone. */
export const addressesOfMachine = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && rangeOf(address) !== 'linkLocal')
    .map(({ address }) => address);

/** A host to connect to for one that is listened on. */
export const connectableHost = (host: string): string => (isEveryAddress(host) ? LOOPBACK : host);

/** Host and port as in a URL: an IPv6 address stands in brackets. */
export const hostAndPort = (host: string, port: number): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Whether a host name, with or without the brackets of IPv6, is one of this machine alone. */
export const isLoopback = (hostname: string): boolean =>
  plainHost(hostname) === 'localhost' || rangeOf(hostname) === 'loopback';

/** The same of the host of a URL, or of an address such as `127.0.0.1:7233`; false of what is neither. */
export const isLoopbackUrl = (urlOrAddress: string): boolean => {
  const url = urlOrAddress.includes('://') ? urlOrAddress : `tcp://${urlOrAddress}`;
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
};
