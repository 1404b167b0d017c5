export { compareSound, type Difference } from './compare-sound';
export { verifierFfmpegPaths } from './ffmpeg-builds';
export { PlaylistFollower, type CollectedPlaylist, type CollectedSegment } from './follower';
export type { PlaylistReport, VerifyReport } from './report';
export type { SoundJudgement } from './judge-sound';
export { dueSound, judgeStampedSound } from './sound-view';
export {
  FactsReader,
  SOUND_AHEAD_TICKS,
  adtsSamples,
  type PictureFact,
  type SoundFact,
  type StreamFacts,
} from './stream-facts';
export {
  verifyCollected,
  verifyPlaylists,
  type CheckCollectedOptions,
  type VerifyOptions,
} from './verify-playlists';
