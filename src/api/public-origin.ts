import type { Status } from '../contracts/api';
import { masterPlaylistUrl } from '../contracts/origin';

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
