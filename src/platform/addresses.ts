import { isIP, isIPv6 } from 'node:net';

/** Where servers listen that nobody but this machine's parts may reach. */
export const LOOPBACK = '127.0.0.1';

/** Whether a server that listens on this host listens on every address of the machine. */
export const isEveryAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** A host to connect to for one that is listened on. */
export const connectableHost = (host: string): string => (isEveryAddress(host) ? '127.0.0.1' : host);

/** Host and port as in a URL: an IPv6 address stands in brackets. */
export const hostAndPort = (host: string, port: number): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Whether a host name, with or without the brackets of IPv6, is one of this machine alone. */
export const isLoopback = (hostname: string): boolean => {
  const name = hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
};

/** The same of the host of a URL, or of an address such as `127.0.0.1:7233`; false of what is neither. */
export const isLoopbackUrl = (urlOrAddress: string): boolean => {
  const url = urlOrAddress.includes('://') ? urlOrAddress : `tcp://${urlOrAddress}`;
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
};
