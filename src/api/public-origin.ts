import { playerUrl, type Environment } from '../config/config';
import type { Status } from '../contracts/api';
import { masterPlaylistUrl } from '../contracts/origin';
import { isLoopback } from '../platform/addresses';

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

/** A status with the origin, and the playlists there, at another base URL than it was made with. */
export const statusAt = (status: Status, originUrl: string): Status =>
  originUrl === status.urls.origin
    ? status
    : {
        ...status,
        urls: { ...status.urls, origin: originUrl },
        channels: status.channels.map((channel) => ({
          ...channel,
          playlistUrl: masterPlaylistUrl(originUrl, channel.id),
        })),
      };
