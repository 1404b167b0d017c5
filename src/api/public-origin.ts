import type { Status } from '../contracts/api';
import type { PlaySigner } from '../playback';

/** A status for one who reaches the origin at this base URL, with playlists that he can play. */
export const statusAt = async (status: Status, originUrl: string, signer: PlaySigner): Promise<Status> => {
  if (!signer.signs && originUrl === status.urls.origin) return status;
  return {
    ...status,
    urls: { ...status.urls, origin: originUrl },
    channels: await Promise.all(
      status.channels.map(async (channel) => ({
        ...channel,
        playlistUrl: (await signer.urlsOf(originUrl, channel.id)).hls,
      })),
    ),
  };
};
