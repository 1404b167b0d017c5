import { isLoopback } from '../platform/addresses';
import { playerUrl, type Environment } from './config';

/** Base URL of the origin for whoever asked the API under this Host header. */
export type OriginFor = (hostHeader: string | undefined) => string;

/**
 * SWARM_PUBLIC_ORIGIN_URL where it is set. Else the origin is told under the name by which the API itself was reached,
 * if that is no name of this machine alone: an origin at 127.0.0.1 is another one to every player elsewhere.
 */
export const originFor = (environment: Environment): OriginFor => {
  const { SWARM_PUBLIC_ORIGIN_URL } = environment;
  const ownUrl = playerUrl(environment);
  const own = new URL(ownUrl);
  if (SWARM_PUBLIC_ORIGIN_URL !== undefined || !isLoopback(own.hostname)) {
    return () => SWARM_PUBLIC_ORIGIN_URL ?? ownUrl;
  }
  return (hostHeader) => {
    const name = URL.canParse(`http://${hostHeader ?? ''}`) ? new URL(`http://${hostHeader}`).hostname : '';
    if (name === '' || isLoopback(name)) return ownUrl;
    return `${own.protocol}//${name}${own.port && `:${own.port}`}`;
  };
};
