export { GeneratedPicture } from './generated-picture';
export { loadOrCreateStampKey } from './key';
export { BAND_HEIGHT_FRACTION } from './layout';
export type { StampReading } from './payload';
export { drawStamp, readStamp, stampBandHeightPx } from './stamp';
