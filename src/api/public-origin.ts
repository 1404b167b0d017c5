import { isIP } from 'node:net';
import type { Environment } from '../config/config';
import type { ChannelStatus, Status } from '../contracts/api';

/** Base URL of the origin for whoever asked the API under this Host header. */
export type OriginFor = (hostHeader: string | undefined) => string;

const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));

/**
 * SWARM_PUBLIC_ORIGIN_URL where it is set. Else the origin is told under the name by which the API itself was reached,
 * if that is no name of this machine alone: an origin at 127.0.0.1 is another one to every player elsewhere.
 */
export const originFor = ({ SWARM_PUBLIC_ORIGIN_URL, SWARM_ORIGIN_URL }: Environment): OriginFor => {
  const own = new URL(SWARM_ORIGIN_URL);
  if (SWARM_PUBLIC_ORIGIN_URL !== undefined || !isLoopback(own.hostname)) {
    return () => SWARM_PUBLIC_ORIGIN_URL ?? SWARM_ORIGIN_URL;
  }
  return (hostHeader) => {
    const name = URL.canParse(`http://${hostHeader ?? ''}`) ? new URL(`http://${hostHeader}`).hostname : '';
    if (name === '' || isLoopback(name)) return SWARM_ORIGIN_URL;
    return `${own.protocol}//${name}${own.port && `:${own.port}`}`;
  };
};

/** Channels with their playlists at another base URL than the one that they were made with. */
export const channelsAt = (
  channels: readonly ChannelStatus[],
  madeWith: string,
  originUrl: string,
): ChannelStatus[] =>
  channels.map((channel) => ({
    ...channel,
    playlistUrl: channel.playlistUrl.replace(madeWith, originUrl),
  }));

/** A status as `channelsAt`, with the origin's own address in its links. */
export const statusAt = (status: Status, madeWith: string, originUrl: string): Status =>
  madeWith === originUrl
    ? status
    : {
        ...status,
        urls: { ...status.urls, origin: originUrl },
        channels: channelsAt(status.channels, madeWith, originUrl),
      };
