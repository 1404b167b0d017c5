export { verifierFfmpegPaths } from './ffmpeg-builds';
export { PlaylistFollower, type CollectedPlaylist, type CollectedSegment } from './follower';
export type { PlaylistReport, VerifyReport } from './report';
export {
  verifyCollected,
  verifyPlaylists,
  type CheckCollectedOptions,
  type VerifyOptions,
} from './verify-playlists';
