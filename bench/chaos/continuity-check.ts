import { PlaylistFollower, verifyCollected, type VerifyReport } from '../../src/verify';

/** GOPs of one channel to be checked. */
export interface Stretch {
  channelId: string;
  playlistUrl: string;
  fromGop: number;
  /** So much of the past is asked for. */
  windowSeconds: number;
  /** Its pictures carry no stamps: they are told by their times. */
  unstamped: boolean;
}

export interface CheckedStretch {
  channelId: string;
  fromGop: number;
  /** Last GOP that was checked; the next stretch begins after it. */
  toGop: number;
  report: VerifyReport;
}

/**
 * Fetches a stretch as a player would, and checks every frame of it.
 * @param isLast nothing more will come: what can't be fetched counts as lost
 * @returns null where it can't be fetched as a whole now; to be asked again
 * @throws SwarmError unavailable while the origin is away
 */
export const checkStretch = async (
  stretch: Stretch,
  options: { key: Buffer; ffmpegPaths: string[]; isLast: boolean },
): Promise<CheckedStretch | null> => {
  const { channelId, fromGop } = stretch;
  const follower = new PlaylistFollower({ windowSeconds: stretch.windowSeconds });
  try {
    await follower.start(stretch.playlistUrl);
    const listed = await follower.stop();
    // Playlists are loaded one after the other: the newest GOP may be in some of them only.
    const toGop = Math.min(...listed.map((playlist) => playlist.segments.at(-1)?.gop ?? -1));
    const collected = listed.map((playlist) => ({
      ...playlist,
      segments: playlist.segments.filter(({ gop }) => gop >= fromGop && gop <= toGop),
    }));
    if (toGop < fromGop) return null;
    const isWhole = collected.every(
      ({ segments }) =>
        segments[0]?.gop === fromGop && segments.every((segment) => segment.failure === undefined),
    );
    if (!isWhole && !options.isLast) return null;
    const report = await verifyCollected(collected, {
      key: options.key,
      ffmpegPaths: options.ffmpegPaths,
      fromGop: { [channelId]: fromGop },
      ...(stretch.unstamped && { unstampedChannels: [channelId] }),
    });
    return { channelId, fromGop, toGop, report };
  } finally {
    await follower.dispose();
  }
};
