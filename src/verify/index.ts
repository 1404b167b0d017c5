export { compareSound, type Difference } from './compare-sound';
export { verifierFfmpegPaths } from './ffmpeg-builds';
export { PlaylistFollower, type CollectedPlaylist, type CollectedSegment } from './follower';
export type { PlaylistReport, VerifyReport } from './report';
export { FactsReader, adtsSamples, type PictureFact, type SoundFact, type StreamFacts } from './stream-facts';
export {
  verifyCollected,
  verifyPlaylists,
  type CheckCollectedOptions,
  type VerifyOptions,
} from './verify-playlists';
