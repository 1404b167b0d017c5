export { GeneratedPicture } from './generated-picture';
export { GeneratedSound } from './generated-sound';
export { loadOrCreateStampKey } from './key';
export { BAND_HEIGHT_FRACTION } from './layout';
export type { StampReading } from './payload';
export { BLOCK_SAMPLES, KEEPS_STAMP_ARGUMENTS, SOUND_RATE_HZ, stampedSpeakers } from './sound-layout';
export { SoundStampReader, type ProvedStretch } from './sound-stamp-reader';
export { drawStamp, readStamp, stampBandHeightPx } from './stamp';
